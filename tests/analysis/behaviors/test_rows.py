import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_compare.analysis.behaviors import rows
from compress_compare.errors import InvalidValue

NUMBERS = st.lists(st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)), max_size=60)


def rank(value):
    return 2 if value is None else 1 if isinstance(value, float) and math.isnan(value) else 0


@given(NUMBERS, st.booleans())
def test_sorting_is_total_and_stable_with_nan_and_then_null_last(values, descending):
    expected = sorted(
        range(len(values)),
        key=lambda i: (rank(values[i]), 0 if rank(values[i]) else -values[i] if descending else values[i]),
    )
    assert rows.order(pa.array(values, pa.float64()), descending=descending).tolist() == expected


@pytest.fixture(params=[1 << 16, 3], scope="module")
def in_blocks(request):
    """All at once, and some at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "BLOCK", request.param)
        yield


@pytest.mark.usefixtures("in_blocks")
@given(NUMBERS.filter(bool), st.booleans(), st.data())
def test_the_first_are_those_of_the_whole_order(values, descending, data):
    count = data.draw(st.integers(1, len(values) + 1))
    column = pa.array(values, pa.float64())
    found = rows.first(column, count, descending=descending)
    assert found.tolist() == rows.order(column, descending=descending)[:count].tolist()


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    "column",
    [
        pa.array([3, -(2**63), 3, 2**63 - 1, 0, 3]),
        pa.array([3, 255, 3, 0, 0], pa.uint8()),
        pa.array([3, None, 1]),
        pa.array([True, False, True]),
        pa.array(["b", "a", None, "b"]),
    ],
)
def test_the_first_of_every_type(column, descending):
    whole = rows.order(column, descending=descending).tolist()
    for count in range(1, len(column) + 1):
        assert rows.first(column, count, descending=descending).tolist() == whole[:count]


@pytest.mark.parametrize(
    ("values", "expected"),
    [(["b", "a", None, "b"], [0, 3, 1, 2]), ([True, False, True], [0, 2, 1]), ([3, 5, 3], [1, 0, 2])],
)
def test_other_types_sort_too(values, expected):
    assert rows.order(pa.array(values), descending=True).tolist() == expected


NAN = math.nan
COLUMN = pa.array([1.0, 2.0, NAN, None, 3.0])


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("==", 2, [1]),
        ("!=", 2, [0, 2, 3, 4]),
        ("<", 2, [0]),
        ("<=", 2.0, [0, 1]),
        (">", 1.5, [1, 4]),
        (">=", 2, [1, 4]),
        ("in", [1, 3], [0, 4]),
        ("not in", [1, 3], [1, 2, 3]),
        ("is null", True, [3]),
        ("is null", False, [0, 1, 2, 4]),
        ("is finite", False, [2, 3]),
        ("is finite", True, [0, 1, 4]),
    ],
)
def test_conditions_on_numbers(operator, value, expected):
    assert np.flatnonzero(rows.holds(COLUMN, operator, value=value)).tolist() == expected


def test_conditions_on_text_and_booleans():
    text = pa.array(["A (cat)", "dog", None])
    assert rows.holds(text, "contains", value="(CAT").tolist() == [True, False, False]
    assert rows.holds(text, "in", value=["dog", None]).tolist() == [False, True, True]
    assert rows.holds(pa.array([True, False]), "==", value=True).tolist() == [True, False]
    assert rows.holds(pa.array([1, 2]), ">", value=1.5).tolist() == [False, True]


@pytest.mark.parametrize(
    ("column", "operator", "value"),
    [
        (pa.array([1, 2]), "==", "1"),
        (pa.array([1, 2]), "==", None),
        (pa.array(["a"]), "<", 3),
        (pa.array(["a"]), "is finite", True),
        (pa.array([1.0]), "contains", "1"),
        (pa.array([1.0]), "__import__", "1"),
        (pa.array([1, 2]), "in", ["a"]),
        (pa.array([1, 2]), "==", 2**70),
        (pa.array([True]), "==", 1),
        (pa.array([1]), "==", True),
        (pa.array([1]), "==", [1]),
        (pa.array([1]), "==", {"a": 1}),
    ],
)
def test_a_value_of_another_kind_is_refused(column, operator, value):
    if value is None:
        assert not rows.holds(column, operator, value=value).any()
        return
    with pytest.raises(InvalidValue) as caught:
        rows.holds(column, operator, value=value)
    assert caught.value.code == "behaviors.where"


def test_a_mapping_and_a_list_say_the_same():
    assert rows.conditions({"a": 1, "b": [1, 2]}) == rows.conditions([("a", "==", 1), ["b", "in", [1, 2]]])
    assert rows.conditions(None) == []


@pytest.mark.parametrize("where", ["a == 1", [("a", "==")], [1], 3, [("a", "==", 1)] * 51, [(1, "==", 1)]])
def test_a_filter_of_another_shape_is_refused(where):
    with pytest.raises(InvalidValue, match=r"filter|condition"):
        rows.conditions(where)
