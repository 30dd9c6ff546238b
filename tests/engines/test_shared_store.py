"""What a node of a cluster does with a step of a project that it reaches through database and object store alone."""

import json
import os
import subprocess
import sys

import pytest

import compress_compare as cc
from compress_compare.engines import Work
from compress_compare.engines.node import shared
from compress_compare.importers.asked import ImportHow
from tests.server.running import TOOL

from .conftest import HERE

NODE = """
import json, sys
from pathlib import Path
from compress_compare.engines import Limits, Work
from compress_compare.engines.ray import _run
sent = json.load(sys.stdin)
done = _run(Work(sent["id"], Path(sent["folder"]), sent["request"]), Limits(), sent["location"])
sys.stdout.write(f"{done.outcome.state}|{done.outcome.message}|{done.outcome.error}")
"""


@pytest.fixture
def step(team, tmp_path):
    """An import as a job of a project on the server, and the project."""
    (tmp_path / "runs.csv").write_text("model,accuracy\nnet,0.5\nsmall,0.25\n")
    with cc.open(f"{team}?project=node-{os.getpid()}", artifacts="s3://tests/node") as project:
        request = {"kind": "import", "project": str(project.path), "task": None, "source": "csv"}
        request |= {"paths": [str(tmp_path / "runs.csv")], "how": ImportHow().plain()}
        yield Work("0" * 8, project.path / "jobs" / ("0" * 8), request), project


def on_node(step, folder, **environment):
    """Do it in a process that has no folder of this user, as one on another machine."""
    own = {**os.environ, "XDG_STATE_HOME": str(folder / "node"), "XDG_CACHE_HOME": str(folder / "cache"), **environment}
    sent = {"id": step.id, "folder": str(step.folder), "request": step.request, "location": shared(step)}
    said = json.dumps(sent)
    done = subprocess.run([sys.executable, "-c", NODE], input=said, capture_output=True, env=own, check=True, text=True)
    return done.stdout.split("|")


def test_what_a_node_makes_is_in_the_project_and_nothing_is_left_on_the_node(step, tmp_path):
    work, project = step
    assert "password" not in shared(work)
    state, message, _ = on_node(work, tmp_path)
    assert (state, message) == ("done", "imported 2 models, 2 of them new")
    assert sorted(project.models()["id"].to_pylist()) == ["net", "small"]
    assert not work.folder.exists()
    (made,) = (tmp_path / "node" / "compress-compare" / "projects").iterdir()
    assert not list((made / "jobs").iterdir())


def test_a_node_without_the_password_says_so(step, tmp_path):
    state, _, error = on_node(step[0], tmp_path, PGPASSWORD="")
    assert state == "failed" and "store.denied" in error


def test_a_project_in_a_directory_is_not_moved(tmp_path):
    assert shared(Work("a", tmp_path, {"project": str(tmp_path)})) is None


def test_the_command_line_makes_a_recipe_in_a_project_on_the_server(team, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("task: line_task:task\nbase: net\nsteps:\n  - magnitude prune: {amount: [0.5]}\n")
    url = f"{team}?project=recipe-{os.getpid()}"
    cc.open(url, artifacts="s3://tests/recipe").close()
    command = [*TOOL, "run", str(recipe), "--project", url, "--trust", "--workers", "1"]
    own = {**os.environ, "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), HERE])}
    done = subprocess.run(command, capture_output=True, text=True, env=own, cwd=HERE)
    assert done.returncode == 0, done.stderr
    with cc.open(url) as project:
        assert len(project) == 2 and project.damage() == []
