import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_compare.analysis.behaviors import histograms


@given(
    st.lists(
        st.floats(-1e308, 1e308) | st.sampled_from([np.nan, np.inf, -np.inf, 5e-324, 0.0]), min_size=1, max_size=80
    ),
    st.integers(1, 50),
)
def test_counts_sum_to_the_finite_numbers(values, bins):
    numbers = {"m": np.array(values, dtype=np.float64)}
    low, high = histograms.bounds(numbers)
    table = histograms.table(numbers, {"m": np.ones(len(values), bool)}, bins=bins, bounds=(low, high))
    (row,) = table.to_pylist()
    assert len(row["counts"]) == bins
    assert sum(row["counts"]) == np.isfinite(values).sum()
    total = sum(row["counts"]) + row["nan"] + row["positive_infinity"] + row["negative_infinity"] + row["missing"]
    assert total == len(values)


def test_bins_are_those_of_numpy():
    for low, high in ((0, 1), (-3, 5), (2, 2.5)):
        numbers = np.random.default_rng(0).uniform(low, high, 1000)
        expected, _ = np.histogram(numbers, bins=16, range=(low, high))
        assert histograms.histogram(numbers, 16, low=low, high=high).tolist() == expected.tolist()


def test_models_share_their_bins_and_missing_is_counted_apart():
    values = {"a": np.array([0.0, 1.0, np.nan]), "b": np.array([2.0, np.nan, np.inf])}
    present = {"a": np.array([True, True, False]), "b": np.array([True, True, True])}
    bounds = histograms.bounds(values)
    rows = histograms.table(values, present, bins=2, bounds=bounds).to_pylist()
    assert bounds == (0.0, 2.0)
    assert [row["counts"] for row in rows] == [[1, 1], [0, 1]]
    assert [(row["nan"], row["positive_infinity"], row["missing"]) for row in rows] == [(0, 0, 1), (1, 1, 0)]


@pytest.mark.parametrize(("values", "expected"), [([], (0, 1)), ([np.nan], (0, 1)), ([3.0, 3.0], (2.5, 3.5))])
def test_bounds_are_never_empty(values, expected):
    assert histograms.bounds({"m": np.array(values, dtype=np.float64)}) == expected
