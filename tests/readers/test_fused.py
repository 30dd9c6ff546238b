"""Norms that became part of a layer: the layer is compared with the folded one of the base."""

import copy

import numpy as np
import pytest

import compress_compare as cc
import compress_compare.operations
from compress_compare.readers import fused

from . import made

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


def arrays(**layers):
    """Convolutions by their own shapes, and norms of so many channels."""
    rng = np.random.default_rng(3)
    found = {}
    for name, shape in layers.items():
        name = name.replace("__", ".")
        if isinstance(shape, tuple):
            found[f"{name}.weight"] = rng.normal(size=shape).astype(np.float32)
        else:
            found |= {f"{name}.{end}": rng.uniform(0.5, 2, shape).astype(np.float32) for end in ENDS}
    return found


ENDS = ("weight", "bias", "running_mean", "running_var")


def folded(base, layer, norm, epsilon=1e-5):
    """The base with a norm in a layer, in NumPy, and without the norm."""
    scale, shift, mean, variance = (base[f"{norm}.{end}"].astype(np.float64) for end in ENDS)
    factor = scale / np.sqrt(variance + epsilon)
    weight = base[f"{layer}.weight"]
    changed = {f"{layer}.weight": weight * factor.reshape(-1, *[1] * (weight.ndim - 1))}
    changed[f"{layer}.bias"] = (base.get(f"{layer}.bias", 0) - mean) * factor + shift
    rest = {name: array for name, array in base.items() if not name.startswith(f"{norm}.")}
    return {name: np.asarray(array, np.float32) for name, array in (rest | changed).items()}


def weights(arrays):
    """A checkpoint whose tensors stand in this order."""
    return made.weights(arrays, order=list(arrays))


def found_in(base, model):
    return {layer: (fold.norm, fold.epsilon) for layer, fold in fused.find(weights(base), weights(model)).items()}


def test_a_norm_belongs_to_a_layer_beside_it_though_another_comes_between():
    base = arrays(block__conv=(8, 3, 3, 3), other__conv=(8, 8, 1, 1), block__bn=8)
    assert found_in(base, folded(base, "block.conv", "block.bn")) == {"block.conv": ("block.bn", 1e-5)}


def test_a_norm_belongs_to_the_layer_before_it_though_that_is_elsewhere():
    base = arrays(a__conv=(8, 3, 3, 3), b__conv=(8, 8, 1, 1), c__bn=8)
    assert found_in(base, folded(base, "b.conv", "c.bn", 1e-3)) == {"b.conv": ("c.bn", 1e-3)}
    assert found_in(base, folded(base, "a.conv", "c.bn")) == {}


def test_a_norm_after_which_a_layer_comes_is_not_in_that():
    base = arrays(conv=(8, 3, 3, 3), bn=8, after=(8, 8, 3, 3))
    assert found_in(base, folded(base, "after", "bn")) == {}


def test_what_is_not_closer_with_a_norm_has_none():
    base = arrays(conv=(8, 3, 3, 3), bn=8)
    same = {name: array for name, array in base.items() if not name.startswith("bn.")}
    assert found_in(base, same) == {}
    assert found_in(base, base | folded(base, "conv", "bn")) == {}  # the norm is still there


@pytest.mark.parametrize("shape", [(4, 3, 3, 3), (8,)])
def test_a_layer_has_as_many_outputs_as_its_norm(shape):
    base = arrays(conv=(8, 3, 3, 3), last=shape, bn=8)
    assert found_in(base, folded(base, "conv", "bn")) == {"conv": ("bn", 1e-5)}


def test_linear_layers_have_norms_too_and_layers_with_a_bias():
    base = arrays(fc=(8, 5), bn=8) | {"fc.bias": np.arange(8, dtype=np.float32)}
    base = {name: base[name] for name in sorted(base, key=lambda name: name.startswith("bn"))}
    model = folded(base, "fc", "bn")
    (fold,) = fused.find(weights(base), weights(model)).values()
    assert fold.bias(weights(base)).whole() == pytest.approx(model["fc.bias"], rel=1e-5, abs=1e-6)
    assert fold.weight(weights(base)).whole() == pytest.approx(model["fc.weight"], rel=1e-5)


def test_a_norm_without_weights_of_its_own_scales_and_shifts_alone():
    base = arrays(conv=(8, 3, 3, 3), bn=8)
    base["bn.weight"][:], base["bn.bias"][:] = 1, 0
    model = folded(base, "conv", "bn")
    bare = {name: array for name, array in base.items() if name not in ("bn.weight", "bn.bias")}
    (fold,) = fused.find(weights(bare), weights(model)).values()
    assert fold.bias(weights(bare)).whole() == pytest.approx(model["conv.bias"], rel=1e-5)
    assert fold.weight(weights(bare)).whole() == pytest.approx(model["conv.weight"], rel=1e-5)
    assert found_in({name: array for name, array in base.items() if name != "bn.running_var"}, model) == {}


def test_what_is_as_close_without_a_norm_has_none():
    base = arrays(conv=(8, 3, 3, 3), bn=8)
    base["conv.weight"][:] = 0
    assert found_in(base, folded(base, "conv", "bn")) == {}


def test_a_layer_has_one_norm_and_of_two_epsilons_the_closer():
    base = arrays(block__conv=(8, 3, 3, 3), block__bn=8, block__after=8)
    assert found_in(base, folded(base, "block.conv", "block.bn") | {"block.after.weight": base["block.bn.weight"]}) == {
        "block.conv": ("block.bn", 1e-5)
    }
    base["block.bn.running_var"][:] = 1e-3
    for epsilon in fused.EPSILONS:
        model = folded(base, "block.conv", "block.bn", epsilon) | {"block.after.weight": base["block.bn.weight"]}
        assert found_in(base, model) == {"block.conv": ("block.bn", epsilon)}
