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


def test_numbers_on_edges_belong_above_them_and_the_last_to_the_last_bin():
    numbers = np.array([0, 0.5, 1, 1.5, 2, 4, np.nan, np.inf])
    assert histograms.histogram(numbers, 4, low=0, high=4).tolist() == [2, 2, 1, 1]
    assert histograms.histogram(np.array([-1.0, 5.0]), 4, low=0, high=4).tolist() == [1, 0, 0, 1]
    assert histograms.histogram(np.array([]), 3, low=0, high=1).tolist() == [0, 0, 0]
    wide = np.array([-1.7e308, -1e308, 0, 1.7e308])
    assert histograms.histogram(wide, 2, low=-1.7e308, high=1.7e308).tolist() == [2, 2]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([512.0], (511.5, 512.5)),
        ([-2048.0], (-2050, -2046)),
        ([2048.0, 2048.0], (2046, 2050)),
        ([0.0, 5e-324], (-0.5, 0.5)),  # halves of it are nothing
        ([0.0, 1e-300], (0, 1e-300)),
        ([np.inf, 2.0, -np.inf, 1.0], (1, 2)),
    ],
)
def test_bounds_of_one_number_leave_room_on_both_sides(values, expected):
    found = histograms.bounds({"a": np.array([np.nan]), "m": np.array(values)})
    assert found == pytest.approx(expected, abs=1e-320) and found[0] < found[1]


def test_bounds_are_those_of_all_models():
    assert histograms.bounds({"a": np.array([1.0, 3]), "b": np.array([2.0, 9]), "c": np.array([-4.0])}) == (-4, 9)


def test_each_kind_of_what_is_no_finite_number_is_counted():
    numbers = np.array([np.nan, np.nan, np.inf, -np.inf, -np.inf, -np.inf, 1.0, 5.0, 5.0])
    present = np.array([True] * 7 + [False] * 2)
    (row,) = histograms.table({"m": numbers}, {"m": present}, bins=2, bounds=(0.0, 4.0)).to_pylist()
    names = ("nan", "positive_infinity", "negative_infinity", "missing", "counts", "low", "high")
    assert [row[name] for name in names] == [2, 1, 3, 2, [1, 0], 0, 4]


def test_differences_of_what_is_no_number_are_none():
    values, base = np.array([3.0, np.nan, np.inf, 1e308]), np.array([1.0, 2.0, np.inf, -1e308])
    assert np.array_equal(histograms.differences(values, base), [2, np.nan, np.nan, np.inf], equal_nan=True)
