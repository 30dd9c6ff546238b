import numpy as np
import pytest

from compress_compare.analysis import coverage as module
from compress_compare.analysis.coverage import Expectation, coverage, summary

RANDOM = np.random.default_rng(0)


def parent():
    return {
        "conv.weight": RANDOM.normal(size=(4, 3, 2, 2)),
        "norm.weight": np.ones(4),
        "norm.running_mean": np.zeros(4),
        "norm.num_batches_tracked": np.array(3),
        "fc.weight": RANDOM.normal(size=(2, 4)),
        "fc.bias": RANDOM.normal(size=2),
    }


def statuses(before, after, expectation):
    table = coverage(before, after, expectation=expectation)
    return dict(zip(table["tensor"].to_pylist(), table["status"].to_pylist(), strict=True))


def test_weights_changed_skipped_and_what_should_not_have():
    before = parent()
    after = {name: array.copy() for name, array in before.items()}
    after["conv.weight"][0] = 0
    after["norm.weight"][1] = 0
    found = statuses(before, after, Expectation())
    assert found == {
        "conv.weight": "changed",
        "norm.weight": "unexpected",
        "norm.running_mean": "unchanged",
        "norm.num_batches_tracked": "unchanged",
        "fc.weight": "skipped",
        "fc.bias": "unchanged",
    }
    assert summary(coverage(before, after, expectation=Expectation())) == {
        "unchanged": 3,
        "changed": 1,
        "unexpected": 1,
        "skipped": 1,
    }


def test_the_numbers_of_a_row():
    before = {"w": np.array([[1.0, 2, 3, 4], [5, 6, 7, 0]])}
    after = {"w": np.array([[1.0, 0, 0, 4], [5, 5, 5, 0]])}
    (row,) = coverage(before, after, expectation=Expectation()).to_pylist()
    assert row["values"] == 8 and row["changed"] == 4 / 8 and row["largest_change"] == 3
    assert (row["zeros_before"], row["zeros_after"]) == (1 / 8, 3 / 8)
    assert (row["levels_before"], row["levels_after"]) == (4, 3)
    assert row["shape"] == "2×4" and row["type"] == "float64" and row["expected"] is True


def test_structure_that_changed():
    before = {"a": np.ones((2, 3), np.float32), "b": np.ones(2)}
    after = {"a": np.ones((2, 2), np.int8), "c": np.ones(1)}
    rows = {row["tensor"]: row for row in coverage(before, after, expectation=Expectation("everything")).to_pylist()}
    assert [rows[name]["status"] for name in "abc"] == ["resized", "removed", "added"]
    assert rows["a"]["shape"] == "2×3 → 2×2" and rows["a"]["type"] == "float32 → int8"
    assert rows["b"]["zeros_after"] is None and rows["c"]["changed"] is None


def test_the_same_nan_is_no_change():
    before = {"w": np.array([[np.nan, 1.0]])}
    assert statuses(before, {"w": before["w"].copy()}, Expectation()) == {"w": "skipped"}
    (row,) = coverage(before, {"w": np.array([[np.nan, np.nan]])}, expectation=Expectation()).to_pylist()
    assert row["changed"] == 0.5


@pytest.mark.parametrize(
    ("expectation", "expected"),
    [
        (Expectation(), {"conv.weight": True, "norm.weight": False, "norm.running_mean": False, "fc.bias": False}),
        (Expectation(targets=("fc",)), {"conv.weight": False, "fc.weight": True, "fc.bias": False}),
        (Expectation(targets=("fc.bias", "norm.weight")), {"fc.bias": True, "norm.weight": True, "fc.weight": False}),
        (Expectation(targets=("re:.*",)), {"conv.weight": True, "norm.weight": False, "fc.bias": False}),
        (Expectation(ignore=("conv",)), {"conv.weight": False, "fc.weight": True}),
        (Expectation(targets=("Linear",)), {"conv.weight": None, "fc.weight": None, "norm.weight": None}),
        (Expectation(ignore=("Linear",)), {"conv.weight": None, "norm.weight": False}),
        (Expectation("everything"), {"conv.weight": True, "norm.weight": True, "norm.num_batches_tracked": None}),
        (Expectation("everything", targets=("norm",)), {"norm.weight": True, "conv.weight": False}),
        (Expectation("statistics"), {"norm.running_mean": True, "conv.weight": False, "norm.weight": False}),
    ],
)
def test_what_is_expected(expectation, expected):
    rows = {row["tensor"]: row["expected"] for row in coverage(parent(), parent(), expectation=expectation).to_pylist()}
    assert {name: rows[name] for name in expected} == expected


def test_models_without_tensors():
    assert coverage({}, {}, expectation=Expectation()).num_rows == 0
    assert (
        coverage({"e": np.zeros((0, 3))}, {"e": np.zeros((0, 3))}, expectation=Expectation()).to_pylist()[0]["changed"]
        == 0
    )


def test_levels_of_a_large_tensor_are_those_of_its_first_rows(monkeypatch):
    array = np.array([[1.0, 1, 1], [1, 2, 1], [1, 2, 3], [0, 0, 0]])
    for counted, levels in ((2, 1), (3, 1), (5, 1), (6, 2), (8, 2), (9, 3), (100, 3)):
        monkeypatch.setattr(module, "_COUNTED", counted)
        (row,) = coverage({"w": array}, {"w": -array}, expectation=Expectation()).to_pylist()
        assert (row["levels_before"], row["levels_after"]) == (levels, levels)


def test_levels_of_vectors_scalars_and_nothing():
    before = {"v": np.array([3.0, 1, 3, 2]), "s": np.array(7.0), "e": np.zeros((0, 3)), "m": np.array([[1], [2], [2]])}
    rows = {row["tensor"]: row for row in coverage(before, before, expectation=Expectation()).to_pylist()}
    assert [rows[name]["levels_before"] for name in "vsem"] == [3, 1, None, 1]
    assert [rows[name]["shape"] for name in "vsem"] == ["4", "1", "0×3", "3×1"]
