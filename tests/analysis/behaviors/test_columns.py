"""The instance table by hand: which columns there are, what stands in them, and which instances a filter leaves."""

import numpy as np
import pytest

from compress_compare.analysis.behaviors.columns import InstanceColumns
from compress_compare.analysis.behaviors.frame import Frame
from compress_compare.errors import InvalidValue
from tests.analysis.behaviors.frames import dataset, outputs

IDS = np.array([10, 11, 12, 13])
SCORES = {"m0": np.array([0.5, 1.0, np.nan, 0.25]), "m1": np.array([0.75, 0.5, 1.0, np.nan])}


def columns(by=(), labels=("cat", "dog", "dog", "cat"), metric="score"):
    answered = {
        "m0": outputs(IDS, ["cat", "dog", "cat", "cat"]),
        "m1": outputs(IDS[:3], ["cat", "cat", "dog"]),
    }
    told = dataset(IDS, labels=list(labels), metadata={"note": ["red", "blue", "dark red", "7"], "size": [3, 7, 1, 2]})
    return InstanceColumns(Frame(told, answered), metric, values=lambda _name: SCORES, by=by)


def test_the_columns_in_their_order():
    given = ["id", "label", "note", "size", "prediction[m0]", "prediction[m1]"]
    assert columns().names()[:6] == given
    assert "difference[m1]" in columns().names() and columns().names()[-1] == "num_changed"


def test_what_models_said():
    found = columns()
    assert found.column("prediction[m0]").to_pylist() == ["cat", "dog", "cat", "cat"]
    assert found.column("prediction[m1]").to_pylist() == ["cat", "cat", "dog", None]
    assert found.column("changed[m1]").to_pylist() == [False, True, True, None]
    assert [type(each) for each in found.column("num_changed").to_pylist()] == [int] * 4
    assert found.column("num_changed").to_pylist() == [0, 1, 1, 0]
    assert found.column("changed").to_pylist() == [False, True, True, False]
    assert found.column("size", np.array([2, 0])).to_pylist() == [1, 3]


def test_the_difference_of_the_metric_from_the_base_s():
    first, second, third, fourth = columns().column("difference[m1]").to_pylist()
    assert (first, second) == (0.25, -0.5)
    assert np.isnan(third) and fourth is None
    with pytest.raises(InvalidValue, match="There is no column 'nothing'"):
        columns().column("nothing")


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ([], None),
        ([["label", "==", "dog"]], [11, 12]),
        ([["group", "==", "dog"]], [11, 12]),
        ([["*", "contains", "red"]], [10, 12]),
        ([["*", "contains", "7"]], [11, 13]),
        ([["*", "contains", "12"]], [12]),
        ([["size", ">", 2], ["changed[m1]", "==", True]], [11]),
        ([["prediction[m1]", "==", "cat"]], [10, 11]),
    ],
)
def test_filters(where, left):
    mask = columns().mask(where)
    assert (mask if mask is None else IDS[mask].tolist()) == left


def test_what_is_sorted_and_filtered():
    found = columns()
    assert IDS[found.chosen("size", [])].tolist() == [12, 13, 10, 11]
    assert IDS[found.chosen("-size", [])].tolist() == [11, 10, 13, 12]
    assert IDS[found.chosen("-size", [["label", "==", "cat"]])].tolist() == [10, 13]
    assert IDS[found.chosen(None, [["label", "==", "cat"]])].tolist() == [10, 13]
    assert IDS[found.chosen(None, [])].tolist() == IDS.tolist()
    table = found.table(np.array([1, 3]), ["id", "size"])
    assert table.to_pydict() == {"id": [11, 13], "size": [7, 2]}


def test_of_sets_a_group_is_one_label():
    labels = [{"cat"}, {"cat", "dog"}, set(), {"dog"}]
    answered = {name: outputs(IDS, [{"cat"}, {"dog"}, {"dog"}, set()]) for name in ("m0", "m1")}
    found = InstanceColumns(Frame(dataset(IDS, labels=labels), answered), "jaccard", values=lambda _name: SCORES)
    assert IDS[found.mask([["group", "==", "cat"]])].tolist() == [10, 11]
    assert IDS[found.mask([["group", "==", "dog"]])].tolist() == [11, 13]
    assert found.mask([["group", "==", "bird"]]).tolist() == [False] * 4


def test_bytes_and_tokens_are_no_values_to_list():
    images = [np.full((2, 2), shade, np.uint8) for shade in (0, 1, 2, 3)]
    told = dataset(IDS, labels=["a", "b", "a", "b"], images=images, tokens=[["x"], ["y"], ["z"], []])
    found = InstanceColumns(Frame(told, {"m0": outputs(IDS, ["a"] * 4)}), "score", values=lambda _name: SCORES)
    assert {"id", "label", "text"} <= set(found.names())
    assert not {"image", "tokens"} & set(found.names())
