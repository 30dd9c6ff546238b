import numpy as np
import pyarrow as pa
import pytest

from compress_compare.analysis.behaviors import single
from compress_compare.errors import NotFound

from .frames import classified, frame


@pytest.mark.parametrize(("ids", "id"), [([7, 8, 9], 8), ([7, 8, 9], "8"), (["7", "8"], 8), (["a", "é"], "é")])
def test_place(ids, id):
    assert single.place(pa.chunked_array([ids]), id) == 1


@pytest.mark.parametrize("id", [10, "x", "", "8.5", 2**70, "\ud800"])
def test_an_unknown_instance(id):
    with pytest.raises(NotFound) as caught:
        single.place(pa.chunked_array([[7, 8, 9]]), id)
    assert caught.value.code == "instance.unknown"


@pytest.mark.parametrize("kind", ["probabilities", "logits"])
def test_the_largest_probabilities(kind):
    labels, given = classified(3, classes=4)
    table = single.probabilities(frame(labels, given, kind=kind), 5, limit=4)
    assert table.num_rows == 12
    for row in table.to_pylist():
        expected = given[int(row["model"][1]), 5, int(row["class"])]
        assert row["probability"] == pytest.approx(expected, rel=1e-5)
    assert table["class"][0].as_py() == str(given[0, 5].argmax())


def test_the_classes_that_no_model_has_among_its_first_three_follow_by_their_largest_probability():
    given = np.array([[[0.3, 0.2, 0.2, 0.1, 0.05, 0.15]], [[0.02, 0.3, 0.25, 0.23, 0.18, 0.02]]], np.float32)
    table = single.probabilities(frame(np.array([0]), given), 0, limit=6)
    # The base: 0, 1, 2 (ties by place). The model: 1, 2, 3. Left are 4, at most 0.18, and 5, at most 0.15.
    assert table["class"].to_pylist()[:6] == ["0", "1", "2", "3", "4", "5"]
    assert table["class"].to_pylist()[:6] == table["class"].to_pylist()[6:]


def test_a_model_that_lacks_the_instance_has_no_rows():
    labels, given = classified(3)
    without = np.delete(np.arange(60), 5)
    table = single.probabilities(frame(labels, given, orders=[np.arange(60), without, np.arange(60)]), 5, limit=2)
    assert table["model"].to_pylist() == ["m0", "m0", "m2", "m2"]


def test_other_vectors_are_no_probabilities():
    labels, given = classified(3)
    assert single.probabilities(frame(labels, given, kind="embeddings"), 5, limit=2).num_rows == 0
