"""Integer grids: which scales are tried, and rows that are on a grid, just beside one, or empty."""

import numpy as np
import pytest

from compress_compare.readers import grids


@pytest.mark.parametrize(
    ("dtype", "unit", "most"), [("float32", 16, 2), ("float16", 1 << 13, 8), ("bfloat16", 1 << 16, 8)]
)
def test_scales_within_half_a_place_of_the_format_are_tried_the_nearest_first(dtype, unit, most):
    one = np.array([1.5], np.float32)
    steps = [int(nudge(one).view(np.int32)[0]) - int(one.view(np.int32)[0]) for nudge in grids._nudges(dtype)]
    assert steps == sorted((unit * step // 16 for step in range(-most, most + 1)), key=lambda step: (abs(step), -step))


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_codes_from_end_to_end_are_found(bits, symmetric):
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if symmetric else (1 - (1 << bits), 0)
    codes = np.arange(low, high + 1)
    scales = np.array([0.1, 3e-5, 1.0, 12345.678], np.float32)
    rows = codes.astype(np.float32) * scales[:, None]
    grid = grids.fit(rows, bits, symmetric=symmetric)
    assert np.array_equal(grid.codes.astype(np.float32) * grid.scales[:, None], rows)
    assert grid.codes.max() - grid.codes.min() < 1 << bits


def test_rows_of_zeros_have_codes_of_zero():
    grid = grids.fit(np.array([[0, 0, 0], [-2, 0, 1]], np.float32), 2, symmetric=True)
    assert grid.codes.tolist()[0] == [0, 0, 0]
    assert (grid.codes * grid.scales[:, None]).tolist() == [[0, 0, 0], [-2, 0, 1]]
    empty = grids.fit(np.zeros((2, 0), np.float32), 4, symmetric=True)
    assert empty.codes.shape == (2, 0) and empty.scales.tolist() == [1, 1]


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_on_no_grid(number):
    assert grids.fit(np.array([[1.0, number]], np.float32), 8, symmetric=True) is None


def test_one_number_more_than_there_are_codes_is_on_no_grid():
    five = np.array([[-2.0, -1, 0, 1, 2]], np.float32)
    assert grids.fit(five, 2, symmetric=True) is None
    assert grids.fit(five[:, :4], 2, symmetric=True) is not None
    assert grids.fit(np.array([[0.0, 1, 2, 3]], np.float32), 2, symmetric=False) is not None
    assert grids.fit(np.array([[0.0, 1, 2, 3, 4]], np.float32), 2, symmetric=False) is None
