from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compress_compare.operations.pfa.select import correlations, select
from compress_compare.operations.pfa.spectrum import inactive

WAYS = ["l1-max", "abs-max"]


def absolute(pairs: dict[tuple[int, int], float], width: int) -> np.ndarray:
    matrix = np.zeros((width, width))
    for (one, other), value in pairs.items():
        matrix[one, other] = matrix[other, one] = value
    return matrix


def chosen(matrix: np.ndarray, count: int, by: str, dead: list[int] = []) -> list[int]:  # noqa: B006
    return select(matrix, np.isin(np.arange(len(matrix)), dead), count=count, by=by)  # type: ignore[arg-type]


def test_correlations_are_those_of_numpy() -> None:
    data = np.random.default_rng(0).normal(size=(50, 4)) @ np.random.default_rng(1).normal(size=(4, 6))
    expected = np.abs(np.corrcoef(data.T))
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(correlations(np.cov(data.T)), expected, atol=1e-12)


def test_inactive_units_are_correlated_with_nothing() -> None:
    data = np.random.default_rng(0).normal(size=(50, 3))
    data[:, 1] = data[:, 0] * 1e-6
    covariance = np.cov(data.T)
    assert inactive(covariance).tolist() == [False, True, False]
    assert not correlations(covariance)[1].any() and not correlations(covariance)[:, 1].any()


def test_l1_max_by_hand() -> None:
    """Sums are .9, 1.5, 1.1, .5: unit 1 goes; then .4 and .5 of units 2 and 3 against .0 of unit 0: 2 or 3 goes."""
    matrix = absolute({(0, 1): 0.9, (1, 2): 0.6, (2, 3): 0.5}, 4)
    assert chosen(matrix, 3, "l1-max") == [0, 2, 3]
    assert chosen(matrix, 2, "l1-max") in ([0, 2], [0, 3])
    assert chosen(matrix, 4, "l1-max") == [0, 1, 2, 3]


def test_l1_max_decides_ties_by_the_largest_correlation() -> None:
    """Units 1 and 4 both sum to .8; unit 4 has the larger single one."""
    matrix = absolute({(0, 1): 0.4, (1, 2): 0.4, (3, 4): 0.7, (4, 5): 0.1}, 6)
    assert chosen(matrix, 5, "l1-max") == [0, 1, 2, 3, 5]


def test_abs_max_by_hand() -> None:
    """The closest pair is 0 and 1; the next closest to 1 is .6, to 0 it is .2: unit 1 goes, where L1 would drop 2."""
    matrix = absolute({(0, 1): 0.9, (0, 2): 0.2, (1, 2): 0.6, (2, 3): 0.85}, 4)
    assert chosen(matrix, 3, "abs-max") == [0, 2, 3]
    assert chosen(matrix, 3, "l1-max") == [0, 1, 3]


@pytest.mark.parametrize("by", WAYS)
def test_inactive_units_go_first(by: str) -> None:
    matrix = absolute({(0, 1): 0.99}, 5)
    assert chosen(matrix, 4, by, dead=[2, 4]) in ([0, 1, 3, 4], [0, 1, 2, 3])
    assert chosen(matrix, 3, by, dead=[2, 4]) == [0, 1, 3]
    assert chosen(matrix, 2, by, dead=[2, 4]) in ([0, 3], [1, 3])


@pytest.mark.parametrize("by", WAYS)
def test_one_of_two_equal_units_goes(by: str) -> None:
    data = np.random.default_rng(0).normal(size=(200, 5))
    data[:, 3] = -2 * data[:, 1]
    kept = chosen(correlations(np.cov(data.T)), 4, by)
    assert len({1, 3} & set(kept)) == 1 and {0, 2, 4} <= set(kept)


@settings(max_examples=40)
@given(seed=st.integers(0, 9999), width=st.integers(1, 9), by=st.sampled_from(WAYS), data=st.data())
def test_any_number_can_be_kept(seed: int, width: int, by: str, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, width))
    matrix = correlations(np.cov(np.random.default_rng(seed).normal(size=(20, width)).T).reshape(width, width))
    kept = chosen(matrix, count, by)
    assert len(kept) == count and kept == sorted(set(kept)) and set(kept) <= set(range(width))
    assert by == "abs-max" or kept == slowly(matrix, count)


def slowly(matrix: np.ndarray, count: int) -> list[int]:
    """L1-max without any care for ties, which random data do not have."""
    kept = list(range(len(matrix)))
    while len(kept) > count:
        kept.remove(max(kept, key=lambda unit: (round(sum(matrix[unit, kept]), 10), max(matrix[unit, kept]))))
    return kept
