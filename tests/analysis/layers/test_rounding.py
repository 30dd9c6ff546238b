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


@pytest.mark.parametrize(
    ("count", "zeros", "distinct", "is_rounded"),
    [
        *((1000, 0, 256, True), (1000, 0, 257, False), (20, 0, 11, True), (20, 0, 12, False), (20, 2, 10, True)),
        *((20, 2, 11, False), (21, 2, 10, True), (3, 0, 3, True), (4, 0, 4, False), (2, 0, 2, True), (9, 0, 1, False)),
    ],
)
def test_values_of_a_grid_stand_twice_or_are_three_at_most(count, zeros, distinct, is_rounded):
    found = Grid.guessed(count=count, zeros=zeros, distinct=distinct)
    assert found == (Grid(math.log2(distinct + 1)) if is_rounded else None)


def test_half_a_step_over_the_largest_number():
    assert [Grid(bits).half_step for bits in (1, 2, 3, 4, 8)] == [1, 0.5, 0.5 / 3, 0.5 / 7, 0.5 / 127]


@pytest.mark.parametrize(("number", "is_beyond"), [(1.5, False), (1.51, True), (-1.51, True), (1.0, False)])
def test_a_number_is_beyond_if_it_is_more_than_half_a_step_away(number, is_beyond):
    base, model = Values.of(np.array([[number, 0.5]])), Values.of(np.array([[1.0, 0.5]]))
    expected = (1, abs(number)) if is_beyond else (0, 0)
    assert rounding.beyond(base, model, grid=Grid(2)) == rounding.beyond(base, model, grid=Grid(2, 2)) == expected


def test_stretch_of_two_numbers_and_of_rounding_alone():
    assert rounding.stretch(4.0, squares=16 + 4.0, count=2) == 2
    assert rounding.stretch(3.0, squares=9 + 8.0, count=3) == 1.5
    assert rounding.stretch(0.0, squares=0.0, count=5) == 0
    assert rounding.stretch(1.0, squares=1 + 2e-9, count=2) == pytest.approx(1 / math.sqrt(2e-9), rel=1e-6)
    assert rounding.stretch(1.0, squares=1 + 0.9e-9, count=2) == 0
