"""Names, parameters, metric definitions and values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_compare.errors import InvalidValue
from compress_compare.records import Metric, MetricValue, Operation, check_name


@pytest.mark.parametrize(
    "name",
    ["cnn", ".", "..", "CON", "=1+1", "模型", "🙂‍↔️", "a b/c\\d", "x" * 256, "é", "نموذج", "../../etc/passwd"],
)
def test_any_ordinary_name_is_accepted(name):
    assert check_name(name, "model id") == name


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "must not be empty"),
        ("x" * 257, "has 257"),
        ("x" * 1_000_000, "has 1,000,000"),
        ("ab\0c", "U+0000 at position 2"),
        ("a\nb", "U+000A at position 1"),
        ("a\u202eb", "U+202E at position 1"),
        ("a\u2066b", "U+2066 at position 1"),
        ("\ud800", "U+D800 at position 0"),
        ("e\u0301", "normal form C"),
        (7, "must be a string"),
        (None, "must be a string"),
    ],
)
def test_other_names_are_refused_and_the_message_says_why(name, told):
    with pytest.raises(InvalidValue, match="A model id") as caught:
        check_name(name, "model id")
    assert caught.value.code == "name.invalid"
    assert told in str(caught.value)
    assert len(str(caught.value)) < 300


def test_an_operation_keeps_its_parameters_in_order_and_as_plain_numbers():
    operation = Operation("magnitude prune", layers=("a", "b"), amount=np.float32(0.5), steps=np.int64(3))
    assert operation.parameters == {"layers": ["a", "b"], "amount": 0.5, "steps": 3}
    assert operation.parameters_json == '{"layers": ["a", "b"], "amount": 0.5, "steps": 3}'
    assert type(operation.parameters["steps"]) is int


def test_operations_are_equal_whatever_the_order_of_their_parameters():
    assert Operation("p", a=1, b=2) == Operation("p", b=2, a=1)
    assert Operation("p", a=1, b=2).canonical_parameters == Operation("p", b=2, a=1).canonical_parameters
    assert len({Operation("p", a=1, b=2), Operation("p", b=2, a=1), Operation("p", a=1)}) == 2


@pytest.mark.parametrize("value", [math.nan, math.inf, {"a": [1, -math.inf]}])
def test_a_parameter_that_is_not_finite_is_refused(value):
    with pytest.raises(InvalidValue, match="must be finite") as caught:
        Operation("p", amount=value)
    assert caught.value.code == "value.not_finite"


def test_a_parameter_that_json_cannot_hold_is_refused():
    with pytest.raises(InvalidValue, match=r"p.data is object"):
        Operation("p", data=object())


@pytest.mark.parametrize("format", ["", ".1%", ".2~s", "00", ",d", "+.3f", "$,.2f", "*^20", ".3s"])
def test_d3_formats_are_accepted(format):
    assert Metric("m", format=format).format == format


@pytest.mark.parametrize("format", ["%.2f", "{:.2f}", ".1%%", "two digits"])
def test_other_formats_are_refused(format):
    with pytest.raises(InvalidValue, match="d3-format"):
        Metric("m", format=format)


def test_a_metric_range_must_be_a_range():
    with pytest.raises(InvalidValue, match="min 2 above max 1"):
        Metric("m", min=2, max=1)
    with pytest.raises(InvalidValue, match="finite"):
        Metric("m", min=math.nan)


@given(st.floats())
def test_the_kind_of_a_value_is_what_it_is(value):
    kind = MetricValue(value).kind
    assert kind == (
        "nan" if value != value else "inf" if value == math.inf else "-inf" if value == -math.inf else "number"
    )


@pytest.mark.parametrize("value", ["0.5 percent", None, [1], "1,5", object()])
def test_a_value_that_is_no_number_is_refused(value):
    with pytest.raises(InvalidValue, match="must be a number"):
        MetricValue(value)


@pytest.mark.parametrize("error", [-1.0, math.nan, math.inf])
def test_a_standard_error_is_finite_and_not_negative(error):
    with pytest.raises(InvalidValue, match="standard error"):
        MetricValue(1.0, standard_error=error)
