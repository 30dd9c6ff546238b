import numpy as np
import pyarrow as pa
import pytest

from compress_compare.analysis.behaviors import grouping, metrics, pairs, slices
from compress_compare.analysis.behaviors.frame import Frame

from .frames import dataset, outputs


def found(model, labels, **metadata):
    ids = np.arange(len(labels))
    given = Frame(
        dataset(ids, labels=labels, metadata=metadata), {"base": outputs(ids, labels), "model": outputs(ids, model)}
    )
    metric = metrics.find(given, "correct", directions={})
    pair = pairs.pair(given, "model", name="correct", metric=metric)
    features = {name: grouping.feature(given, name) for name in grouping.groupable(given)}
    return slices.find(pair, {name: one for name, one in features.items() if one is not None}).to_pylist()


def made_up(seed, count=4000):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 6, count)
    metadata = {
        "light": np.array(["day", "night"])[random.integers(0, 2, count)],
        "camera": np.array(["a", "b", "c"])[random.integers(0, 3, count)],
        "size": random.normal(size=count),
    }
    return random, labels, metadata


def test_a_planted_slice_of_two_conditions_is_found_first():
    random, labels, metadata = made_up(7)
    there = (metadata["light"] == "night") & (metadata["camera"] == "c")
    lost = random.random(4000) < np.where(there, 0.35, 0.03)
    first = found(np.where(lost, (labels + 1) % 6, labels), labels, **metadata)[0]
    assert sorted(zip(first["columns"], first["values"], strict=True)) == [("camera", "c"), ("light", "night")]
    assert first["count"] == there.sum()
    assert np.isclose(first["difference"], -lost[there].mean())
    assert first["p_adjusted"] < 1e-6
    assert first["tried"] > 50


def test_a_planted_slice_of_one_condition_needs_no_second():
    random, labels, metadata = made_up(8)
    lost = random.random(4000) < np.where(labels == 2, 0.4, 0.02)
    rows = found(np.where(lost, (labels + 1) % 6, labels), labels, **metadata)
    assert ["label"] in [row["columns"] for row in rows]
    assert all({"label", "prediction"} & set(row["columns"]) for row in rows[:3])


def test_slices_that_share_most_of_their_instances_are_one_finding():
    labels = np.arange(600) % 5
    first, nearly, other = (np.arange(600) < count for count in (300, 290, 150))
    model = np.where((labels == 3) & first, 4, labels)
    rows = found(model, labels, first=first, nearly=nearly, other=other)
    same = {row["slice"]: row["same_as"] for row in rows}
    assert same["label 3, first"] is None
    assert {one for one, of in same.items() if of == "label 3, first"} == {
        "label 3, nearly",
        "base predicts 3, first",
        "base predicts 3, nearly",
    }
    assert same["label 3"] is None  # twice as many instances


def test_false_discoveries_are_rare():
    alarms = 0
    for seed in range(40):
        random, labels, metadata = made_up(seed, 1000)
        lost = random.random(1000) < 0.08
        alarms += bool(found(np.where(lost, (labels + 1) % 6, labels), labels, **metadata))
    assert alarms <= 4


def test_nothing_changed_is_no_slice():
    _, labels, metadata = made_up(9, 100)
    assert found(labels, labels, **metadata) == []


def changed(change, support=10, **features):
    """Slices of instances whose metric changed by these numbers, NaN where it is not known."""
    change = np.asarray(change, float)
    pair = pairs.PairedValues("m", np.zeros(len(change)), change, np.ones(len(change), bool), None, False)
    groups = {name: grouping.by_values(pa.chunked_array([pa.array(values)])) for name, values in features.items()}
    return slices.find(pair, groups, support=support)


def test_a_slice_of_one_condition_by_hand():
    change, kind = [-1.0] * 10 + [0.0] * 90, ["x"] * 10 + ["y"] * 90
    row, rest = changed(change, kind=kind).to_pylist()
    expected = {"model": "m", "slice": "kind x", "columns": ["kind"], "values": ["x"], "count": 10, "difference": -1}
    assert {name: row[name] for name in expected} == expected
    assert (row["tried"], row["same_as"], row["excess"]) == (2, None, -0.9)
    # twice the Chernoff bound: all of ten instances have what a tenth has
    assert row["p"] == pytest.approx(2 * 0.1**10, rel=0.01)
    assert row["p_adjusted"] == pytest.approx(2 * row["p"])
    # none of ninety has it, though nine tenths have not
    assert (rest["slice"], rest["excess"], rest["same_as"]) == ("kind y", pytest.approx(0.1), None)
    assert rest["p"] == rest["p_adjusted"] == pytest.approx(2 * 0.9**90, rel=0.01)


