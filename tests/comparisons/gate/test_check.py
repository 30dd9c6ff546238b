"""What a gate says of models whose numbers are known, and that it never passes what it cannot know."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import InvalidValue, NotFound
from compress_compare.evaluation import metrics

COUNT = 1000


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[cc.Project]:
    """A base that gets 950 of 1,000 right, and models that lose some of these."""
    with cc.open(tmp_path_factory.mktemp("gate") / "project") as opened:
        for metric in (metrics.TOP1_ACCURACY, metrics.PACKED_SIZE, metrics.LATENCY):
            opened.define_metric(**asdict(metric))
        opened.define_metric("Loss", higher_is_better=False)
        opened.define_metric("Undirected")
        ids, labels = list(range(COUNT)), [place % 4 for place in range(COUNT)]
        opened.log_dataset("test", ids=ids, labels=labels, metadata={"light": ["day", "night"] * (COUNT // 2)})
        opened.log_dataset("other", ids=ids[:100], labels=labels[:100])
        for id, lost in {"cnn": 0, "good": 5, "bad": 100, "near": 18}.items():
            wrong = set(range(50)) | set(range(100, 100 + lost))
            log(opened, id, labels, wrong=wrong, size=8000 if id == "cnn" else 3500)
        yield opened


def log(project: cc.Project, id: str, labels: list[int], *, wrong: set[int], size: int) -> None:
    predictions = [(label + 1) % 4 if place in wrong else label for place, label in enumerate(labels)]
    values = {"Top-1 Accuracy": 1 - len(wrong) / COUNT, "Packed Size": size}
    project.log_model(id, base=None if id == "cnn" else "cnn", operation=cc.Operation("prune"), metrics=values)
    project.log_outputs(id, "test", ids=list(range(COUNT)), predictions=predictions)


def check(project: cc.Project, model: str, rule: dict[str, Any], **more: Any) -> Any:
    (found,) = project.gate(model, rules=[rule], **more).checks
    return found


ACCURACY = {"metric": "Top-1 Accuracy", "max_drop": 0.02}


@pytest.mark.parametrize(("model", "outcome"), [("good", "pass"), ("bad", "fail"), ("near", "undecided")])
def test_a_drop_is_a_test_of_non_inferiority(project: cc.Project, model: str, outcome: str) -> None:
    found = check(project, model, ACCURACY)
    assert found.outcome == outcome
    assert found.estimate.value == pytest.approx({"good": 0.005, "bad": 0.1, "near": 0.018}[model])
    assert found.estimate.method == "Newcombe paired score, 95%"
    assert (found.reason == "") == (outcome != "undecided")


@pytest.mark.parametrize(
    ("limit", "outcome"), [("4 kB", "pass"), (3500, "pass"), ("3 kB", "fail"), ("3.4 KiB", "fail"), ("3.5 KiB", "pass")]
)
def test_a_size(project: cc.Project, limit: str | int, outcome: str) -> None:
    found = check(project, "good", {"metric": "Packed Size", "max": limit})
    assert (found.outcome, found.shown) == (outcome, "3.5 kB")


def test_a_size_against_the_base(project: cc.Project) -> None:
    assert check(project, "good", {"metric": "Packed Size", "max_ratio": 0.5}).outcome == "pass"
    assert check(project, "good", {"metric": "Packed Size", "max_ratio": 0.4}).outcome == "fail"
    assert check(project, "good", {"size": {"max": "4 kB"}}).outcome == "pass"
    assert check(project, "good", {"size": {"max_ratio": 0.4375}}).outcome == "pass"
    assert check(project, "good", {"size": {"max": "4 kB", "kind": "stored"}}).outcome == "undecided"


@pytest.mark.parametrize(("model", "outcome"), [("good", "pass"), ("bad", "fail"), ("near", "undecided")])
def test_right_to_wrong(project: cc.Project, model: str, outcome: str) -> None:
    found = check(project, model, {"right_to_wrong": {"max_rate": 0.02}})
    assert found.outcome == outcome
    assert (found.estimate.count, found.estimate.value) == (COUNT, {"good": 0.005, "bad": 0.1, "near": 0.018}[model])


def test_classes_and_slices(project: cc.Project) -> None:
    found = check(project, "good", {"classes": {"max_drop": 0.05}})
    assert (found.outcome, found.reason) == ("pass", "All 4 passed.")
    assert [row["count"] for row in found.details] == [250] * 4
    assert check(project, "bad", {"classes": {"max_drop": 0.02}}).outcome == "fail"
    assert check(project, "near", {"classes": {"max_drop": 0.02}}).outcome == "undecided"
    found = check(project, "bad", {"slices": {"max_drop": 0.02, "by": "light"}})
    assert (found.outcome, found.reason) == ("fail", "failed: day, night, of 2.")
    assert check(project, "bad", {"slices": {"max_drop": 0.02, "by": "nothing"}}).outcome == "undecided"


def test_a_floor_takes_the_interval_from_the_outputs(project: cc.Project) -> None:
    found = check(project, "good", {"metric": "Top-1 Accuracy", "min": "92 %"})
    assert (found.outcome, found.estimate.method) == ("pass", "Wilson score, 95%")
    assert check(project, "good", {"metric": "Top-1 Accuracy", "min": 0.94}).outcome == "undecided"
    assert check(project, "good", {"metric": "Top-1 Accuracy", "min": 0.94, "exact": True}).outcome == "pass"
    assert check(project, "good", {"metric": "Top-1 Accuracy", "min": 0.97}).outcome == "fail"


def test_more_confidence_needs_more_data(project: cc.Project) -> None:
    rule = {"metric": "Top-1 Accuracy", "max_drop": 0.0125}
    assert project.gate("good", rules={"rules": [rule], "confidence": 0.95}).outcome == "pass"
    assert project.gate("good", rules={"rules": [rule], "confidence": 0.999}).outcome == "undecided"


# Never passed


@pytest.mark.parametrize(
    ("id", "before", "after", "said"),
    [
        ("no-value", cc.MetricValue(1.0, count=9, standard_error=0.1), None, "has no value"),
        ("no-interval", cc.MetricValue(1.0), cc.MetricValue(1.0), "has no interval"),
        (
            "one-number",
            cc.MetricValue(1.0, count=71, standard_error=0.0),
            cc.MetricValue(1.0, count=71, standard_error=0.0),
            "has no interval",
        ),
        ("nan", cc.MetricValue(1.0, count=9, standard_error=0.1), cc.MetricValue(math.nan), "nan"),
        (
            "subset",
            cc.MetricValue(1.0, count=1172, standard_error=0.001),
            cc.MetricValue(1.0, count=749, standard_error=0.001),
            "1,172 and 749 instances",
        ),
        (
            "device",
            cc.MetricValue(1.0, device="a", count=9, standard_error=0.001),
            cc.MetricValue(1.0, device="b", count=9, standard_error=0.001),
            "unlike conditions: a against b",
        ),
        (
            "data",
            cc.MetricValue(1.0, dataset="a", count=9, standard_error=0.001),
            cc.MetricValue(1.0, dataset="b", count=9, standard_error=0.001),
            "unlike conditions: dataset a against dataset b",
        ),
        (
            "protocol",
            cc.MetricValue(1.0, protocol={"limit": 100}, count=9, standard_error=0.001),
            cc.MetricValue(1.0, protocol={"limit": 99}, count=9, standard_error=0.001),
            'unlike conditions: {"limit":100} against {"limit":99}',
        ),
    ],
)
def test_values_that_cannot_be_compared(tmp_path: Path, id: str, before: Any, after: Any, said: str) -> None:
    with cc.open(tmp_path / "project") as opened:
        opened.define_metric("Loss", higher_is_better=False)
        opened.log_model("base", metrics={"Loss": before})
        opened.log_model(id, base="base", operation=cc.Operation("prune"), metrics={"Loss": after} if after else {})
        found = check(opened, id, {"metric": "Loss", "max_drop": 1000})
        assert found.outcome == "undecided"
        assert said in found.reason


def outputs(project: cc.Project, id: str, dataset: str, count: int, **more: Any) -> None:
    project.log_outputs(id, dataset, ids=list(range(count)), predictions=[place % 4 for place in range(count)], **more)


@pytest.mark.parametrize("case", ["stale", "another dataset", "another subset", "ambiguous", "not finite", "protocol"])
def test_outputs_that_cannot_be_compared(tmp_path: Path, case: str) -> None:
    labels = [place % 4 for place in range(COUNT)]
    rule: dict[str, Any] = {"metric": "Top-1 Accuracy", "max_drop": 0.9}
    with cc.open(tmp_path / "project") as opened:
        opened.define_metric(**asdict(metrics.TOP1_ACCURACY))
        opened.define_metric("Score", higher_is_better=True)
        opened.log_dataset("a", ids=list(range(COUNT)), labels=labels)
        opened.log_dataset("b", ids=list(range(500)), labels=labels[:500])
        stated = 0.7 if case == "stale" else 1.0
        protocols = [{"shots": shots} if case == "protocol" else None for shots in (0, 5)]
        opened.log_model("base", metrics={"Top-1 Accuracy": cc.MetricValue(1.0, count=COUNT, protocol=protocols[0])})
        value = cc.MetricValue(stated, count=COUNT, protocol=protocols[1])
        opened.log_model("m", base="base", metrics={"Top-1 Accuracy": value})
        scores = {"metrics": {"Score": [1.0] * (COUNT - 1) + [math.nan]}} if case == "not finite" else {}
        outputs(opened, "base", "a", COUNT, **({"metrics": {"Score": [1.0] * COUNT}} if scores else {}))
        if case == "another dataset":
            outputs(opened, "m", "b", 500)
        else:
            outputs(opened, "m", "a", 749 if case == "another subset" else COUNT, **scores)
        if case == "ambiguous":
            outputs(opened, "base", "b", 500)
            outputs(opened, "m", "b", 500)
        if case == "not finite":
            rule = {"metric": "Score", "max_drop": 0.9}
        found = check(opened, "m", rule)
        said = {
            "stale": "stale",
            "another dataset": "no outputs on the same data",
            "another subset": "1,000 and 'm' 749, not the same ones",
            "ambiguous": "Name the dataset",
            "not finite": "not finite",
            "protocol": "unlike protocols",
        }
        assert (found.outcome, said[case] in found.reason) == ("undecided", True), found.reason
        if case == "ambiguous":
            assert check(opened, "m", {**rule, "dataset": "a"}).outcome == "pass"


def test_values_that_name_their_data_choose_the_outputs(tmp_path: Path) -> None:
    labels = [place % 4 for place in range(COUNT)]
    rule: dict[str, Any] = {"metric": "Top-1 Accuracy", "max_drop": 0.9}
    with cc.open(tmp_path / "project") as opened:
        opened.define_metric(**asdict(metrics.TOP1_ACCURACY))
        for id in ("base", "m"):
            value = cc.MetricValue(1.0, dataset="a")
            opened.log_model(id, base=None if id == "base" else "base", metrics={"Top-1 Accuracy": value})
            for data, count in (("a", COUNT), ("b", 500)):
                opened.log_dataset(data, ids=list(range(count)), labels=labels[:count])
                outputs(opened, id, data, count)
        found = check(opened, "m", rule)
        assert (found.outcome, found.estimate.count) == ("pass", COUNT)
        assert check(opened, "m", {**rule, "dataset": "b"}).estimate.count == 500


def test_nothing_measured_is_undecided(project: cc.Project) -> None:
    for rule in (
        {"latency": {"max": "5 ms"}},
        {"bits": {"max": 4}},
        {"coverage": "complete"},
        {"reality": "agrees"},
        {"right_to_wrong": {"max_rate": 0.1, "dataset": "other"}},
        {"metric": "Peak Memory", "max": "1 GB"},
    ):
        found = check(project, "good", rule)
        assert (found.outcome, bool(found.reason)) == ("undecided", True), rule


# Weights


def test_coverage_bits_and_claims_of_weights(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    weights = {f"layer{place}.weight": random.normal(size=(8, 16)).astype(np.float32) for place in range(2)}
    halved = {name: np.where(np.abs(array) < 0.67, 0, array).astype(np.float32) for name, array in weights.items()}
    skipped = {**halved, "layer1.weight": weights["layer1.weight"]}
    with cc.open(tmp_path / "project") as opened:
        opened.log_model("base", checkpoint=weights)
        prune = cc.Operation("magnitude prune", amount=0.5)
        opened.log_model("pruned", base="base", operation=prune, checkpoint=halved)
        opened.log_model("skipped", base="base", operation=prune, checkpoint=skipped)
        opened.log_model("beside", checkpoint=halved)
        assert check(opened, "pruned", {"coverage": "complete"}).outcome == "pass"
        found = check(opened, "skipped", {"coverage": "complete"})
        assert (found.outcome, found.shown, found.reason) == ("fail", "1 of 2 tensors", "skipped: layer1.weight")
        assert check(opened, "skipped", {"coverage": {"min": 0.5}}).outcome == "pass"
        assert check(opened, "pruned", {"coverage": "complete"}, base="beside").outcome == "undecided"
        assert check(opened, "pruned", {"bits": {"max": 32}}).outcome == "pass"
        assert check(opened, "pruned", {"bits": {"max": 8}}).outcome == "fail"
        assert check(opened, "pruned", {"size": {"max": "2 kB", "kind": "stored"}}).outcome == "pass"
        assert check(opened, "skipped", {"reality": "agrees"}).outcome == "fail"


# What is wrong is refused before anything is judged


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"metric": "Top-1 Acuracy", "max_drop": 0.1}, "metric.unknown"),
        ({"metric": "Undirected", "max_drop": 0.1}, "metric.direction_unknown"),
        ({"metric": "Packed Size", "max": "4 ms"}, "value.quantity"),
        ({"metric": "Top-1 Accuracy", "max_drop": -0.1}, "config.value"),
        # what could never fail, or never pass
        ({"metric": "Top-1 Accuracy", "max_drop": 2}, "config.value"),
        ({"metric": "Top-1 Accuracy", "min": 97.5}, "config.value"),
        ({"metric": "Packed Size", "max": -1}, "config.value"),
        ({"right_to_wrong": {"max_rate": 3}}, "config.value"),
        ({"classes": {"max_drop": 5}}, "config.value"),
        ({"slices": {"max_drop": 5, "by": ["light"]}}, "config.value"),
        ({"coverage": {"min": -2}}, "config.value"),
        ({"coverage": {"min": 2}}, "config.value"),
    ],
)
def test_bad_rules(project: cc.Project, rule: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        project.gate("good", rules=[rule])
    assert caught.value.code == code
    assert "rules[0]" in caught.value.detail


def test_a_bound_in_per_cent_of_a_fraction_is_said(project: cc.Project) -> None:
    for rule in ({"metric": "Top-1 Accuracy", "max_drop": 2}, {"right_to_wrong": {"max_rate": 2}}):
        with pytest.raises(InvalidValue) as caught:
            project.gate("good", rules=[rule])
        assert caught.value.hint == "Did you mean 0.02?"
    for rule in (ACCURACY, {"metric": "Top-1 Accuracy", "max_drop": "2%"}, {"metric": "Top-1 Accuracy", "max_drop": 1}):
        assert check(project, "good", rule).outcome == "pass"


def test_bad_models_and_datasets(project: cc.Project) -> None:
    with pytest.raises(NotFound, match="There is no model"):
        project.gate("nothing", rules=[ACCURACY])
    with pytest.raises(NotFound, match="There is no dataset"):
        project.gate("good", rules=[{**ACCURACY, "dataset": "nothing"}])
    for arguments in ({}, {"base": "cnn"}):
        with pytest.raises(InvalidValue) as caught:
            project.gate("cnn", rules=[ACCURACY], **arguments)
        assert caught.value.code == "gate.base"


# Reports


def test_the_reports(project: cc.Project) -> None:
    report = project.gate("near", rules=[ACCURACY, {"metric": "Packed Size", "max": "3 kB"}, {"bits": {"max": 4}}])
    assert (report.outcome, report.passed) == ("fail", False)
    assert report.table["outcome"].to_pylist() == ["undecided", "fail", "undecided"]
    suite = ElementTree.fromstring(report.junit())
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3",
        "failures": "1",
        "errors": "2",
        "skipped": "0",
    }
    assert ElementTree.fromstring(report.junit(undecided="fail")).get("failures") == "3"
    assert ElementTree.fromstring(report.junit(undecided="pass")).get("skipped") == "2"
    assert "| Packed Size: max 3 kB | 3.5 kB | fail |" in report.markdown()
    assert report.markdown().count("\n| ") == 4


def test_names_do_not_break_the_reports(tmp_path: Path) -> None:
    with cc.open(tmp_path / "project") as opened:
        opened.log_model("base")
        opened.log_model("a|b<script>", base="base")
        report = opened.gate("a|b<script>", rules=[{"bits": {"max": 4}, "name": "a | <b> & \u0007"}])
        assert ElementTree.fromstring(report.junit())[0].get("name") == "a | <b> &  "
        assert "a\\|b&lt;script>" in report.markdown()
        assert "\n| a \\| &lt;b> &" in report.markdown()
