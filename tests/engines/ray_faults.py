"""What may befall a cluster, in it: ``python ray_faults.py FAULT FOLDER``. Ends with a line that says how it went."""

import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import ray

import compress_compare as cc
from compress_compare.engines import LocalEngine, Outcome
from compress_compare.engines.ray import RayEngine
from compress_compare.engines.run import run_recipe
from compress_compare.errors import UserError
from compress_compare.recipes import loads
from tests.engines.conftest import HERE, drive, misbehaving

RECIPE = """
task: line_task:task
options: {{folder: {folder}, seconds: {seconds}}}
base: net
steps:
  - magnitude prune: {{amount: {amounts}}}
"""
LIMIT_S = 240
ADDRESS = os.environ["RAY_CLUSTER_OF_TESTS"]


def recipe(folder, seconds=0.0, amounts="0.5"):
    return loads(RECIPE.format(folder=folder, seconds=seconds, amounts=amounts), folders=(HERE,))


def made(project):
    """When each model was made."""
    with cc.open(project) as opened:
        return {id: opened.model(id).created_at for id in opened.models()["id"].to_pylist()}


def finish_here(project, wanted, count):
    """The local engine makes what is missing, and nothing else; returns how many models that was."""
    before = made(project)
    report = run_recipe(project, wanted, engine=LocalEngine(2))
    assert not report.failed and not set(report.made) & set(before)
    assert before.items() <= made(project).items() and len(made(project)) == count
    with cc.open(project) as opened:
        done = [job.model for job in opened.jobs() if job.kind == "operation" and job.state == "done"]
    assert len(done) == len(set(done)) == count
    return len(report.made)


def head(folder):
    """The head is killed while steps run and others wait."""
    project, killed = folder / "project", []
    cc.open(project).close()

    def kill():
        while not made(project) or len(list(project.glob("jobs/*/heartbeat.json"))) < 2:
            time.sleep(0.1)
        killed.append(project)
        os.killpg(int(os.environ["RAY_HEAD_NODE"]), signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    wanted = recipe(folder, 2.0, "[0.25, 0.5, 0.75]")
    report = run_recipe(project, wanted, engine=RayEngine(2, address=ADDRESS))
    assert killed
    assert report.job.state == "failed" and report.failed
    for job in report.failed:
        assert job.reason in ("worker_lost(its cluster)", "engine.cluster_lost"), job
        assert job.error["title"].startswith(f"The Ray cluster is lost: its head at {ADDRESS}")
        assert "--engine local" in job.error["hint"]
    with cc.open(project) as opened:
        assert {job.state for job in opened.jobs()} <= {"done", "failed"}
    return f"{len(report.made)} models on Ray, the other {finish_here(project, wanted, 4)} here"


def full(folder):
    """Nothing more fits into the object store, and nothing can be written to disk in its stead."""
    engine = RayEngine(2, address=ADDRESS)
    taken = []
    for size in (10_000_000, 1_000_000, 200_000):
        while True:
            try:
                taken.append(ray.put(np.zeros(size, np.uint8)))
            except (ray.exceptions.ObjectStoreFullError, ray.exceptions.OutOfDiskError):
                break
    work = misbehaving(folder / "large", "raise")
    try:
        engine.submit(replace(work, request={**work.request, "padding": "x" * 1_000_000}))
    except UserError as error:
        assert error.code == "engine.refused", error.code
    else:
        raise AssertionError("it fitted in")
    project = folder / "project"
    cc.open(project).close()
    report = run_recipe(project, recipe(folder), engine=engine)
    assert not report.failed and len(made(project)) == 2
    return f"refused with {len(taken)} objects in the store, and 2 models made beside them"


def memory(folder):
    """The nodes are short of memory, so that Ray ends what runs there."""
    engine = RayEngine(2, address=ADDRESS)
    work = misbehaving(folder, "sleep")
    engine.submit(work)
    outcome = drive(engine, work.id, LIMIT_S)
    assert isinstance(outcome, Outcome) and outcome.reason == "out_of_memory", outcome
    assert "short of memory" in outcome.error["detail"]
    engine.close()
    project = folder / "project"
    cc.open(project).close()
    finish_here(project, recipe(folder), 2)
    return "out_of_memory, and 2 models made here"


def main():
    fault, folder = sys.argv[1], Path(sys.argv[2]) / sys.argv[1]
    folder.mkdir()
    sys.stdout.write(f"{globals()[fault](folder)}\n")


if __name__ == "__main__":
    main()
