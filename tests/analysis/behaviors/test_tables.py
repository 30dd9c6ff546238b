import numpy as np
import pytest
from scipy import stats

from compress_compare.analysis.behaviors import grouping, metrics, pairs, tables
from compress_compare.analysis.behaviors.frame import Frame

from .frames import classified, dataset, frame, outputs


def all_pairs(given, name):
    metric = metrics.find(given, name, directions={})
    return [pairs.pair(given, model, name=name, metric=metric) for model in given.models]


def test_a_class_that_lost_more_than_the_others_is_hurt():
    labels = np.repeat(np.arange(5), 200)
    model = labels.copy()
    model[:120] = 1  # class 0 loses 60%
    model[200::20] = (model[200::20] + 1) % 5  # the others 5%
    ids = np.arange(1000)
    given = Frame(dataset(ids, labels=labels), {"base": outputs(ids, labels), "model": outputs(ids, model)})
    by = grouping.grouping(given, [])
    table = tables.groups(all_pairs(given, "correct"), "correct", by=by, higher_is_better=True).to_pylist()
    assert [row["hurt"] for row in table] == [True, False, False, False, False]
    assert table[0]["difference"] == pytest.approx(-0.6)
    assert table[0]["excess"] == pytest.approx(-0.6 + (120 + 40) / 1000)
    assert table[0]["excess_p"] < 1e-20
    unknown = tables.groups(all_pairs(given, "correct"), "correct", by=by, higher_is_better=None)
    assert unknown["hurt"].null_count == 5


def test_chance_alone_hurts_hardly_any_class():
    random = np.random.default_rng(5)
    labels = random.integers(0, 20, 2000)
    alarms = 0
    for _ in range(50):
        lost = random.random(2000) < 0.05
        model = np.where(lost, (labels + 1) % 20, labels)
        ids = np.arange(2000)
        given = Frame(dataset(ids, labels=labels), {"b": outputs(ids, labels), "m": outputs(ids, model)})
        by = grouping.grouping(given, [])
        table = tables.groups(all_pairs(given, "correct"), "correct", by=by, higher_is_better=True)
        alarms += any(table["hurt"].to_pylist())
    assert alarms <= 5


def test_every_two_models_against_scipy():
    labels, probabilities = classified(count=300, models=3)
    given = frame(labels, probabilities)
    rows = tables.every_pair({m: pairs.changes(given, m) for m in given.outputs}).to_pylist()
    assert [(row["first"], row["second"]) for row in rows][:3] == [("m0", "m1"), ("m0", "m2"), ("m0", "m3")]
    right = {f"m{i}": one.argmax(1) == labels for i, one in enumerate(probabilities)}
    for row in rows:
        first, second = right[row["first"]], right[row["second"]]
        lost, won = (first & ~second).sum(), (~first & second).sum()
        assert (row["first_only"], row["second_only"]) == (lost, won)
        assert row["mcnemar_p"] == pytest.approx(stats.binomtest(int(lost), int(lost + won)).pvalue)
        assert row["tie"] == (row["mcnemar_p_adjusted"] > 0.05)
        assert row["difference"] == pytest.approx(second.mean() - first.mean())
        assert (row["count"], row["first_value"], row["second_value"]) == (300, first.mean(), second.mean())
        assert row["ci_low"] <= row["difference"] <= row["ci_high"]
        spread = np.std(second.astype(int) - first.astype(int)) / np.sqrt(300)
        low, high = (row["difference"] + z * spread for z in (-1.96, 1.96))
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high), abs=0.01)
        assert (row["bootstrap_low"], row["bootstrap_high"]) == pytest.approx((low, high), abs=0.01)


def test_two_models_without_a_common_instance_have_no_difference():
    labels, probabilities = classified(count=4, models=1)
    given = frame(labels, probabilities, orders=[np.array([0, 1]), np.array([2, 3])])
    (row,) = tables.every_pair({m: pairs.changes(given, m) for m in given.outputs}).to_pylist()
    assert row["count"] == 0
    for name in ("first_value", "second_value", "difference", "ci_low", "ci_high", "bootstrap_low", "bootstrap_high"):
        assert row[name] is None, name


def test_a_summary_has_a_row_for_each_model():
    labels, given = classified(5)
    rows = np.arange(60)
    made = frame(labels, given, orders=[rows[:55], rows, rows[3:]])
    definition = metrics.find(made, "correct", directions={})
    compared = [pairs.pair(made, model, name="correct", metric=definition) for model in ("m1", "m2")]
    found = tables.summary(compared, "correct", present={"m0": 55, "m1": 60, "m2": 57}, num_instances=60).to_pylist()
    assert [row["model"] for row in found] == ["m1", "m2"]
    for row, model, both in zip(found, (1, 2), (rows[:55], rows[3:55]), strict=True):
        right = [given[which][both].argmax(1) == labels[both] for which in (0, model)]
        assert row["count"] == row["compared"] == len(both)
        assert row["difference"] == pytest.approx(right[1].mean() - right[0].mean())
        assert (row["right_to_wrong"], row["wrong_to_right"]) == (
            (right[0] & ~right[1]).sum(),
            (~right[0] & right[1]).sum(),
        )
        assert (row["missing"], row["base_missing"], row["nonfinite"]) == ([0, 3][model - 1], 5, 0)
    first, second = sorted(row["mcnemar_p"] for row in found)
    assert sorted(row["mcnemar_p_adjusted"] for row in found) == pytest.approx(
        [min(2 * first, 1), max(2 * first, second)]
    )


def test_of_one_common_instance_there_are_shares_and_no_draws():
    labels, probabilities = classified(count=4, models=1)
    given = frame(labels, probabilities, orders=[np.array([0, 1]), np.array([1, 2])])
    (row,) = tables.every_pair({m: pairs.changes(given, m) for m in given.outputs}).to_pylist()
    right = [one[1].argmax() == labels[1] for one in probabilities]
    assert (row["count"], row["first_value"], row["second_value"]) == (1, *right)
    assert row["bootstrap_low"] is None and row["bootstrap_high"] is None
    assert row["ci_low"] <= row["difference"] <= row["ci_high"]