@pytest.mark.parametrize(("support", "tried"), [(1, 7), (9, 6), (10, 4), (90, 3), (91, 1), (92, 0)])
def test_a_slice_has_as_many_instances_as_are_asked_for(support, tried):
    # x 10, y 90, a 9, none 91; x and a 9, x and none 1, y and none 90
    kind, other = ["x"] * 10 + ["y"] * 90, ["a"] * 9 + [None] * 91
    found = changed([-1.0] * 10 + [0.0] * 90, support=support, kind=kind, other=other)
    assert found["tried"].to_pylist() == [tried] * len(found) and (len(found) > 0) == (tried > 0)
    assert all(count >= support for count in found["count"].to_pylist())


def test_what_is_in_all_instances_or_not_known_is_no_slice():
    change = [-1.0] * 10 + [0.0] * 90 + [np.nan] * 5 + [np.inf]
    kind = ["x"] * 10 + ["y"] * 90 + ["x"] * 6
    found = changed(change, kind=kind, always=[1] * 106)
    # "x", "y" and both with "always", which changed no more than they alone
    rows = found.select(["slice", "count", "tried"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [("kind x", 10, 4), ("kind y", 90, 4)]
    assert changed([np.nan] * 20, kind=["x", "y"] * 10).num_rows == 0
    assert changed([0.0, 1.0]).num_rows == 0


def test_slices_that_became_better_are_found_too_and_are_another_finding():
    change = [2.0] * 20 + [-1.0] * 20 + [0.0] * 160
    kind = ["up"] * 20 + ["down"] * 20 + ["rest"] * 160
    same = ["u"] * 20 + ["d"] * 20 + ["r"] * 160
    rows = changed(change, kind=kind, same=same).to_pylist()
    assert [(row["slice"], row["difference"], row["same_as"]) for row in rows] == [
        *(("kind up", 2, None), ("same u", 2, "kind up"), ("kind down", -1, None), ("same d", -1, "kind down"))
    ]
    assert [row["excess"] for row in rows] == pytest.approx([1.9, 1.9, -1.1, -1.1])


@pytest.mark.parametrize(("shared", "is_one"), [(14, True), (13, False)])
def test_slices_are_one_finding_if_they_share_more_than_half(shared, is_one):
    """Two of twenty instances each: 14 shared of 26 are more than half, 13 of 27 are not."""
    first = np.arange(200) < 20
    second = (np.arange(200) >= 20 - shared) & (np.arange(200) < 40 - shared)
    change = np.where(first | second, -1.0, 0.0)
    change[0] = -3  # the first changed more
    rows = {row["slice"]: row["same_as"] for row in changed(change, first=first, second=second).to_pylist()}
    assert rows["first"] is None
    assert rows["second"] == ("first" if is_one else None)


@pytest.mark.parametrize(("values", "has_pairs"), [(60, True), (61, False)])
def test_features_of_many_values_make_no_pairs(values, has_pairs):
    count = 20 * values
    many, half = [f"v{row % values:03}" for row in range(count)], ["ab"[row // values % 2] for row in range(count)]
    change = [-1.0 if kind == "v000" and other == "a" else 0.0 for kind, other in zip(many, half, strict=True)]
    first = changed(change, many=many, half=half).to_pylist()[0]
    assert first["slice"] == ("many v000, half a" if has_pairs else "many v000")
    assert first["tried"] == values + 2 + (2 * values if has_pairs else 0)


@pytest.mark.parametrize(("count", "is_found"), [(10, True), (9, False)])
def test_without_a_word_a_slice_has_at_least_ten_instances(count, is_found):
    change, kind = [-1.0] * count + [0.0] * 90, ["x"] * count + ["y"] * 90
    rows = found([int(each) for each in change], [0] * len(change), kind=kind)
    assert ("kind x" in [row["slice"] for row in rows]) is is_found
