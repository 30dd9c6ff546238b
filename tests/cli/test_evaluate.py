"""What a task gained is measured of the models that are there, once, and nothing that was measured before changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import compress_compare as cc
from compress_compare.cli.main import cli
from compress_compare.engines import measuring
from compress_compare.engines.local import LocalEngine
from compress_compare.engines.queue import Queue
from compress_compare.errors import Conflict, InvalidValue

TASK = """
import torch
from torch import nn

from compress_compare.recipes import Data, Task
from compress_compare.records import Metric


def task() -> Task:
    def create():
        torch.manual_seed(0)
        return nn.Linear(4, 2)

    def measure(model):
        return {{"Zeros": int((model.weight == 0).sum()){more}}}

    def answer(model):
        return {{"predictions": [int(model(row).argmax()) for row in torch.eye(4)]}}

    data = Data("points", {{"ids": [0, 1, 2, 3], "labels": [0, 1, 0, 1]}}, answer)
    return Task(create, measure, [Metric("Zeros"){metrics}]{data})
"""
RECIPE = "task: gained_task:task\nbase: {id: net}\nsteps:\n  - magnitude prune: {amount: [0.25, 0.5]}\n"


def ran(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(cli, [*arguments], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project of three models, whose task has gained a metric and data since."""
    task, project = tmp_path / "gained_task.py", tmp_path / "p"
    task.write_text(TASK.format(more="", metrics="", data=""))
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    with cc.open(project) as opened:
        import torch

        torch.manual_seed(0)
        opened.log_model("net", operation=cc.Operation("train"), checkpoint=torch.nn.Linear(4, 2))
    ran("run", str(tmp_path / "recipe.yaml"), "--project", str(project))
    gained = {"more": ', "Weights": model.weight.numel()', "metrics": ', Metric("Weights")', "data": ", data=data"}
    task.write_text(TASK.format(**gained))
    return project


def values(project: Path, name: str) -> list[float | None]:
    with cc.open(project) as opened:
        models = [opened.model(id) for id in sorted(opened.models()["id"].to_pylist())]
    return [one.metrics[name][0].value if name in one.metrics else None for one in models]


def test_what_a_task_gained_is_measured_of_all_models_once(folder: Path) -> None:
    assert values(folder, "Zeros") == [None, 2, 4]
    (job,) = json.loads(ran("evaluate", str(folder), "--json").stdout)["jobs"]
    assert (job["state"], job["message"]) == ("done", "evaluated 3 of 3 models")
    assert values(folder, "Zeros") == [0, 2, 4]
    assert values(folder, "Weights") == [8, 8, 8]
    with cc.open(folder) as opened:
        assert {id: opened.model(id).datasets for id in opened.answered("points")} == dict.fromkeys(
            opened.models()["id"].to_pylist(), ("points",)
        )
        changes = opened.history()
    assert ran("evaluate", str(folder)).stdout == "done: all was known\n"
    with cc.open(folder) as opened:
        assert opened.history() == changes


def test_one_metric_of_one_model(folder: Path) -> None:
    ran("evaluate", str(folder), "--models", "net", "--metrics", "Weights")
    assert values(folder, "Weights") == [8, None, None]
    assert values(folder, "Zeros") == [None, 2, 4]
    with cc.open(folder) as opened:
        assert opened.answered("points") == []


def test_a_recipe_measures_what_its_task_gained(folder: Path) -> None:
    ran("run", str(folder.parent / "recipe.yaml"), "--project", str(folder), "--measure")
    assert values(folder, "Weights") == [8, 8, 8]


def test_data_that_has_changed_is_refused_or_becomes_a_new_version(folder: Path) -> None:
    ran("evaluate", str(folder))
    task = folder.parent / "gained_task.py"
    changed = task.read_text().replace("[0, 1, 0, 1]}", "[0, 1, 1, 1]}")
    task.write_text(f"{changed}\n")  # Python takes a file of the same second and size for the one that it compiled
    ran("evaluate", str(folder), code=1)
    with cc.open(folder) as opened:
        assert [one.name for one in opened.datasets()] == ["points"]
        (job,) = (one for one in opened.jobs() if one.state == "failed")
        assert job.error["hint"].endswith("say Data(…, new_version=True) in the task.")
    task.write_text(changed.replace("answer)", "answer, new_version=True)"))
    for said in ("done: evaluated 3 of 3 models\n", "done: all was known\n"):
        assert ran("evaluate", str(folder)).stdout == said
    recipe = folder.parent / "recipe.yaml"
    recipe.write_text(RECIPE.replace("0.5]", "0.75]"))
    ran("run", str(recipe), "--project", str(folder))
    with cc.open(folder) as opened:
        assert len(opened.answered("points@2")) == 4
        assert len(opened.answered("points")) == 3
        # what was measured before stays; the new version's values say what they are of
        said = {id: [one.dataset for one in opened.model(id).metrics["Zeros"]] for id in opened.answered("points@2")}
        made = said.keys() - set(opened.answered("points"))
        assert said == {id: ["points@2"] if id in made else [None, "points@2"] for id in said}
        assert len(made) == 1


def test_metrics_that_are_not_of_the_data_say_no_version(folder: Path) -> None:
    ran("evaluate", str(folder))
    task = folder.parent / "gained_task.py"
    changed = task.read_text().replace("[0, 1, 0, 1]}", "[0, 1, 1, 1]}")
    task.write_text(changed.replace("answer)", 'answer, new_version=True, metrics=["Zeros"])'))
    ran("evaluate", str(folder))
    with cc.open(folder) as opened:
        metrics = opened.model("net").metrics
    assert [one.dataset for one in metrics["Zeros"]] == [None, "points@2"]
    assert [one.dataset for one in metrics["Weights"]] == [None]


def test_a_model_made_on_the_page_is_not_measured_on_data_that_changed(folder: Path) -> None:
    ran("evaluate", str(folder))
    task = folder.parent / "gained_task.py"
    task.write_text(task.read_text().replace("[0, 1, 0, 1]}", "[0, 1, 1, 1]}"))

    def start(queue: Queue) -> list[str]:
        return [queue.submit_operation("net", cc.Operation("quantize", bits=4))]

    (job,) = measuring.finished(folder, start, engine=LocalEngine(1))
    assert (job.state, (job.error or {})["code"]) == ("failed", "config.data_changed")
    with cc.open(folder) as opened:
        assert len(opened.models()) == 3


def test_what_the_task_has_not_is_refused_by_name(folder: Path) -> None:
    with pytest.raises(InvalidValue, match="measures no 'Latency'") as refused:
        ran("evaluate", str(folder), "--metrics", "Latency")
    assert refused.value.hint == "It measures Weights, Zeros."
    assert values(folder, "Weights") == [None, None, None]


def test_without_a_task_it_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with cc.open(tmp_path / "p") as opened:
        opened.log_model("alone")
    with pytest.raises(Conflict, match="No model of the project has a task") as refused:
        ran("evaluate", str(tmp_path / "p"))
    assert refused.value.code == "config.no_task"
