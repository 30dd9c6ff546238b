"""Codes with scales, decoded some rows at a time, against NumPy on all of them at once."""

import ml_dtypes
import numpy as np
import pytest

from compress_compare.analysis.layers.values import Values
from compress_compare.readers import blocks as blocks_module
from compress_compare.readers import dtypes, orientation, packed
from compress_compare.readers.blocks import Blocks, fitted
from compress_compare.readers.packed import CodeGrid

CODES = np.arange(24, dtype=np.uint8).reshape(4, 6)


@pytest.mark.parametrize("rows", [1, 2, 4])
@pytest.mark.parametrize("groups", [1, 2, 3])
def test_a_grid_of_codes(rows, groups):
    scales = np.arange(1, 1 + rows * groups, dtype=np.float32).reshape(rows, groups)
    few = CODES[: max(rows, 2)]
    grid = CodeGrid(lambda first, last: few[first:last], few.shape, scales, zeros=scales + 1)
    spread = np.repeat(scales, 6 // groups, axis=1)
    expected = (few - (spread + 1)) * spread
    assert np.array_equal(grid.numbers(0, len(few)), expected)
    assert np.array_equal(grid.numbers(1, 2), expected[1:2])
    assert grid.group_size == (None if groups == 1 else 6 // groups)


@pytest.mark.parametrize("sizes", [(1, 6), (2, 3), (4, 2), (3, 4)])
def test_blocks_of_a_matrix(sizes):
    counts = [-(-whole // size) for whole, size in zip(CODES.shape, sizes, strict=True)]
    scales = np.arange(1, 1 + np.prod(counts), dtype=np.float32).reshape(counts)
    blocks = Blocks(lambda first, last: CODES[first:last], CODES.shape, scales, sizes, zeros=scales, offsets=-scales)
    spread = np.repeat(np.repeat(scales, sizes[0], axis=0), sizes[1], axis=1)[:4, :6]
    expected = (CODES - spread) * spread - spread
    assert np.array_equal(blocks.numbers(0, 4), expected)
    assert np.array_equal(blocks.numbers(1, 3), expected[1:3])


def test_blocks_of_a_list():
    blocks = Blocks(lambda _first, _last: CODES[:1], (6,), np.array([1, 2, 3], np.float32), (2,))
    assert blocks.numbers(0, 1).tolist() == [[0, 1, 4, 6, 12, 15]]


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("F8_E4M3", ml_dtypes.float8_e4m3fn),
        ("F8_E5M2", ml_dtypes.float8_e5m2),
        ("F8_E4M3FNUZ", ml_dtypes.float8_e4m3fnuz),
        ("F8_E5M2FNUZ", ml_dtypes.float8_e5m2fnuz),
        ("F8_E8M0", ml_dtypes.float8_e8m0fnu),
    ],
)
def test_every_code_of_eight_bits(name, dtype):
    expected = np.arange(256, dtype=np.uint8).view(dtype).astype(np.float32)
    assert np.array_equal(dtypes.table(name), expected, equal_nan=True)


def test_every_code_of_four_bits():
    expected = np.arange(16, dtype=np.uint8).astype(np.uint8).view(ml_dtypes.float4_e2m1fn).astype(np.float32)
    assert np.array_equal(dtypes.table("F4"), np.tile(expected, 16))
    assert dtypes.unpacked(np.array([0x21, 0xF0], np.uint8)).tolist() == [1, 2, 0, 15]


@pytest.mark.parametrize("shape", [(5, 5), (3, 5, 5), (2, 3, 5, 5)])
def test_square_matrices_that_are_transposed(shape):
    numbers = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    other = np.ascontiguousarray(np.swapaxes(numbers, -1, -2))
    assert orientation.is_transposed(Values.of(numbers), Values.of(other))
    assert not orientation.is_transposed(Values.of(numbers), Values.of(numbers + 0.01))
    assert np.array_equal(orientation.transposed(Values.of(numbers)).whole(), other)


def test_a_factor_between_two_tensors():
    numbers = np.random.default_rng(0).normal(size=40).astype(np.float32)
    assert orientation.factor(Values.of(numbers), Values.of(numbers * 3)) == pytest.approx(3)
    assert np.isnan(orientation.factor(Values.of(numbers * 0), Values.of(numbers)))


@pytest.mark.parametrize("rows_of", [6, 12, 24, 100])
@pytest.mark.parametrize("rows", [1, 4])
def test_the_ranges_of_a_grid_whatever_is_decoded_at_once(monkeypatch, rows_of, rows):
    monkeypatch.setattr(packed, "ROWS_OF", rows_of)
    codes = np.random.default_rng(0).permutation(CODES.reshape(-1)).reshape(4, 6)
    scales = np.array([[2, 3], [5, 7], [1, 9], [4, 8]], np.float32)[:rows]
    grid = CodeGrid(lambda first, last: codes[first:last], (4, 6), scales, zeros=scales + 10)
    assert grid.packing(5).ranges() == {
        "num_scales": scales.size,
        "code_min": 0,
        "code_max": 23,
        "scale_min": scales.min(),
        "scale_max": scales.max(),
        "zero_point_min": scales.min() + 10,
        "zero_point_max": scales.max() + 10,
    }
    assert (grid.packing(5).bits, grid.packing(5).group_size) == (5, 3)


@pytest.mark.parametrize("rows_of", [6, 12, 24, 100])
def test_the_ranges_of_blocks_whatever_is_decoded_at_once(monkeypatch, rows_of):
    monkeypatch.setattr(blocks_module, "ROWS_OF", rows_of)
    codes = np.random.default_rng(0).permutation(CODES.reshape(-1)).reshape(4, 6)
    scales, offsets = np.array([[2, 4], [5, 8]], np.float32), np.array([[-6, 4], [0, 16]], np.float32)
    blocks = Blocks(lambda first, last: codes[first:last], (4, 6), scales, (2, 3), offsets=offsets)
    assert blocks.packing(5).ranges() == {
        "num_scales": 4,
        "code_min": 0,
        "code_max": 23,
        "scale_min": 2,
        "scale_max": 8,
        "zero_point_min": -2,  # −offset / scale: 3, −1, 0 and −2
        "zero_point_max": 3,
    }
    assert blocks.packing(5).group_size == 3
    without = Blocks(lambda first, last: codes[first:last], (4, 6), scales[:, :1], (2, 6)).packing(5)
    assert (without.group_size, without.ranges()["zero_point_min"]) == (None, None)


@pytest.mark.parametrize(
    ("scales", "shape", "block", "sizes"),
    [
        ((), (4, 6), None, (4, 6)),
        ((4,), (4, 6), None, (1, 6)),
        ((4, 1), (4, 6, 2), None, (1, 6, 2)),
        ((6,), (4, 6), None, None),
        ((1, 4), (4, 4), None, None),
        ((1, 4), (4, 6), None, (1, 6)),
        ((4, 2), (4, 6), None, (1, 3)),
        ((2, 3), (200, 300), None, (128, 128)),
        ((2, 3), (256, 384), None, (128, 128)),
        ((2, 4), (256, 384), None, (128, 96)),
        ((256, 3), (256, 384), None, (1, 128)),
        ((256, 3), (256, 300), None, (1, 100)),
        ((256, 3), (256, 301), None, (1, 128)),
        ((256, 3), (256, 270), (1, 90), (1, 90)),
        ((1, 2), (1, 257), None, (1, 256)),
        ((1, 2), (1, 511), None, (1, 256)),
        ((1, 2), (1, 513), None, (1, 512)),
        ((1, 2), (1, 1023), None, (1, 512)),
        ((1, 2), (1, 1025), None, None),
        ((1, 3), (1, 65), None, (1, 32)),
        ((1, 3), (1, 47), None, (1, 16)),
        ((1, 2), (1, 129), None, (1, 128)),
        ((1, 2), (1, 127), None, (1, 64)),
        ((256, 7), (256, 300), None, None),
        ((5, 3), (4, 6), None, None),
        ((4, 2, 1), (4, 6), None, None),
        ((1,), (), None, None),
    ],
)
def test_sizes_of_blocks_follow_from_scales(scales, shape, block, sizes):
    found = fitted(np.ones(scales), shape, block=block)
    assert (None if found is None else found[1]) == sizes
    assert found is None or len(found[0].shape) == len(shape)
