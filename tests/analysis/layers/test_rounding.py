"""What a grid cuts off and what stretches it, against counting by hand."""

import math

import numpy as np
import pytest

from compress_compare.analysis.layers import rounding
from compress_compare.analysis.layers.rounding import Grid
from compress_compare.analysis.layers.values import Values

RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(40, 96))


def rounded(numbers, scale, bits):
    top = 2 ** (bits - 1) - 1
    return np.clip(np.round(numbers / scale), -top, top) * scale


@pytest.mark.parametrize("bits", [3, 4, 8])
@pytest.mark.parametrize("size", [0, 96, 32])
def test_what_is_beyond(bits, size):
    sets = WEIGHTS.reshape(1, -1) if not size else WEIGHTS.reshape(-1, size)
    top = 2 ** (bits - 1) - 1
    ends = 0.6 * np.abs(sets).max(1, keepdims=True)
    model = rounded(sets, ends / top, bits).reshape(WEIGHTS.shape)
    count, reach = rounding.beyond(Values.of(WEIGHTS), Values.of(model), grid=Grid(bits, size))
    assert count == np.count_nonzero(np.abs(sets) > ends * (1 + 0.5 / top))
    assert count > 0
    assert reach == pytest.approx(1 / 0.6)


@pytest.mark.parametrize("size", [0, 96, 32])
def test_nothing_is_beyond_the_range_of_the_largest(size):
    sets = WEIGHTS.reshape(1, -1) if not size else WEIGHTS.reshape(-1, size)
    scale = np.abs(sets).max(1, keepdims=True) / 7
    model = rounded(sets, scale, 4).reshape(WEIGHTS.shape)
    assert rounding.beyond(Values.of(WEIGHTS), Values.of(model), grid=Grid(4, size)) == (0, 0)


def test_groups_that_do_not_fit_are_looked_at_by_rows():
    model = rounded(WEIGHTS, 0.1, 4)
    found = [rounding.beyond(Values.of(WEIGHTS), Values.of(model), grid=Grid(4, size)) for size in (96, 50)]
    assert found[0] == found[1]


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (2, 2)])
def test_zeros_have_no_range(shape):
    zeros, ones = Values.of(np.zeros(shape)), Values.of(np.ones(shape))
    assert rounding.beyond(ones, zeros, grid=Grid(4)) == (0, 0)
    assert rounding.beyond(ones, zeros, grid=Grid(4, 1)) == (0, 0)


def test_what_is_not_finite_is_not_beyond():
    base = Values.of(np.array([[np.nan, np.inf, 3.0, 0.5]]))
    assert rounding.beyond(base, Values.of(np.array([[1.0, 1, 1, 0.5]])), grid=Grid(4)) == (1, 3.0)
    assert rounding.beyond(base, Values.of(np.array([[np.nan, 1, 1, 0.5]])), grid=Grid(4, 4)) == (0, 0)


def test_stretch():
    numbers = np.append(RNG.normal(size=999), 50.0)
    rest = math.sqrt((numbers[:-1] ** 2).mean())
    found = rounding.stretch(50.0, squares=float((numbers**2).sum()), count=1000)
    assert found == pytest.approx(50 / rest)
    assert rounding.stretch(5.0, squares=25.0, count=1) == 0
    assert rounding.stretch(5.0, squares=25.0, count=9) == 0


@pytest.mark.parametrize(
    ("count", "zeros", "distinct", "expected"),
    [
        (1000, 60, 15, 4),  # 15 values of a symmetric grid of 4 bits
        (1000, 999, 2, math.log2(3)),  # all but one rounded to zero
        (1000, 900, 101, None),  # pruned: what is left stands once
        (1000, 0, 257, None),
        (1000, 1000, 1, None),
        (0, 0, 0, None),
    ],
)
def test_a_grid_is_guessed_from_few_values(count, zeros, distinct, expected):
    found = Grid.guessed(count=count, zeros=zeros, distinct=distinct)
    assert (found and found.bits) == expected
