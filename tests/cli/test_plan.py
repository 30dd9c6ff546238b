"""Sensitivity and plans from the command line, on a project whose models a worker really makes and measures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

import compress_compare as cc
from compress_compare.cli.main import cli
from compress_compare.cli.plan import read_budget
from compress_compare.engines.local import LocalEngine
from compress_compare.engines.run import run_recipe
from compress_compare.errors import InvalidValue, NotFound
from compress_compare.plans.recommend import Budget
from compress_compare.recipes import Recipe
from compress_compare.records import TaskPath

TASKS = str(Path(__file__).parent.parent / "plans")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plan") / "points"
    cc.open(folder).close()
    recipe = Recipe(TaskPath("accuracy_task:task", {}, (TASKS,)), "net")
    assert not run_recipe(folder, recipe, engine=LocalEngine(1)).failed
    return folder


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_what_is_measured_is_kept_and_plans_come_from_it(path: Path) -> None:
    with pytest.raises(NotFound, match="not measured yet") as caught:
        run("plan", str(path), "net", "--budget", "4 bits")
    assert "compress-compare sensitivity" in caught.value.hint

    found = json.loads(run("sensitivity", str(path), "net", "--level", "quantize bits=8,2", "--json"))
    rows = found["layers"]
    assert found["metric"] == "Accuracy" and found["value"] > 0.8
    assert [(row["layer"], row["parameters"]["bits"]) for row in rows] == [
        ("0.weight", 8),
        ("0.weight", 2),
        ("2.weight", 8),
        ("2.weight", 2),
    ]
    assert all(row["count"] == 200 and row["ci_low"] <= row["change"] <= row["ci_high"] for row in rows)
    # other levels join those that are kept
    run("sensitivity", str(path), "net", "--level", "quantize bits=4")
    kept = json.loads(run("sensitivity", str(path), "net", "--kept", "--json"))
    assert len(kept["layers"]) == 6 and [row for row in kept["layers"] if row in rows] == rows
    text = run("sensitivity", str(path), "net", "--kept")
    assert "quantize bits=4" in text and "Accuracy of net is" in text

    plan = json.loads(run("plan", str(path), "net", "--budget", "7 bits", "--json"))
    assert plan["used"] <= 7 and plan["ci_low"] <= plan["predicted_value"] <= plan["ci_high"] <= 1
    recipe = yaml.safe_load(run("plan", str(path), "net", "--budget", "7 bits", "--to", "recipe"))
    assert recipe["base"] == "net" and "quantize" in recipe["steps"][0]


def test_a_plan_is_made_and_has_the_size_that_was_predicted(path: Path) -> None:
    if not json.loads(run("sensitivity", str(path), "net", "--level", "quantize bits=8", "--json"))["layers"]:
        pytest.fail("nothing was kept")
    plan = json.loads(run("plan", str(path), "net", "--budget", "12 bits", "--run", "--json"))
    with cc.open(path) as project:
        measured = project.model(plan["made"][-1]).metrics
    assert measured["Packed Size"][0].value == plan["predicted_packed_size"]


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("300 kB", Budget("bytes", 300_000)),
        ("4.5 bits", Budget("bits_per_weight", 4.5)),
        ("2 MMACs", Budget("macs", 2e6)),
        ("2000", Budget("bytes", 2000)),
        ("5 ms", Budget("latency", 0.005)),
    ],
)
def test_budgets_have_units(text: str, budget: Budget) -> None:
    found = read_budget(text)
    assert (found.kind, found.limit) == (budget.kind, pytest.approx(budget.limit))


def test_what_is_no_budget_is_refused() -> None:
    with pytest.raises(InvalidValue, match="is not a budget") as caught:
        read_budget("small")
    assert caught.value.code == "plan.budget"
