import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_compare.analysis.behaviors import grouping
from compress_compare.analysis.behaviors.frame import Frame
from compress_compare.errors import InvalidValue

from .frames import classified, dataset, frame, outputs


def names_of(found):
    return [found.names[int(code)].as_py() for code in found.codes]


@given(st.lists(st.sampled_from(["x", "y", None]), min_size=1))
def test_equal_values_are_a_group_and_none_is_one(values):
    found = grouping.by_values(pa.chunked_array([pa.array(values, pa.string())]))
    assert names_of(found) == values
    assert len(set(found.names.to_pylist())) == len(found.names)


def test_many_numbers_are_cut_at_their_quantiles():
    numbers = np.random.default_rng(0).normal(size=1001)
    numbers[7] = np.nan
    found = grouping.by_values(pa.chunked_array([numbers]))
    counts = np.bincount(found.codes)
    assert len(counts) == 6
    assert counts[:5].tolist() == [200] * 5
    assert counts[5] == 1
    assert found.names[5].as_py() is None
    assert numbers[found.codes == 0].max() < numbers[found.codes == 1].min()


@pytest.mark.parametrize("values", [[1, 2, 1], [True, False, True], [0.5, 0.25, 0.5]])
def test_few_values_stay_themselves(values):
    assert names_of(grouping.by_values(pa.chunked_array([pa.array(values)]))) == values


def test_two_columns_make_the_combinations_that_occur():
    labels, probabilities = classified(count=4, classes=2)
    metadata = {"a": ["x", "x", "y", "y"], "b": [1, 1, 1, 2]}
    found = grouping.grouping(frame(labels, probabilities, metadata=metadata), ["a", "b"])
    assert names_of(found) == ["a x, b 1", "a x, b 1", "a y, b 1", "a y, b 2"]
    assert [part.to_pylist() for part in found.conditions] == [["a x", "a y", "a y"], ["b 1", "b 1", "b 2"]]


def test_more_classes_than_bins_stay_classes():
    labels = np.arange(90) % 30
    given = Frame(dataset(np.arange(90), labels=labels), {m: outputs(np.arange(90), labels) for m in "xy"})
    assert names_of(grouping.grouping(given, [])) == labels.tolist()
    assert names_of(grouping.grouping(given, ["prediction"])) == labels.tolist()


@pytest.mark.parametrize("by", [["nope"], ["id"], ["a", "b", "c"]])
def test_what_cannot_group_is_refused(by):
    labels, probabilities = classified(count=4)
    with pytest.raises(InvalidValue) as caught:
        grouping.grouping(frame(labels, probabilities), by)
    assert caught.value.code == "behaviors.group"


def test_too_many_groups_are_refused():
    with pytest.raises(InvalidValue, match="too many"):
        grouping.by_values(pa.chunked_array([[str(i) for i in range(10_001)]]))


def test_without_classes_there_is_no_default():
    given = Frame(dataset([1, 2], metadata={"a": ["x", "y"]}), {m: outputs([1, 2], [0, 1]) for m in "xy"})
    with pytest.raises(InvalidValue, match="no labels") as caught:
        grouping.grouping(given, [])
    assert "prediction, a" in caught.value.hint
