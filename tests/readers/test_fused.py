"""Norms that became part of a layer: the layer is compared with the folded one of the base."""

import copy

import numpy as np
import pytest

import compress_compare as cc
import compress_compare.operations

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402


class Net(nn.Module):
    """Layers first and norms after them, so that neighbors in the file are not neighbors in the network."""

    def __init__(self, epsilon=1e-5, bias=False):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3, bias=bias), nn.Conv2d(8, 8, 3, bias=bias)
        self.bn1, self.bn2 = nn.BatchNorm2d(8, eps=epsilon), nn.BatchNorm2d(8, eps=epsilon)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        x = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()
        return self.head(x.mean((2, 3)))


def trained(**options):
    torch.manual_seed(0)
    net = Net(**options)
    for norm in (net.bn1, net.bn2):
        norm.weight.data.uniform_(0.5, 3)
        norm.bias.data.normal_()
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.01, 2)
    return net.eval()


def compared(tmp_path, base, model, what="weights"):
    with cc.open(tmp_path / "p") as project:
        project.log_model("base", checkpoint=base)
        project.log_model("m", base="base", operation=cc.Operation("fold"), checkpoint=model)
        found = project.layers("base", ["m"], what)
    return {(row["module"], row["parameter"]): row for row in found.table.to_pylist()}, found


@pytest.mark.parametrize("epsilon", [1e-5, 1e-3])
@pytest.mark.parametrize("bias", [False, True])
def test_a_folded_norm_changes_nothing(tmp_path, epsilon, bias):
    base = trained(epsilon=epsilon, bias=bias)
    rows, _ = compared(tmp_path, base, cc.operations.merge_batchnorm(copy.deepcopy(base)))
    for key in ((layer, parameter) for layer in ("conv1", "conv2") for parameter in ("weight", "bias")):
        assert rows[key]["alignment"] == "fused"
        assert rows[key]["relative_error"] < 1e-6
    assert rows["bn1", "weight"]["alignment"] == "base only"
    assert rows["head", "weight"]["alignment"] == "name"


def test_int8_convolutions_are_compared_with_the_folded_ones(tmp_path):
    pytest.importorskip("torchao")
    base = trained()
    data = [(torch.randn(8, 3, 12, 12), None) for _ in range(4)]
    rows, _ = compared(tmp_path, base, cc.operations.quantize_static(base, data=data))
    for layer, norm in (("conv1", base.bn1), ("conv2", base.bn2)):
        factor = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach().numpy()
        folded = getattr(base, layer).weight.detach().numpy() * factor[:, None, None, None]
        steps = np.abs(folded).max((1, 2, 3)) / 127
        row = rows[layer, "weight"]
        assert row["alignment"] == "fused"
        assert row["mean_abs_change"] <= steps.max() / 2
        assert row["sqnr_db"] > 30


def test_a_norm_that_was_dropped_and_not_folded_is_not_made_up(tmp_path):
    base = trained()
    state = {name: tensor for name, tensor in base.state_dict().items() if not name.startswith("bn")}
    rows, _ = compared(tmp_path, base, state)
    assert rows["conv1", "weight"]["alignment"] == "name"
    assert rows["conv1", "weight"]["relative_error"] == 0
