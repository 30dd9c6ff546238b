"""Experiment files of the research system."""

import json
import math
from pathlib import Path

import pytest

import compress_compare as cc
from compress_compare import errors, importers

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data" / "experiments"

GOOD = {
    "operations": [{"name": "train", "parameters": ["epochs"]}, {"name": "prune", "parameters": ["amount"]}],
    "metrics": [
        {"name": "Accuracy", "min": 0.0, "max": 1.0, "primary": True, "format": ".2%"},
        {"name": "Latency", "min": 0.0, "max": None, "unit": "ms"},
    ],
    "models": [
        {"id": "p50", "base": "cnn", "operation": {"name": "prune", "parameters": {"amount": 0.5}}, "tag": "Prune 0.5"}
        | {"metrics": {"Accuracy": 0.9, "Latency": 4}},
        {"id": "cnn", "base": None, "operation": {"name": "train", "parameters": {"epochs": 3}}, "tag": ""}
        | {"metrics": {"Accuracy": 0.95, "Latency": 5}},
    ],
}


def run(tmp_path, document):
    path = tmp_path / "models.json"
    path.write_text(json.dumps(document))
    project = cc.open(tmp_path / "project")
    report = importers.write(importers.load("compress-and-compare", path), project)
    return project, report


def with_models(*models):
    return GOOD | {"models": [*GOOD["models"], *models]}


def test_everything_comes_in_whatever_the_order(tmp_path):
    project, report = run(tmp_path, GOOD)
    assert (report.num_models, report.warnings) == (2, [])
    assert project.models().to_pylist() == [
        {"id": "cnn", "base": None, "operation": "train", "parameters": '{"epochs": 3}', "step": 0}
        | {"Accuracy": 0.95, "Latency": 5.0},
        {"id": "p50", "base": "cnn", "operation": "prune", "parameters": '{"amount": 0.5}', "step": 1}
        | {"Accuracy": 0.9, "Latency": 4.0},
    ]
    assert project.metrics()[0] == cc.Metric("Accuracy", format=".2%", primary=True, min=0, max=1)
    assert project.model("p50").tags == ("Prune 0.5",)


def test_importing_again_changes_nothing_and_keeps_a_better_definition(tmp_path):
    project, _ = run(tmp_path, GOOD)
    project.define_metric("Latency", unit="ms", higher_is_better=False)
    project, report = run(tmp_path, GOOD)
    assert (len(project), report.num_models) == (2, 2)
    assert project.metrics()[1].higher_is_better is False


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"id": "x", "base": "cnn", "operation": {"name": "melt", "parameters": {}}}, "'melt' is not declared"),
        (
            {"id": "x", "base": "cnn", "operation": {"name": "prune", "parameters": {"heat": 1}}},
            "undeclared parameters heat",
        ),
        ({"id": "x", "base": "gone", "operation": None}, "base 'gone' is missing; it becomes a root"),
        ({"id": "x", "base": "cnn", "metrics": {"Accuracy": None}}, "'Accuracy' is null"),
        ({"id": "x", "base": "cnn", "metrics": {"Accuracy": math.nan}}, "'Accuracy' is nan; it is kept"),
        ({"id": "x", "base": "cnn", "metrics": {"Accuracy": "93.5%"}}, "'Accuracy' is not a number ('93.5%')"),
    ],
)
def test_an_odd_entry_comes_in_with_a_warning_that_names_it(tmp_path, entry, told):
    project, report = run(tmp_path, with_models(entry))
    assert len(project) == 3
    (warning,) = report.warnings
    assert "'x'" in warning
    assert told in warning


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"id": "cnn", "base": None}, "'cnn': the id is used twice"),
        ({"id": "x", "base": "x"}, "'x': it is its own ancestor"),
        ({"id": "bad\nname", "base": None}, "U+000A at position 3"),
        ({"base": "cnn"}, "Entry 2 of 'models'"),
        ("a string", "Entry 2 of 'models'"),
        ({"id": "x", "operation": {"parameters": {}}}, "its operation has no name"),
        ({"id": "x", "operation": {"name": "prune", "parameters": [1]}}, "not an object"),
        ({"id": "x", "operation": {"name": "prune", "parameters": {"amount": math.nan}}}, "must be finite"),
        ({"id": "x", "metrics": [1]}, "metrics are not an object"),
    ],
)
def test_an_impossible_entry_is_left_out_with_a_warning_and_the_rest_comes_in(tmp_path, entry, told):
    project, report = run(tmp_path, with_models(entry))
    assert project.models()["id"].to_pylist() == ["cnn", "p50"]
    (warning,) = report.warnings
    assert told.lower() in warning.lower()


def test_a_cycle_is_left_out_and_what_hangs_on_it_becomes_a_root(tmp_path):
    cycle = [{"id": a, "base": b} for a, b in (("a", "c"), ("b", "a"), ("c", "b"), ("d", "c"), ("e", "d"))]
    project, report = run(tmp_path, with_models(*cycle))
    bases = dict(zip(*(project.models()[name].to_pylist() for name in ("id", "base")), strict=True))
    assert bases == {"cnn": None, "p50": "cnn", "d": None, "e": "d"}
    assert sum("its own ancestor" in warning for warning in report.warnings) == 3


def test_values_that_are_not_finite_are_kept_as_they_are(tmp_path):
    project, _ = run(tmp_path, with_models({"id": "x", "metrics": {"Latency": math.inf, "Accuracy": -math.inf}}))
    values = project.model("x").metrics
    assert (values["Latency"][0].value, values["Accuracy"][0].value) == (math.inf, -math.inf)


def test_a_conflict_with_the_project_leaves_it_as_it_was(tmp_path):
    project, _ = run(tmp_path, GOOD)
    changed = json.loads(json.dumps(GOOD))
    changed["models"].append({"id": "new", "base": None})
    changed["models"][0]["operation"]["parameters"]["amount"] = 0.1
    with pytest.raises(errors.Conflict, match="'p50'"):
        run(tmp_path, changed)
    assert len(project) == 2


def test_directions_can_be_said(tmp_path):
    path = tmp_path / "models.json"
    path.write_text(json.dumps(GOOD))
    imported = importers.load("compress-and-compare", path)
    importers.direct(imported, higher=["Accuracy"])
    assert [metric.higher_is_better for metric in imported.metrics] == [True, None]
    assert "'Latency'" in imported.warnings[0]
    assert "'Accuracy'" not in imported.warnings[0]
    with pytest.raises(errors.NotFound, match="'nope'"):
        importers.direct(imported, lower=["nope"])


@pytest.mark.parametrize("count", [5, 20])
def test_the_published_files_come_in_whole(tmp_path, count):
    path = SHARED / f"imagenet_resnet50_{count}.json"
    if not path.exists():
        pytest.skip("the shared experiment files are not on this machine")
    project = cc.open(tmp_path / "project")
    report = importers.write(importers.load("compress-and-compare", path), project)
    assert (report.num_models, len(project), report.warnings) == (count, count, [])
    rows = {row["id"]: row for row in project.models().to_pylist()}
    for model in json.loads(path.read_text())["models"]:
        row = rows[model["id"]]
        assert row["base"] == model["base"]
        assert json.loads(row["parameters"]) == model["operation"]["parameters"]
        assert {name: row[name] for name in model["metrics"]} == model["metrics"]
