from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_compare.analysis.frontier import frontier

NUMBERS = st.sampled_from([0.0, -0.0, 1.0, 2.0, 3.5, -1.0, math.nan, math.inf, -math.inf]) | st.floats(-5, 5)


def test_small_and_accurate_models_are_on_it() -> None:
    size = [10.0, 5.0, 5.0, 2.0, 2.0, 1.0]
    accuracy = [0.9, 0.9, 0.8, 0.85, 0.85, 0.1]
    assert frontier(size, accuracy, x_higher_is_better=False, y_higher_is_better=True).tolist() == [5, 3, 4, 1]
    assert frontier(accuracy, size, x_higher_is_better=True, y_higher_is_better=False).tolist() == [1, 3, 4, 5]


def test_missing_and_infinite_values_are_left_out() -> None:
    x = np.ma.array([1.0, 2.0, 3.0, math.inf, math.nan], mask=[True, False, False, False, False])
    y = [0.0, 0.0, math.nan, 0.0, 0.0]
    assert frontier(x, y, x_higher_is_better=False, y_higher_is_better=False).tolist() == [1]


def test_nothing() -> None:
    assert frontier([], [], x_higher_is_better=True, y_higher_is_better=True).tolist() == []
    assert frontier([math.nan], [1.0], x_higher_is_better=True, y_higher_is_better=True).tolist() == []


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=30), st.booleans(), st.booleans())
def test_it_is_what_comparing_all_pairs_gives(points: list[tuple[float, float]], x_up: bool, y_up: bool) -> None:
    def beats(p: tuple[float, float], q: tuple[float, float]) -> bool:
        gains = [p[0] - q[0] if x_up else q[0] - p[0], p[1] - q[1] if y_up else q[1] - p[1]]
        return min(gains) >= 0 and max(gains) > 0

    usable = [i for i, point in enumerate(points) if all(map(math.isfinite, point))]
    expected = [i for i in usable if not any(beats(points[j], points[i]) for j in usable)]
    found = frontier(
        [x for x, _ in points], [y for _, y in points], x_higher_is_better=x_up, y_higher_is_better=y_up
    ).tolist()
    assert sorted(found) == expected
    along = [points[i][0] for i in found]
    assert along == sorted(along, reverse=x_up)


@pytest.mark.parametrize("higher", [True, False])
def test_identical_points_all_stay_in_their_order(higher: bool) -> None:
    same = frontier([1.0] * 4, [2.0] * 4, x_higher_is_better=higher, y_higher_is_better=higher)
    assert same.tolist() == [0, 1, 2, 3]
