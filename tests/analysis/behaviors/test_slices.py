import numpy as np

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
