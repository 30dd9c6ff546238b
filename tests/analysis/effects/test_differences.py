"""Differences of pairs in groups against plain Python and SciPy, one group at a time."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from compress_compare.analysis.effects import effects as module
from compress_compare.analysis.effects.differences import EXACT_FROM, Differences, Groups, paired_differences


def grouped(*groups: Sequence[float]) -> Differences:
    """What is said of groups with these differences, each from a model of zero to one of its own."""
    values, pairs = [0.0], []
    for group in groups:
        places = len(values) + np.arange(len(group))
        pairs.append(np.stack([np.zeros(len(group), np.int64), places], axis=1))
        values += group
    return paired_differences(Groups(pairs), np.ma.masked_invalid(np.array(values), copy=True))


def flipped(differences: Sequence[float]) -> tuple[float, float]:
    """The k-th smallest and the k-th largest mean of a subset, where at most 2.5% of all are beyond."""
    every = [subset for size in range(1, len(differences) + 1) for subset in combinations(differences, size)]
    means = sorted(statistics.fmean(subset) for subset in every)
    rank = max(1, int(0.025 * 2 ** len(differences)))
    return means[rank - 1], means[-rank]


@pytest.mark.parametrize("count", range(1, 13))
def test_intervals_by_t_of_three_to_five_pairs_and_exact_ones_of_others(count: int) -> None:
    differences = np.random.default_rng(count).normal(2, 1, count).tolist()
    # groups before and after, so that no group is taken for another
    found = grouped([7.0, 8.0], differences, [9.0])
    assert found.count.tolist() == [2, count, 1]
    assert found.mean.tolist() == pytest.approx([7.5, statistics.fmean(differences), 9])
    assert found.median.tolist() == pytest.approx([7.5, statistics.median(differences), 9])
    assert bool(found.by_t[1]) is (3 <= count < 6) and EXACT_FROM == 6
    if count == 1:
        assert np.isnan([found.low[1], found.high[1], found.confidence[1]]).all()
        return
    if found.by_t[1]:
        low, high = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
        level = 0.95
    else:
        low, high = flipped(differences)
        level = 1 - 2 * max(1, int(0.025 * 2**count)) / 2**count
    assert (found.low[1], found.high[1]) == pytest.approx((low, high))
    assert found.confidence[1] == pytest.approx(level)
    assert (found.low[0], found.high[0], found.confidence[0]) == pytest.approx((7, 8, 0.5))


@pytest.mark.parametrize("count", [13, 24, 30])
def test_of_many_pairs_neighbors_are_flipped_together(count: int) -> None:
    differences = np.random.default_rng(count).normal(size=count)
    found = grouped(differences.tolist())
    blocks = [differences[np.arange(count) * 12 // count == block] for block in range(12)]
    every = [subset for size in range(1, 13) for subset in combinations(blocks, size)]
    means = sorted(np.concatenate(subset).mean() for subset in every)
    assert (found.low[0], found.high[0]) == pytest.approx((means[101], means[-102]))
    assert found.confidence[0] == pytest.approx(1 - 2 * 102 / 4096)


def test_pairs_that_are_all_equal_have_no_interval_by_t() -> None:
    found = grouped([0.1, 0.1, 0.1], [0.1, 0.1, 0.2], [0.0, 0.0, 0.0])
    assert found.by_t.tolist() == [False, True, False]
    assert (found.low[0], found.high[0], found.confidence[0]) == pytest.approx((0.1, 0.1, 0.75))
    assert (found.low[2], found.high[2]) == (0, 0)


@pytest.mark.parametrize(
    ("differences", "is_skewed"),
    [
        ([0.0, 0, 3], True),  # mean 1, median 0, standard deviation √3: 3 · 1 / 1.73 > 1
        ([0.0, 1, 2], False),
        ([0.0, 8], False),
        ([0.0, 0, 0, 1, 1, 1], False),  # mean and median are 0.5
        ([-3.0, 0, 0], True),
        ([0.0, 1, 2.5, 2.5], False),
        ([0.0, 0, 1, 3], True),  # 0.5 apart, of a standard deviation of 1.41
        ([0.0, 0, 2, 5], False),  # 0.75 apart, of a standard deviation of 2.36
    ],
)
def test_groups_whose_mean_is_far_from_their_median_are_skewed(differences: list[float], is_skewed: bool) -> None:
    found = grouped(differences)
    assert found.skewed.tolist() == [is_skewed]
    if len(differences) > 2:
        far = abs(statistics.fmean(differences) - statistics.median(differences))
        assert (3 * far > statistics.stdev(differences)) is is_skewed


@pytest.mark.parametrize("size", [1.0, 1e-100, 1e149, 1e151, 1e300])
def test_numbers_of_any_size_are_summarized_alike(size: float) -> None:
    differences = [1.0, 2.0, 4.0, 7.0]
    found, plain = grouped([size * each for each in differences]), grouped(differences)
    for name in ("mean", "median", "low", "high"):
        assert getattr(found, name)[0] / size == pytest.approx(getattr(plain, name)[0])
    assert found.skewed.tolist() == plain.skewed.tolist() and found.by_t.tolist() == plain.by_t.tolist() == [True]
    assert found.standardized[0] == pytest.approx(3.5 / statistics.stdev([0, *differences]))


def test_what_is_missing_or_not_finite_is_counted_and_left_out() -> None:
    values = np.ma.array([0.0, 1, math.nan, math.inf, 3, 9, 2], mask=[0, 0, 0, 0, 0, 1, 0])
    groups = Groups([np.array([[0, at] for at in range(1, 7)]), np.array([[0, 2], [5, 2]]), np.array([[3, 3]])])
    found = paired_differences(groups, values)
    assert [found.count.tolist(), found.non_finite.tolist(), found.missing.tolist()] == [
        [3, 0, 0],
        [2, 1, 1],
        [1, 1, 0],
    ]
    assert (found.mean[0], found.median[0]) == (2, 2)
    low, high = stats.ttest_1samp([1, 3, 2], 0).confidence_interval(0.95)
    assert (found.low[0], found.high[0], bool(found.by_t[0])) == (pytest.approx(low), pytest.approx(high), True)
    assert np.isnan(found.mean[1:]).all() and np.isnan(found.median[1:]).all() and not found.skewed.any()
    assert found.standardized[0] == pytest.approx(2 / statistics.stdev([0, 1, 3, 2]))


def test_without_a_spread_nothing_is_standardized() -> None:
    same = np.ma.array([1.0, 1.0, math.nan])
    found = paired_differences(Groups([np.array([[0, 1]]), np.array([[0, 2]])]), same)
    assert np.isnan(found.standardized).all()
    one = paired_differences(Groups([np.array([[0, 1]])]), np.ma.array([1.0, math.inf]))
    assert np.isnan(one.standardized).all()


def test_the_fewest_and_the_most_examples_behind_a_value_of_a_usable_pair() -> None:
    groups = Groups([np.array([[0, 1], [0, 2], [0, 3]]), np.array([[1, 2]]), np.array([[3, 3]])])
    found = paired_differences(groups, np.ma.array([0.0, 1, 2, math.nan]))
    least, most = found.counts(np.ma.array([50, 10, 70, 900], mask=[0, 0, 0, 0]))
    assert (least[:2].tolist(), most[:2].tolist()) == ([10, 10], [70, 70])
    assert not np.isfinite([least[2], most[2]]).any()
    least, most = found.counts(np.ma.array([50, 10, 70, 900], mask=[0, 1, 1, 0]))
    assert (least[0], most[0]) == (50, 50) and not np.isfinite([least[1], most[1]]).any()


@pytest.mark.parametrize(
    ("longest", "kept"), [(1, [1]), (2, [1, 5]), (3, [1, 4, 6]), (5, [1, 3, 4, 5, 6]), (9, [1, 3, 4, 5, 6])]
)
def test_usable_pairs_are_listed_evenly(longest: int, kept: list[int]) -> None:
    values = np.ma.array([0.0, 1, math.nan, 3, 4, 5, 6])
    groups = Groups([np.array([[0, at] for at in range(1, 7)]), np.array([[0, 2]]), np.array([[3, 4]])])
    listed = paired_differences(groups, values).listed(pa.array("abcdefg"), longest=longest)
    assert listed.to_pylist() == [[["a", "abcdefg"[at]] for at in kept], [], [["d", "e"]]]


def test_clear_effects_lead_by_their_level_and_size_and_single_pairs_are_last() -> None:
    rows = [
        (None, None, None, 9.0),
        (-0.5, 0.5, 0.95, 8.0),
        (-0.5, 0.0, 0.95, 7.0),
        (0.0, 0.5, 0.96, 6.0),
        (0.1, 0.5, 0.94, 5.0),
        (0.1, 0.5, 0.95, 1.0),
        (-0.5, -0.1, 0.95, -2.0),
        (0.1, 0.5, 0.96, None),
        (-0.5, -0.1, 0.5, 1.0),
        (None, None, None, -9.0),
    ]
    names = ("ci_low", "ci_high", "confidence", "standardized")
    columns = {name: pa.array([row[at] for row in rows], pa.float64()) for at, name in enumerate(names)}
    assert module._ranking(pa.table(columns)).tolist() == [6, 5, 7, 4, 8, 1, 2, 3, 0, 9]


def test_a_difference_is_with_less_without() -> None:
    groups = Groups([np.array([[0, 1], [2, 1]]), np.array([[1, 0]])])
    found = paired_differences(groups, np.ma.array([5.0, 7.0, 4.0]))
    assert (found.mean.tolist(), found.median.tolist()) == ([2.5, -2], [2.5, -2])
    assert found.standardized[1] == pytest.approx(-2 / statistics.stdev([5, 7, 4]))


def test_the_least_difference_is_kept_and_two_values_have_a_spread() -> None:
    assert grouped([5e-324]).mean[0] == 5e-324
    assert grouped([4.0]).standardized[0] == pytest.approx(math.sqrt(2))
    alone = paired_differences(Groups([np.array([[0, 0]])]), np.ma.array([2.0]))
    assert alone.mean[0] == 0 and np.isnan(alone.standardized[0])
