from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import NMPrune, nm_prune
from compress_compare.schemes import scheme

from .networks import TiedTransformer, build


def expected(matrix: np.ndarray, n: int, m: int) -> np.ndarray:
    """Group by group; of equal magnitudes the first stays."""
    result = np.zeros_like(matrix)
    for row in range(len(matrix)):
        for start in range(0, matrix.shape[1], m):
            group = matrix[row, start : start + m]
            for index in sorted(range(m), key=lambda i: (-abs(group[i]), i))[:n]:
                result[row, start + index] = group[index]
    return result


@settings(max_examples=30)
@given(n=st.integers(0, 6), extra=st.integers(0, 3), groups=st.integers(1, 3), seed=st.integers(0, 99))
def test_linear_layers_keep_the_largest_of_each_group(n: int, extra: int, groups: int, seed: int) -> None:
    m = max(n + extra, 1)
    torch.manual_seed(seed)
    layer = nn.Linear(m * groups, 3)
    layer.weight.data = (4 * layer.weight.data).round()  # many equal magnitudes
    child = nm_prune(layer, min(n, m), m)
    np.testing.assert_array_equal(child.weight.detach(), expected(layer.weight.detach().numpy(), min(n, m), m))


@pytest.mark.parametrize("part", [1 << 20, 1])
@pytest.mark.parametrize("layer", [nn.Conv2d(8, 3, 3), nn.ConvTranspose2d(8, 3, 3)])
def test_convolutions_are_grouped_along_their_inputs(
    layer: nn.Module, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[NMPrune.__module__], "_PART", part)
    axis = 0 if isinstance(layer, nn.ConvTranspose2d) else 1
    before = np.moveaxis(layer.weight.detach().numpy(), axis, -1)
    after = np.moveaxis(nm_prune(layer, 1, 4).weight.detach().numpy(), axis, -1)
    flat = expected(before.reshape(-1, 8), 1, 4).reshape(before.shape)
    np.testing.assert_array_equal(after, flat)


def test_weights_that_do_not_divide_are_left_alone_or_refused() -> None:
    model, _ = build("convolutional")
    child = nm_prune(model, 2, 4)
    assert torch.equal(child[0].weight, model[0].weight)  # type: ignore[index]
    assert int(child[5].weight.count_nonzero()) == model[5].weight.numel() // 2  # type: ignore[index]
    with pytest.raises(InvalidValue, match=r"the 1 inputs of '0\.weight' cannot be divided into groups of 4") as caught:
        nm_prune(model, targets=["Conv2d"])
    assert caught.value.code == "operation.not_applicable"
    with pytest.raises(InvalidValue, match="cannot be divided"):
        nm_prune(nn.Linear(7, 2))


def test_more_kept_than_there_are_is_refused() -> None:
    with pytest.raises(InvalidValue, match="5 of 4 weights cannot be kept") as caught:
        NMPrune(5, 4)
    assert caught.value.code == "parameter.combination"


def test_tied_weights_stay_tied() -> None:
    child = nm_prune(TiedTransformer())
    assert child.head.weight is child.embed.weight and scheme.of(child)["embed.weight"].pruned
