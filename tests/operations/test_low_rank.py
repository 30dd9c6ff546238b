from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import LowRank, low_rank

from .networks import Shared, TiedTransformer, build


def nearest(matrix: np.ndarray, rank: int) -> np.ndarray:
    """Eckart–Young."""
    u, s, vt = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)
    return (u[:, :rank] * s[:rank]) @ vt[:rank]


def product(pair: nn.Module) -> np.ndarray:
    down, up = (layer.weight.detach().flatten(1).numpy() for layer in pair)  # type: ignore[attr-defined]
    return up @ down


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_a_linear_layer_becomes_the_nearest_of_its_rank(rank: int) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(12, 20)
    child = low_rank(layer, rank)
    assert [part.weight.shape for part in child] == [(rank, 12), (20, rank)]
    np.testing.assert_allclose(product(child), nearest(layer.weight.detach().numpy(), rank), atol=1e-6)
    x = torch.randn(7, 12)
    wanted = x.numpy() @ nearest(layer.weight.detach().numpy(), rank).T + layer.bias.detach().numpy()
    np.testing.assert_allclose(child(x).detach(), wanted, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv1d(6, 8, 5, stride=2, padding=2),
        nn.Conv2d(6, 10, (3, 2), stride=(2, 1), padding="valid", dilation=2, bias=False),
        nn.Conv2d(6, 10, 3, padding=1, padding_mode="circular"),
        nn.Conv3d(2, 6, 2, stride=2),
    ],
)
def test_a_convolution_becomes_two(layer: nn.Module) -> None:
    child = low_rank(layer, rank=2)
    nn.utils.parameters_to_vector(child.parameters())
    flat = nearest(layer.weight.detach().flatten(1).numpy(), 2)
    layer.weight.data = torch.from_numpy(flat).float().reshape(layer.weight.shape)
    x = torch.randn(2, layer.in_channels, *[9] * (layer.weight.ndim - 2))
    torch.testing.assert_close(child(x), layer(x), rtol=1e-4, atol=1e-5)


def test_ratio_bounds_the_weights() -> None:
    layer = nn.Linear(30, 20)
    for ratio in (0.1, 0.3, 0.9):
        pair = low_rank(layer, ratio=ratio)
        rank = pair[0].out_features
        assert rank * 50 <= ratio * 600 < (rank + 1) * 50
    assert low_rank(layer)[0].out_features == 6


def test_energy_is_the_smallest_rank_that_reaches_it() -> None:
    layer = nn.Linear(6, 6, bias=False)
    q, _ = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64))
    layer.weight.data = (q @ torch.diag(torch.tensor([4.0, 2, 2, 1, 0, 0]).double()) @ q.T).float()
    shares = np.cumsum([16, 4, 4, 1]) / 25
    for rank in (1, 2):
        found = low_rank(layer, energy=float(shares[rank - 1]) - 1e-4)[0].out_features
        assert found == rank
    with pytest.raises(InvalidValue, match="no layer would become smaller"):
        low_rank(layer, energy=0.99)


def test_an_energy_of_one_keeps_every_rank_that_counts() -> None:
    layer = nn.Linear(10, 10)
    layer.weight.data = torch.outer(torch.arange(10.0), torch.ones(10)).double()
    layer.bias.data = layer.bias.data.double()
    assert low_rank(layer, energy=1.0)[0].out_features == 1


def test_a_layer_used_under_two_names_is_replaced_under_both() -> None:
    child = low_rank(Shared(), rank=2)
    assert child.first is child.second and isinstance(child.first, nn.Sequential)


def test_what_cannot_be_factorized_stays_or_is_refused() -> None:
    model = TiedTransformer()
    child = low_rank(model)
    assert child.head.weight is child.embed.weight and isinstance(child.up, nn.Sequential)
    with pytest.raises(InvalidValue, match="Embedding"):
        low_rank(model, targets=["embed"])
    with pytest.raises(InvalidValue, match="is a grouped convolution"):
        low_rank(nn.Sequential(nn.Conv2d(4, 4, 3, groups=2)), targets=["0"])
    tied = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    tied[1].weight = tied[0].weight
    with pytest.raises(InvalidValue, match="is tied to another layer"):
        low_rank(tied, targets=["Linear"])


def test_two_measures_are_refused() -> None:
    with pytest.raises(InvalidValue, match="not rank and energy") as caught:
        LowRank(rank=3, energy=0.9)
    assert caught.value.code == "parameter.combination"


def test_modes_and_frozen_weights_are_kept() -> None:
    model, _ = build("convolutional")
    model.eval()
    model[5].weight.requires_grad_(False)  # type: ignore[index]
    child = low_rank(model)
    assert not any(module.training for module in child.modules())
    assert [p.requires_grad for p in child[5].parameters()] == [False, False, True]  # type: ignore[index]
