"""Models that were made alike are one observation, and intervals hold what they promise."""

import math
import statistics

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.analysis.effects.effects import effects
from compress_compare.analysis.lineage import Graph
from compress_compare.records import MetricValue, Operation


def of(table, operation):
    (found,) = [
        row
        for row in table.to_pylist()
        if (row["operation"], row["parameter"], row["condition"]) == (operation, None, None)
    ]
    return found


def test_a_step_that_was_logged_twice_or_replicated_is_one_pair(tmp_path):
    def log(project, *, copies):
        project.log_model("net", operation=Operation("train"), metrics={"Accuracy": 0.9})
        for place, amount in enumerate((0.5, 0.75, 0.9)):
            for copy in range(copies):
                project.log_model(
                    f"p{amount}-{copy}",
                    base="net",
                    operation=Operation("prune", amount=amount),
                    metrics={"Accuracy": 0.8 - place / 10 + copy / 100},
                    replicate=f"seed {copy}",
                )
                project.log_model(f"q{amount}-{copy}", base=f"p{amount}-{copy}", operation=Operation("quantize"))
                project.log_metrics(f"q{amount}-{copy}", {"Accuracy": 0.7 - place / 10 + copy / 100})
        return project.effects("Accuracy")

    with cc.open(tmp_path / "one") as one, cc.open(tmp_path / "three") as three:
        once, thrice = log(one, copies=1), log(three, copies=3)
    for operation in ("prune", "quantize"):
        assert of(once, operation)["pairs"] == of(thrice, operation)["pairs"] > 0
    # the mean of 0.80, 0.81, 0.82 and so on is 0.01 above the first
    assert of(thrice, "prune")["mean"] == pytest.approx(of(once, "prune")["mean"] + 0.01)
    assert of(thrice, "quantize")["mean"] == pytest.approx(-0.1)
    assert {id.partition("-")[2] for pair in of(thrice, "prune")["models"] for id in pair} == {"", "0"}


def test_values_that_are_missing_or_not_finite_do_not_count_among_replicates():
    graph = Graph.from_models(
        [("net", None, None), *((f"r{i}", "net", Operation("prune")) for i in range(3)), ("x", "net", Operation("q"))]
    )
    values = np.ma.MaskedArray([1.0, 2.0, math.nan, 0.0, math.inf], mask=[False, False, False, True, False])
    table = effects(graph, {"m": values})
    assert (of(table, "prune")["mean"], of(table, "prune")["pairs"]) == (1, 1)
    assert (of(table, "q")["pairs"], of(table, "q")["non_finite"]) == (0, 1)


def test_the_mean_of_two_replicates_stands_for_both():
    graph = Graph.from_models([("net", None, None), *((f"r{i}", "net", Operation("prune")) for i in range(2))])
    values = np.ma.MaskedArray([1.0, 2.0, 3.0], mask=False)
    assert of(effects(graph, {"m": values}), "prune")["mean"] == 1.5


def quantized(*changes, start=0.9):
    """The effect of quantization on models of several seeds, of which each changes so."""
    models = [("net", None, None)]
    for i, _ in enumerate(changes):
        models += [(f"t{i}", "net", Operation("train", seed=i)), (f"q{i}", f"t{i}", Operation("quantize"))]
    graph = Graph.from_models(models)
    values = [start] + [value for change in changes for value in (start, start + change)]
    return of(effects(graph, {"m": np.ma.MaskedArray(values, mask=False)}), "quantize")


@pytest.mark.parametrize("start", [0.0, 1e200])
@pytest.mark.parametrize(
    ("changes", "skewed"),
    [
        ((-0.01, -0.02, -0.9), True),
        ((0, 0, 1), True),
        ((-0.79, -0.80, -0.82), False),
        ((-1, 0, 1), False),
        ((0.5, 0.5, 0.5), False),
        ((0.0, 0.9), False),
        ((0.4,), False),
        ((1, 2, 3, 4, 5, 6, 60), True),
    ],
)
def test_the_median_leads_where_few_pairs_pull_the_mean_away(changes, skewed, start):
    scale = max(start, 1.0)
    found = quantized(*(change * scale for change in changes), start=start)
    assert found["skewed"] is skewed
    if len(changes) > 2 and statistics.stdev(changes):
        apart = abs(statistics.mean(changes) - statistics.median(changes))
        assert (3 * apart / statistics.stdev(changes) > 1) is skewed
    assert found["median"] == pytest.approx(statistics.median(changes) * scale)


