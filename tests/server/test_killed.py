"""kill -9 of the real server while it runs jobs, and what the next one makes of it."""

import random
import re
import sqlite3
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest

import compress_compare as cc
from compress_compare.engines import Queue
from compress_compare.engines.heartbeats import process_in
from compress_compare.engines.local import PREFIX
from compress_compare.engines.processes import alive
from compress_compare.records import TaskPath
from compress_compare.store import tasks

from .running import served, wait_until

FOLDER = str(Path(__file__).parent.parent / "engines")
RECIPE = "base: net\nsteps:\n - magnitude prune: {amount: [0.25, 0.5]}\n"
MODELS = {"net", "net-magnitude-prune-0.25", "net-magnitude-prune-0.5"}
UNFINISHED = ("queued", "running")


@pytest.fixture
def directory(tmp_path):
    return prepared(tmp_path)


def prepared(folder):
    """A project whose root is of a task that takes a second to measure and leaves a line each time."""
    import importlib

    sys.path.insert(0, FOLDER)
    made = importlib.import_module("line_task").task()
    sys.path.remove(FOLDER)
    with cc.open(folder / "project") as project:
        project.log_model("net", checkpoint=made.create())
        project.log_dataset("points", **made.data.columns)
        queue = Queue(project.path)
        with queue.database.write(counter="jobs") as connection:
            options = {"seconds": 1.0, "folder": str(folder)}
            tasks.remember(connection, "net", tasks.TaskRow("line_task:task", options, [FOLDER]))
        queue.trust.allow(queue.directory, TaskPath("line_task:task", options, (FOLDER,)))
        queue.close()
    return folder / "project"


@contextmanager
def server_of(directory, cwd=None):
    """The process of a server and a client of it."""
    with served(directory, "--port", "0", cwd=cwd) as (process, line):
        address, token = re.fullmatch(r"(http://[\d.:]+)/\?token=(.*)\n", line).groups()
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=180) as client:
            yield process, client


def jobs(client):
    return client.get("/api/v1/jobs").json()["jobs"]


def state_of(client, id):
    return next(job for job in jobs(client) if job["id"] == id)["state"]


def workers(directory):
    queue = Queue(directory)
    try:
        return [
            process_in(Path(entry.handle.removeprefix(PREFIX)))
            for entry in queue.unfinished(mine=False)
            if entry.handle
        ]
    finally:
        queue.close()


def kill(process, directory):
    """kill -9, after which no worker may live on."""
    process.kill()
    process.wait()
    left = workers(directory)
    assert wait_until(lambda: not any(map(alive, left)))


def models(directory):
    """When each model was made."""
    with cc.open(directory) as project:
        return {id: project.model(id).created_at for id in project.models()["id"].to_pylist()}


def test_f3_a_killed_server_leaves_no_job_running_and_keeps_what_was_made(directory):
    draw = random.Random(3)
    killed_again_and_again(directory, [draw.uniform(0, 4) for _ in range(3)])


def killed_again_and_again(directory, moments):
    """A server that is killed so many seconds into its work, and the next one that goes on."""
    recipe, made = None, {}
    for moment in moments:
        with server_of(directory) as (process, client):
            assert made.items() <= models(directory).items()
            if recipe is None:
                answer = client.post("/api/v1/jobs", json={"kind": "recipe", "recipe": RECIPE})
                assert answer.status_code == 201, answer.json()
                recipe = answer.json()["id"]
            elif state_of(client, recipe) not in (*UNFINISHED, "done"):
                assert client.post(f"/api/v1/jobs/retry?id={recipe}", json={}).status_code == 200
            wait_until(lambda client=client: "running" in {job["state"] for job in jobs(client)})
            time.sleep(moment)
            made = models(directory)
            kill(process, directory)
    with server_of(directory) as (_, client):
        assert wait_until(lambda: state_of(client, recipe) not in UNFINISHED, 240)
        if state_of(client, recipe) != "done":
            client.post(f"/api/v1/jobs/retry?id={recipe}", json={})
        assert wait_until(lambda: not [job for job in jobs(client) if job["state"] in UNFINISHED], 240)
        assert made.items() <= models(directory).items() and set(models(directory)) == MODELS
        done = [job["model"] for job in jobs(client) if job["kind"] == "operation" and job["state"] == "done"]
        assert len(done) == len(set(done))
    connection = sqlite3.connect(directory / "compress-compare.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_what_a_killed_server_left_waiting_goes_on_in_its_order(directory):
    amounts = (0.1, 0.2, 0.3, 0.4)
    with server_of(directory) as (process, client):
        for amount in amounts:
            body = {"kind": "operation", "model": "net", "operation": "magnitude prune"}
            assert client.post("/api/v1/jobs", json=body | {"parameters": {"amount": amount}}).status_code == 201
        assert wait_until(lambda: [job["state"] for job in jobs(client)].count("running") == 2)
        kill(process, directory)
    with server_of(directory) as (_, client):
        assert wait_until(lambda: not [job for job in jobs(client) if job["state"] in UNFINISHED], 240)
        found = {job["title"]: job for job in jobs(client)}
        waited = [found[f"magnitude prune amount={amount}"] for amount in amounts[2:]]
        assert [job["state"] for job in waited] == ["done", "done"]
        assert waited[0]["started_at"] <= waited[1]["started_at"]
        ran = [found[f"magnitude prune amount={amount}"]["state"] for amount in amounts[:2]]
        assert set(ran) <= {"interrupted", "done"}


def test_f3_an_operation_that_a_killed_server_ran_can_be_retried(directory):
    body = {"kind": "operation", "model": "net", "operation": "quantize", "parameters": {"bits": 4}}
    with server_of(directory) as (process, client):
        id = client.post("/api/v1/jobs", json=body).json()["id"]
        assert wait_until(lambda: jobs(client)[0]["message"] == "measuring")
        kill(process, directory)
    with server_of(directory) as (_, client):
        (job,) = jobs(client)
        if job["state"] == "interrupted":
            assert client.post(f"/api/v1/jobs/retry?id={id}", json={}).status_code == 200
            assert wait_until(lambda: jobs(client)[0]["state"] not in UNFINISHED, 60)
        (job,) = jobs(client)
        assert (job["state"], job["model"]) == ("done", "net-quantize-4"), job
        assert set(models(directory)) == {"net", "net-quantize-4"}


def test_a_project_named_by_a_relative_path_runs_its_jobs(directory):
    """As `compress-compare serve runs/mine` in the README does it."""
    body = {"kind": "operation", "model": "net", "operation": "quantize", "parameters": {"bits": 4}}
    relative = f"{directory.parent.name}/{directory.name}"
    with server_of(relative, cwd=directory.parent.parent) as (_, client):
        for ask, kind in ((body, "operation"), ({"kind": "measure", "models": ["net"]}, "measure")):
            assert client.post("/api/v1/jobs", json=ask).status_code == 201
            assert wait_until(lambda: jobs(client)[0]["state"] not in UNFINISHED, 240)
            assert (jobs(client)[0]["kind"], jobs(client)[0]["state"]) == (kind, "done"), jobs(client)[0]
    assert set(models(directory)) == {"net", "net-quantize-4"}


def test_a_project_stays_where_it_was_opened(directory, monkeypatch):
    monkeypatch.chdir(directory.parent)
    with cc.open(directory.name) as project:
        monkeypatch.chdir("/")
        project.log_model("x", checkpoint={"w": np.ones(3, "f4")})
        assert len(project.load_checkpoint("x")) == 1
        assert project.path == directory
