from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import Quantize, magnitude_prune, quantize
from compress_compare.schemes import scheme

from .networks import TiedTransformer


def nearest(rows: np.ndarray, bits: int, symmetric: bool) -> np.ndarray:
    """By brute force: each number becomes the closest of all levels of its row."""
    result = np.empty_like(rows)
    for i, row in enumerate(rows):
        if symmetric:
            top = 2 ** (bits - 1) - 1
            levels = np.arange(-top, top + 1) * (np.abs(row).max() / top)
        else:
            low, high = min(row.min(), 0), max(row.max(), 0)
            step = (high - low) / (2**bits - 1)
            levels = (np.arange(2**bits) - np.round(-low / step)) * step
        result[i] = levels[np.abs(row[:, None] - levels).argmin(axis=1)]
    return result


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("symmetric", [True, False])
def test_each_channel_is_rounded_to_its_nearest_level(bits: int, symmetric: bool) -> None:
    model = nn.Conv2d(3, 5, 3).double()
    child = quantize(model, bits, symmetric=symmetric)
    rows = model.weight.detach().numpy().reshape(5, -1)
    np.testing.assert_allclose(
        child.weight.detach().numpy().reshape(5, -1), nearest(rows, bits, symmetric), rtol=0, atol=1e-12
    )
    assert torch.equal(child.bias, model.bias)


@pytest.mark.parametrize("symmetric", [True, False])
def test_tensor_and_groups(symmetric: bool) -> None:
    model = nn.Linear(10, 4, bias=False).double()
    values = model.weight.detach().numpy()
    whole = quantize(model, 3, strategy="tensor", symmetric=symmetric).weight.detach().numpy()
    np.testing.assert_allclose(whole.reshape(1, -1), nearest(values.reshape(1, -1), 3, symmetric), atol=1e-12)
    groups = quantize(model, 3, strategy="group", group_size=4, symmetric=symmetric).weight.detach().numpy()
    for start, stop in [(0, 4), (4, 8), (8, 10)]:
        part = nearest(values[:, start:stop], 3, symmetric)
        np.testing.assert_allclose(groups[:, start:stop], part, atol=1e-12)


def test_transposed_convolution_counts_output_channels_on_dimension_one() -> None:
    model = nn.ConvTranspose2d(3, 4, 2).double()
    child = quantize(model, 4)
    rows = model.weight.detach().numpy().transpose(1, 0, 2, 3).reshape(4, -1)
    found = child.weight.detach().numpy().transpose(1, 0, 2, 3).reshape(4, -1)
    np.testing.assert_allclose(found, nearest(rows, 4, True), atol=1e-12)
    entry = scheme.of(child)["weight"]
    assert entry.channel_axis == 1 and entry.num_tables((3, 4, 2, 2)) == 4


@settings(max_examples=40)
@given(
    bits=st.integers(2, 8),
    symmetric=st.booleans(),
    values=st.lists(st.floats(-1e3, 1e3, width=32), min_size=2, max_size=20),
)
def test_error_is_at_most_half_a_step_and_zero_stays_zero(bits: int, symmetric: bool, values: list[float]) -> None:
    row = torch.tensor([*values, 0.0], dtype=torch.float64)[None]
    rounded = Quantize(bits=bits, symmetric=symmetric).rounded(row)
    reach = row.abs().max() if symmetric else row.max() - row.min()
    step = reach / (2 ** (bits - 1) - 1 if symmetric else 2**bits - 1)
    assert float((rounded - row).abs().max()) <= float(step) * (0.5 + 0.5 * (not symmetric)) + 1e-9
    assert float(rounded[0, -1]) == 0
    assert len(rounded.unique()) <= 2**bits


def test_rounding_twice_changes_nothing() -> None:
    once = quantize(nn.Linear(16, 8), 4)
    torch.testing.assert_close(quantize(once, 4).weight, once.weight, rtol=1e-6, atol=0)


def test_half_precision_keeps_its_type() -> None:
    child = quantize(nn.Linear(8, 8).bfloat16(), 4)
    assert child.weight.dtype == torch.bfloat16
    assert scheme.of(child)["weight"].table_bits == 16


def test_a_channel_of_zeros_stays_zero() -> None:
    model = nn.Linear(4, 2)
    with torch.no_grad():
        model.weight[0] = 0
    for symmetric in (True, False):
        assert quantize(model, 4, symmetric=symmetric).weight[0].tolist() == [0, 0, 0, 0]


def test_scheme_says_what_was_done_and_keeps_the_pruning() -> None:
    child = quantize(magnitude_prune(nn.Linear(64, 8), 0.5), 4, strategy="group", group_size=32)
    entry = scheme.of(child)["weight"]
    assert (entry.kind, entry.bits, entry.strategy, entry.group_size) == ("quantized", 4, "group", 32)
    assert entry.pruned and entry.num_tables((8, 64)) == 16


def test_tied_weights_stay_tied() -> None:
    child = quantize(TiedTransformer(), 4)
    assert child.head.weight is child.embed.weight


@pytest.mark.parametrize("wrong", [{"strategy": "group"}, {"group_size": 32}])
def test_group_size_and_strategy_go_together(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidValue, match="group_size") as caught:
        Quantize(**wrong)
    assert caught.value.code == "parameter.combination"
