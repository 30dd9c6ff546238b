from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import merge_batchnorm

from .networks import Residual


def stirred(norm: nn.Module, seed: int = 0) -> nn.Module:
    """A batch norm that does something."""
    random = torch.Generator().manual_seed(seed)
    for tensor in norm.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=random) + 0.5)
    return norm


@pytest.mark.parametrize(
    ("layer", "norm", "shape"),
    [
        (nn.Linear(5, 4), nn.BatchNorm1d(4), (3, 5)),
        (nn.Conv1d(2, 4, 3, bias=False), nn.BatchNorm1d(4), (3, 2, 9)),
        (nn.Conv2d(4, 4, 3, groups=2), nn.BatchNorm2d(4, affine=False), (3, 4, 9, 9)),
        (nn.ConvTranspose2d(2, 4, 3), nn.BatchNorm2d(4), (3, 2, 9, 9)),
        (nn.Conv3d(2, 4, 2), nn.BatchNorm3d(4, eps=0.1), (3, 2, 4, 4, 4)),
    ],
)
def test_outputs_stay(layer: nn.Module, norm: nn.Module, shape: tuple[int, ...]) -> None:
    model = nn.Sequential(layer, stirred(norm), nn.ReLU()).eval()
    child = merge_batchnorm(model)
    assert isinstance(child[1], nn.Identity) and not any("running" in name for name in child.state_dict())
    x = torch.randn(shape)
    torch.testing.assert_close(child(x), model(x), rtol=1e-5, atol=1e-5)


def test_weights_are_those_of_the_formula() -> None:
    model = nn.Sequential(nn.Linear(3, 2), stirred(nn.BatchNorm1d(2, eps=0.25)))
    state = {name: value.double().numpy() for name, value in model.state_dict().items()}
    factor = state["1.weight"] / np.sqrt(state["1.running_var"] + 0.25)
    child = merge_batchnorm(model)
    np.testing.assert_allclose(child[0].weight.detach(), state["0.weight"] * factor[:, None], rtol=1e-6)
    bias = (state["0.bias"] - state["1.running_mean"]) * factor + state["1.bias"]
    np.testing.assert_allclose(child[0].bias.detach(), bias, rtol=1e-6)


def test_a_residual_network() -> None:
    model = Residual().eval()
    stirred(model.norm)
    x = torch.randn(2, 1, 8, 8)
    torch.testing.assert_close(merge_batchnorm(model)(x), model(x), rtol=1e-5, atol=1e-5)


class Branching(nn.Module):
    """The output of the layer is used beside the norm; the second layer runs twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.norm1, self.norm2, self.norm3 = (stirred(nn.BatchNorm1d(4), seed) for seed in range(3))
        self.last = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        x = x + self.norm1(x)
        x = self.norm2(self.second(self.second(x)))
        return self.norm3(self.last(x))


def test_only_norms_that_stand_alone_are_merged() -> None:
    model = Branching().eval()
    child = merge_batchnorm(model)
    kinds = [type(getattr(child, name)).__name__ for name in ("norm1", "norm2", "norm3")]
    assert kinds == ["BatchNorm1d", "BatchNorm1d", "OfRows"]
    x = torch.randn(3, 4)
    torch.testing.assert_close(child(x), model(x), rtol=1e-5, atol=1e-5)


class Untraceable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(4, 4), nn.BatchNorm1d(4)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.layer(x)) if x.sum() > 0 else x


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Untraceable(), r"torch\.fx cannot trace"),
        (nn.Linear(2, 2), "the model has no batch norm"),
        (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, track_running_stats=False)), "no batch norm follows"),
    ],
)
def test_what_cannot_be_merged_is_refused(model: nn.Module, reason: str) -> None:
    with pytest.raises(InvalidValue, match=reason) as caught:
        merge_batchnorm(model)
    assert caught.value.code == "operation.not_applicable"


def test_a_norm_of_rows_behind_a_linear_layer_is_never_merged_in_silence() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 6), stirred(nn.BatchNorm1d(6)), nn.ReLU(), nn.Conv1d(6, 2, 1)).eval()
    x = torch.randn(4, 6, 6)
    with pytest.raises(InvalidValue, match="did not stay the same"):
        merge_batchnorm(model, data=[(x, None)])
    child = merge_batchnorm(nn.Sequential(model[0], model[1]))
    with pytest.raises(AssertionError, match="Merge it with data"):
        child(x)
    flat = torch.randn(4, 6)
    torch.testing.assert_close(child(flat), model[1](model[0](flat)), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(torch.fx.symbolic_trace(child)(flat), child(flat))
    with_data = merge_batchnorm(nn.Sequential(model[0], model[1]), data=[(flat, None)])
    assert type(with_data[1]) is nn.Identity
