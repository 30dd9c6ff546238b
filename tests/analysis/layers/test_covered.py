"""How much of each module was compared, counted by hand."""

import pyarrow as pa
import pytest

from compress_compare.analysis.layers import covered, tree
from compress_compare.analysis.layers.covered import Covered, Part
from compress_compare.analysis.layers.merged import Order

NAMES = ["a.one.weight", "a.one.bias", "a.two.weight", "b.weight", "top"]
PARTS = {
    ("a.one", "weight"): Part(100, True),
    ("a.one", "bias"): Part(10, False),
    ("a.two", "weight"): Part(300, False),
    ("b", "weight"): Part(50, True),
    ("", "top"): Part(0, False),
}
EXPECTED = {
    ("", None): (5, 2, 150 / 460),
    ("a", None): (3, 1, 100 / 410),
    ("a.one", None): (2, 1, 100 / 110),
    ("a.one", "weight"): (1, 1, 1.0),
    ("a.one", "bias"): (1, 0, 0.0),
    ("a.two", None): (1, 0, 0.0),
    ("a.two", "weight"): (1, 0, 0.0),
    ("b", None): (1, 1, 1.0),
    ("b", "weight"): (1, 1, 1.0),
    ("", "top"): (1, 0, 0.0),
}


def test_every_row_says_how_much_it_is_about():
    order = Order.of(tree.rows(NAMES))
    assert set(order.rows) == set(EXPECTED)
    keys = list(order.rows)
    rows = pa.table(
        {
            "module": [module for module, _ in keys],
            "parameter": [parameter for _, parameter in keys],
            "model": ["m"] * len(keys),
            "relative_error": [0.5] * len(keys),
            "sparsity": [0.25] * len(keys),
        }
    )
    found = covered.added(rows, order, parts={"m": PARTS})
    for row in found.to_pylist():
        key = row["module"], row["parameter"]
        tensors, compared, share = EXPECTED[key]
        assert (row["num_tensors"], row["num_tensors_compared"]) == (tensors, compared), key
        assert row["share_compared"] == pytest.approx(share), key
        told = share >= 0.5 or key[1] is not None
        assert row["relative_error"] == (0.5 if told else None), key
        assert row["sparsity"] == 0.25


def test_a_module_of_which_half_was_compared_is_told():
    order = Order.of(tree.rows(["l.a", "l.b"]))
    rows = pa.table({"module": ["l"], "parameter": pa.array([None], pa.string()), "model": ["m"], "cosine": [1.0]})
    half = {("l", "a"): Part(8, True), ("l", "b"): Part(8, False)}
    assert covered.added(rows, order, parts={"m": half})["cosine"].to_pylist() == [1.0]
    less = half | {("l", "b"): Part(9, False)}
    assert covered.added(rows, order, parts={"m": less})["cosine"].to_pylist() == [None]


def test_a_whole_model():
    found = Covered.of(list(PARTS.values()))
    assert (found.tensors, found.compared, found.share, found.is_whole) == (5, 2, 150 / 460, False)
    assert str(found) == "2 of 5 tensors, 32.6% of the weights"
    assert Covered.of([]).share == 1.0 and Covered.of([]).is_whole
    assert Covered.of([Part(0, False)]).share == 1.0


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0%"), (1.0, "100%"), (0.9999, "99.9%"), (0.0001, "0.1%"), (0.5, "50.0%"), (0.962, "96.2%")],
)
def test_what_is_not_all_is_not_100_percent(share, text):
    assert covered.percent(share) == text