def test_three_pairs_far_from_zero_are_evidence_and_two_are_not():
    interval = quantized
    three = interval(-0.79, -0.80, -0.82)
    assert three["interval"] == "t interval, 95%"
    assert three["ci_low"] < -0.80 < three["ci_high"] < -0.75
    assert interval(-0.79, -0.80)["interval"] == "sign-flip test, 50%"
    assert interval(-0.8, -0.8, -0.8)["interval"] == "sign-flip test, 75%", "equal by rounding says nothing of a spread"


@pytest.mark.parametrize("pairs", [3, 5, 10, 30])
def test_a_95_percent_interval_covers_the_truth_so_often(pairs):
    """Of 2,000 simulated projects; three standard errors of the share are 1.5 points."""
    chance, times, truth = np.random.default_rng(pairs), 2_000, 0.3
    models = [("net", None, None)]
    for i in range(pairs):
        models += [(f"t{i}", "net", Operation("train", seed=[i])), (f"q{i}", f"t{i}", Operation("quantize"))]
    graph = Graph.from_models(models)
    metrics = {}
    for time in range(times):
        base = chance.normal(size=pairs)
        values = np.stack([base, base + truth + chance.normal(size=pairs)], axis=1).ravel()
        metrics[f"m{time}"] = np.ma.MaskedArray(np.concatenate([[0.0], values]), mask=False)
    table = effects(graph, metrics, listed=0)
    found = [row for row in table.to_pylist() if row["operation"] == "quantize" and row["condition"] is None]
    assert len(found) == times
    covered = np.mean([row["ci_low"] <= truth <= row["ci_high"] for row in found])
    assert 0.93 <= covered <= 0.97


def test_effects_are_of_one_way_of_measuring_and_say_how_many_examples_are_behind_them(tmp_path):
    with cc.open(tmp_path / "p") as project:
        for id, base, values in (
            ("net", None, [MetricValue(0.64, count=1172, dataset="arc"), MetricValue(0.7, count=100, dataset="piqa")]),
            ("q4", "net", [MetricValue(0.99, count=100, dataset="arc"), MetricValue(0.6, count=100, dataset="piqa")]),
        ):
            operation = Operation("train" if base is None else "quantize")
            project.log_model(id, base=base, operation=operation, metrics={"acc": values})
        rows = {row["metric"]: row for row in project.effects("acc").to_pylist()}
        assert {name: row["mean"] for name, row in rows.items()} == pytest.approx(
            {"acc (arc)": 0.35, "acc (piqa)": -0.1}
        )
        assert (rows["acc (arc)"]["least_count"], rows["acc (arc)"]["most_count"]) == (100, 1172)
        assert project.effects("acc (piqa)").num_rows == 1


def test_values_given_together_that_differ_in_their_counts_stand_side_by_side(tmp_path):
    with cc.open(tmp_path / "p") as project:
        given = [MetricValue(0.99, count=100), MetricValue(0.63, count=1172)]
        model = project.log_model("q4", metrics={"acc": given})
        assert [(one.value, one.protocol) for one in model.metrics["acc"]] == [
            (0.99, {"examples": 100}),
            (0.63, {"examples": 1172}),
        ]


@pytest.mark.parametrize("name", ["id", "base", "operation", "parameters", "step", "tags", "references"])
def test_a_metric_is_not_called_like_a_column_of_the_table_of_models(tmp_path, name):
    with cc.open(tmp_path / "p") as project:
        for define in (lambda: project.define_metric(name), lambda: project.log_model("a", metrics={name: 1})):
            with pytest.raises(cc.errors.InvalidValue, match=f"cannot be called '{name}'") as caught:
                define()
            assert caught.value.code == "metric.reserved"
        assert project.metrics() == []
        project.define_metric(name.upper())
