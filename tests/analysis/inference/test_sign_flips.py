from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from compress_compare.analysis.effects.differences import Groups, paired_differences
from compress_compare.analysis.inference.sign_flips import MAX_BLOCKS, confidence, interval


def intervals_of(*groups: list[float]) -> list[tuple[float, float]]:
    sums, counts = np.zeros((len(groups), MAX_BLOCKS)), np.zeros((len(groups), MAX_BLOCKS), np.int64)
    for i, group in enumerate(groups):
        sums[i, : len(group)], counts[i, : len(group)] = group, 1
    low, high = interval(sums, counts)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def p_value(differences: NDArray[np.float64], mean: float) -> float:
    """Of the randomization test: how many flips of signs give as large a sum, one that is itself included."""
    deviations = differences - mean
    sums = [abs(float(np.dot(signs, deviations))) for signs in product((-1, 1), repeat=len(deviations))]
    return float(np.mean(np.array(sums) >= abs(float(deviations.sum())) - 1e-12))


def test_seven_differences_by_hand() -> None:
    # 2.5% of 128 is 3.2: the third smallest mean of a subset, after {0} and {0, 1}: {1} is 1, {0, 1, 2} too.
    (low, high), none, two = intervals_of([0, 1, 2, 4, 8, 16, 32], [5], [3, -1])
    assert (low, high) == (1, (32 + 8) / 2)
    assert np.isnan(none).all()
    assert two == (-1, 3)


@pytest.mark.parametrize(
    ("blocks", "level"), [(2, 0.5), (3, 0.75), (4, 0.875), (5, 0.9375), (6, 0.96875), (7, 0.953125)]
)
def test_levels_by_counting(blocks: int, level: float) -> None:
    assert confidence(blocks) == level


def test_from_six_on_the_level_is_at_least_95_percent() -> None:
    assert all(0.95 <= confidence(blocks) < 0.97 for blocks in range(6, MAX_BLOCKS + 1))


@pytest.mark.parametrize("size", [6, 8, 10])
def test_the_ends_are_where_the_randomization_test_starts_to_refuse(size: int) -> None:
    differences = np.random.default_rng(size).gamma(1.0, size=size)
    ((low, high),) = intervals_of(differences.tolist())
    step = 1e-6
    assert p_value(differences, low + step) > 0.05 >= p_value(differences, low - step)
    assert p_value(differences, high - step) > 0.05 >= p_value(differences, high + step)


def test_against_scipy() -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    differences = np.random.default_rng(1).normal(0.5, size=9)
    ((low, high),) = intervals_of(differences.tolist())
    for mean, inside in ((low + 1e-6, True), (low - 1e-6, False), (high - 1e-6, True), (high + 1e-6, False)):
        test = stats.permutation_test(
            (differences - mean,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=True
        )
        assert bool(test.pvalue > 0.05) is inside


@given(st.lists(st.integers(-1_000, 1_000), min_size=2, max_size=9))
def test_it_is_read_off_the_means_of_all_subsets(values: list[int]) -> None:
    means = sorted(np.mean(s) for k in range(1, len(values) + 1) for s in combinations(values, k))
    rank = max(1, int(0.025 * 2 ** len(values)))
    ((low, high),) = intervals_of([float(value) for value in values])
    assert (low, high) == pytest.approx((means[rank - 1], means[-rank]))
    assert low - 1e-9 <= np.mean(values) <= high + 1e-9


def test_it_covers_the_mean_of_many_pairs_as_often_as_it_says() -> None:
    draws, pairs = 2_000, 40
    values = np.random.default_rng(0).laplace(3.0, size=(draws, pairs)).ravel()
    groups = Groups([np.array([[0, 1 + i * pairs + j] for j in range(pairs)]) for i in range(draws)])
    found = paired_differences(groups, np.ma.array(np.concatenate([[0.0], values])))
    assert set(found.confidence) == {confidence(MAX_BLOCKS)}
    covered = float(np.mean((found.low < 3.0) & (found.high > 3.0)))
    # Three standard errors of a share of 2,000.
    assert covered == pytest.approx(confidence(MAX_BLOCKS), abs=0.015)
