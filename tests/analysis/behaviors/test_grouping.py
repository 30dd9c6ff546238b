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


def test_quantiles_that_fall_together_leave_one_group():
    numbers = np.concatenate([np.zeros(1000), np.arange(1.0, 22.0), [np.nan, np.inf, -np.inf]])
    found = grouping.by_values(pa.chunked_array([numbers]))
    assert found.names.to_pylist() == ["0 to 21", None]
    assert found.codes.tolist() == [0] * 1021 + [1, 0, 0]
    assert grouping.by_quantiles(pa.chunked_array([[7.0, 7.0, None]])).names.to_pylist() == ["7", None]


@pytest.mark.parametrize(("distinct", "groups"), [(20, 20), (21, 5)])
@pytest.mark.parametrize("repeated", [1, 3000])
def test_from_how_many_numbers_on_they_are_cut(distinct, groups, repeated):
    # the many equal ones that come first show that not only the first values are looked at
    numbers = np.concatenate([np.zeros(repeated, np.int64), np.arange(distinct)])
    found = grouping.by_values(pa.chunked_array([numbers]))
    assert len(found.names) == (groups if repeated == 1 or distinct == 20 else 1)


def test_a_number_on_an_edge_belongs_above_it():
    found = grouping.by_quantiles(pa.chunked_array([np.arange(11)]))
    assert found.names.to_pylist() == ["0 to 2", "2 to 4", "4 to 6", "6 to 8", "8 to 10"]
    assert found.codes.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4]
    two = grouping.by_quantiles(pa.chunked_array([[-1.0, 0.5, 2.0]]), bins=2)
    assert (two.names.to_pylist(), two.codes.tolist()) == (["−1 to 0.5", "0.5 to 2"], [0, 1, 1])


def test_edges_have_as_few_digits_as_tell_them_apart():
    def named(*edges):
        return grouping.by_quantiles(pa.chunked_array([edges]), bins=len(edges) - 1).names.to_pylist()

    assert named(0.123456, 0.128, 0.9) == ["0.12 to 0.13", "0.13 to 0.9"]
    assert named(0.12301, 0.12302) == ["0.12301 to 0.12302"]
    assert named(999.0, 1000.0) == ["999 to 1,000"]
    assert named(-1000.0, 12_345_678.0) == ["−1,000 to 12,000,000"]
    assert named(1e14, 1e15) == ["100,000,000,000,000 to 1e+15"]
    assert named(1.0, 1.0 + 2**-52) == ["1 to 1.0000000000000002"]


def test_as_many_groups_as_are_allowed_are_made():
    assert len(grouping.by_values(pa.chunked_array([[str(i) for i in range(10_000)]])).names) == 10_000


def test_combinations_are_numbered_by_the_first_and_then_the_second():
    first = grouping.by_values(pa.chunked_array([["b", "a", None, "a"]]))
    second = grouping.by_values(pa.chunked_array([[2.5, 1.25, 1.25, None]]))
    found = grouping.combined(first, second, columns=("x", "y"))
    assert found.names.to_pylist() == ["x a, y 1.25", "x a, y none", "x b, y 2.5", "x none, y 1.25"]
    assert found.codes.tolist() == [2, 0, 3, 1]


@pytest.mark.parametrize("size", [6, 10**9])
def test_combinations_are_counted_alike_whether_there_is_room_for_all_or_not(size):
    kept, codes = grouping._distinct(np.array([5, 0, 5, 3]), size=size)
    assert (kept.tolist(), codes.tolist()) == ([0, 3, 5], [2, 0, 2, 1])


def test_groups_without_an_instance_are_left_out():
    found = grouping._compact(np.array([2, -1, 0, 2]), pa.array(["x", "y", "z"]))
    assert (found.names.to_pylist(), found.codes.tolist()) == (["x", "z", None], [1, 2, 0, 1])
    whole = grouping._compact(np.array([1, 0]), pa.array(["x", "y"]))
    assert (whole.names.to_pylist(), whole.codes.tolist()) == (["x", "y"], [1, 0])


def test_columns_are_one_some_or_none():
    assert [grouping.columns_of(by) for by in (None, "ab", ["a", "b"], [])] == [(), ("ab",), ("a", "b"), ()]


def test_more_than_two_columns_are_refused_whatever_they_are():
    labels, probabilities = classified(count=4)
    given = frame(labels, probabilities, metadata={name: [1, 1, 2, 2] for name in "abc"})
    assert len(grouping.grouping(given, ["a", "b"]).names) == 2
    with pytest.raises(InvalidValue, match="at most two columns"):
        grouping.grouping(given, ["a", "b", "c"])


def test_labels_and_the_predictions_of_the_base_group():
    labels = np.array([3, 1, 1, 2])
    given = Frame(
        dataset(np.arange(4), labels=labels), {"x": outputs(np.arange(4), [1, 1, 3, 3]), "y": outputs([0], [2])}
    )
    assert names_of(grouping.grouping(given, ["label"])) == names_of(grouping.grouping(given, [])) == [3, 1, 1, 2]
    assert names_of(grouping.grouping(given, ["prediction"])) == [1, 1, 3, 3]
    assert grouping.groupable(given) == ["label", "prediction"]
    with pytest.raises(InvalidValue) as caught:
        grouping.grouping(given, ["id"])
    assert "one of: label, prediction" in caught.value.hint


@pytest.mark.parametrize(("texts", "is_feature"), [("aabb", True), ("aabc", False), ("aaaa", False), ("aaab", True)])
def test_texts_of_which_hardly_two_are_alike_make_no_slices(texts, is_feature):
    labels = np.zeros(4, int)
    given = frame(labels, classified(count=4)[1], metadata={"t": list(texts), "n": [1, 2, 3, 4], "one": [5] * 4})
    found = grouping.feature(given, "t")
    assert (found is not None) is is_feature
    assert found is None or names_of(found) == list(texts)
    assert names_of(grouping.feature(given, "n")) == [1, 2, 3, 4] and grouping.feature(given, "one") is None
    assert grouping.feature(given, "label") is None and grouping.feature(given, "prediction") is not None


def test_instances_with_several_labels_are_in_several_groups():
    sets = [["a", "b"], [], ["b"]]
    given = Frame(dataset([1, 2, 3], labels=sets), {name: outputs([1, 2, 3], sets) for name in "xy"})
    found = grouping.grouping(given, [])
    members = {(int(row), found.names[int(code)].as_py()) for row, code in zip(found.rows, found.codes, strict=True)}
    assert members == {(0, "a"), (0, "b"), (2, "b")}
