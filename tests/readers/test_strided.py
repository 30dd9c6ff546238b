"""HQQ and optimum-quanto: every number worked out here code by code, in plain Python, from the tool's formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compress_compare.readers.layouts import unpacked
from compress_compare.readers.pair import ModelPair

from .made import RNG, normal, weights

SHIFTS = {8: [0], 4: [4, 0], 2: [6, 4, 2, 0], 1: list(range(7, -1, -1)), 3: list(range(27, -1, -3))}


def hqq(codes, bits, axis, shape, scales, zeros):
    """The tensors of a layer of HQQ whose codes are the rows of a matrix."""
    shifts = SHIFTS[bits]
    step = -(-len(codes) // len(shifts))
    padded = np.zeros((step * len(shifts), codes.shape[1]), np.int64)
    padded[: len(codes)] = codes
    words = sum(padded[at * step : (at + 1) * step] << shift for at, shift in enumerate(shifts))
    packed = words.astype(np.uint32).view(np.int32) if bits == 3 else words.astype(np.uint8)
    whole = {"nbits": bits, "axis": axis, "group_size": 8, "view_as_float": 0}
    return {
        "l.W_q": packed.astype(np.int64) if packed.dtype == np.int32 else packed,
        "l.scale": scales, "l.zero": zeros, "l.shape": np.array(shape),
        **{f"l.{name}": np.array(value) for name, value in whole.items()},
    }  # fmt: skip


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("bits", [8, 4, 2, 1])
def test_hqq(bits, axis):
    codes = RNG.integers(0, 1 << bits, (16, 8))
    table = (16, 1) if axis == 1 else (1, 8)
    scales, zeros = RNG.uniform(0.5, 1, table).astype(np.float32), normal(*table)
    found = unpacked(weights(hqq(codes, bits, axis, (4, 32), scales, zeros)))
    assert list(found.tensors) == ["l.weight"]
    stored = found.tensors["l.weight"]
    expected = np.array([[(codes[i, j] - zeros[min(i, len(zeros) - 1), min(j, zeros.shape[1] - 1)])
                          * scales[min(i, len(scales) - 1), min(j, scales.shape[1] - 1)] for j in range(8)]
                         for i in range(16)]).reshape(4, 32)  # fmt: skip
    assert stored.values.whole() == pytest.approx(expected, rel=1e-5)
    assert np.array_equal(stored.values.numbers(5, 77), stored.values.whole().reshape(-1)[5:77])
    assert (stored.packing.bits, stored.packing.group_size) == (bits, 8 if axis == 1 else 16)
    assert stored.packing.ranges()["code_max"] == codes.max()


@pytest.mark.parametrize(
    "wrong",
    [
        {"l.nbits": np.array(5)},
        {"l.shape": np.array([3, 5])},
        {"l.quant_scale": np.array(1)},
        {"l.scale": normal(3, 1)},
    ],
)
def test_hqq_that_does_not_fit_is_said(wrong):
    codes = RNG.integers(0, 16, (16, 8))
    tensors = hqq(codes, 4, 1, (4, 32), normal(16, 1), normal(16, 1))
    found = unpacked(weights(tensors | wrong))
    assert (list(found.tensors), found.unread) == (["l.weight"], {"HQQ": 1})


@pytest.mark.parametrize("bits", [4, 2])
@pytest.mark.parametrize("whole", [False, True])
def test_quanto_in_groups_takes_its_shape_from_the_base(bits, whole):
    codes = RNG.integers(0, 1 << bits, (16, 8)).astype(np.uint8)
    step = 16 * bits // 8
    packed = sum(codes[at * step : (at + 1) * step] << (bits * at) for at in range(8 // bits)).astype(np.uint8)
    scales = RNG.uniform(0.5, 1, (16, 1)).astype(np.float32)
    shift = RNG.integers(0, 4, (16, 1)).astype(np.int8) if whole else normal(16, 1)
    model = unpacked(weights({"l.weight._data._data": packed, "l.weight._scale": scales, "l.weight._shift": shift}))
    expected = (codes - shift.astype(float)) * scales if whole else codes * scales - shift
    pair = ModelPair.of(weights({"l.weight": expected.reshape(4, 32).astype(np.float32)}), model, buffers=False)
    assert pair.matches["l.weight"].how == "name"
    assert pair.values(pair.matches["l.weight"])[1].whole() == pytest.approx(expected.reshape(4, 32), rel=1e-5)


def test_quanto_of_8_bits():
    codes, scales = RNG.integers(-127, 128, (4, 6)).astype(np.int8), RNG.uniform(0.5, 1, (4, 1)).astype(np.float32)
    found = unpacked(weights({"l.weight._data": codes, "l.weight._scale": scales}))
    assert found.tensors["l.weight"].values.whole() == pytest.approx(codes * scales)


@settings(max_examples=40)
@given(
    bits=st.sampled_from([8, 4, 2, 1]), axis=st.sampled_from([0, 1]), groups=st.integers(1, 9), size=st.integers(1, 9)
)
def test_what_was_packed_comes_back(bits, axis, groups, size):
    rows = groups * len(SHIFTS[bits])
    codes = RNG.integers(0, 1 << bits, (rows, size))
    table = (rows, 1) if axis == 1 else (1, size)
    tensors = hqq(codes, bits, axis, (rows, size), np.ones(table, np.float32), np.zeros(table, np.float32))
    assert np.array_equal(unpacked(weights(tensors)).tensors["l.weight"].values.whole(), codes)
