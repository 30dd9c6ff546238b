"""Recipes on a real SLURM cluster, and what befalls its jobs there."""

import os
import subprocess
from dataclasses import replace

import pytest

import compress_compare as cc
from compress_compare.engines import Running
from compress_compare.engines import slurm as engine_of_slurm
from compress_compare.engines.run import run_recipe
from compress_compare.engines.slurm import FORGOTTEN, WAITING, JobNeeds, SlurmEngine, states_of
from compress_compare.errors import UserError
from compress_compare.recipes import loads
from tests.server.running import TOOL

from .conftest import HERE, drive, misbehaving, until, worker_of
from .slurm_cluster import CPUS

RECIPE = "task: line_task:task\nbase: net\nsteps:\n  - magnitude prune: {amount: [0.5]}\n"


def test_a_recipe_makes_the_same_on_slurm_and_in_submitit_s_own_processes(on_slurm, tmp_path):
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    command = [*TOOL, "run", str(tmp_path / "recipe.yaml"), "--project", str(tmp_path / "slurm"), "--engine", "slurm"]
    own = {**os.environ, "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), HERE])}
    asked = [*command, "--minutes", "9", "--trust"]
    done = subprocess.run(asked, capture_output=True, text=True, env=own, cwd=HERE, check=False)
    assert done.returncode == 0, done.stderr
    known = subprocess.run(["scontrol", "show", "jobs"], capture_output=True, text=True, check=True).stdout
    assert "TimeLimit=00:09:00" in known
    cc.open(tmp_path / "local").close()
    recipe = loads(RECIPE, folders=(HERE,))
    assert not run_recipe(tmp_path / "local", recipe, engine=SlurmEngine(cluster="local")).failed
    assert len(weights(tmp_path / "local")) == 2 and weights(tmp_path / "slurm") == weights(tmp_path / "local")


def weights(place):
    """The weights and the zeros in them of each model of a project."""
    with cc.open(place) as project:
        assert project.damage() == []
        models = [project.model(id) for id in project.models()["id"].to_pylist()]
        return {model.id: (model.checkpoint, model.metrics["Zeros"]) for model in models}


def test_a_job_that_the_cluster_ends_is_lost_with_its_word(on_slurm, tmp_path, monkeypatch):
    monkeypatch.setattr(engine_of_slurm, "LATE_S", 0.0)
    engine = SlurmEngine(1)
    work = misbehaving(tmp_path, "sleep")
    handle = engine.submit(work)
    worker_of(work)
    subprocess.run(["scancel", "--signal=KILL", "--full", handle.split(":")[1]], check=True)
    outcome = drive(engine, "sleep")
    assert outcome.state == "failed" and outcome.reason.startswith("worker_lost(its job ended as ")
    engine.close()


def test_a_job_that_waits_for_a_node_leaves_the_queue_when_it_is_cancelled(on_slurm, tmp_path):
    engine = SlurmEngine(2, needs=JobNeeds(cpus=CPUS))
    first, second = misbehaving(tmp_path, "sleep"), replace(misbehaving(tmp_path / "other", "sleep"), id="second")
    engine.submit(first)
    worker_of(first)
    engine.submit(second)
    assert engine.poll("second").message.startswith(WAITING)
    engine.cancel("second")
    engine.cancel("second")
    assert drive(engine, "second").state == "cancelled"
    assert not (second.folder / "log").exists()
    engine.close()


def test_what_the_cluster_cannot_give_is_refused_or_waits_with_the_reason_in_its_words(on_slurm, tmp_path):
    engine = SlurmEngine(needs=JobNeeds(partition="none"))
    with pytest.raises(UserError, match="Invalid partition name") as caught:
        engine.submit(misbehaving(tmp_path, "sleep"))
    assert caught.value.code == "engine.refused"
    engine = SlurmEngine(needs=JobNeeds(cpus=CPUS + 1))
    engine.submit(misbehaving(tmp_path, "sleep"))
    until(lambda: engine.poll("sleep") == Running(0.0, f"{WAITING} (PartitionConfig)"))
    engine.close()


def test_a_cluster_that_does_not_answer_has_ended_nothing(on_slurm, tmp_path, monkeypatch):
    assert states_of(["4000000"]) == {"4000000": (FORGOTTEN, "")}
    monkeypatch.setattr(engine_of_slurm, "ANSWER_S", 1.0)
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "none"))
    assert states_of(["4000000"]) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert states_of(["4000000"]) is None
    with pytest.raises(UserError, match="no SLURM on this machine"):
        SlurmEngine()
