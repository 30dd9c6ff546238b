"""A search over HTTP: it makes what an optimizer asks for, stops when it is told to, and goes on from what is there."""

import sys
from dataclasses import asdict
from pathlib import Path

import pytest

pytest.importorskip("optuna", reason="the extra search is not installed")

import compress_compare as cc
from compress_compare.engines import Queue
from compress_compare.records import TaskPath
from compress_compare.store import tasks

from .running import running, wait_until

FOLDER = str(Path(__file__).parent.parent / "plans")
RECIPE = "base: net\nsteps:\n  - quantize: {bits: [8, 4]}\n"
ASK = {"kind": "search", "recipe": RECIPE, "objectives": ["Accuracy"], "budgets": {"Accuracy": "0.1"}}
ENDED = ("done", "failed", "cancelled", "interrupted")


@pytest.fixture
def project(tmp_path):
    """A base that was made by a task that its own program has recorded."""
    import importlib

    sys.path.insert(0, FOLDER)
    made = importlib.import_module("accuracy_task").task()
    sys.path.remove(FOLDER)
    with cc.open(tmp_path / "net") as opened:
        for metric in made.metrics:
            opened.define_metric(**asdict(metric))
        network = made.create()
        opened.log_model("net", checkpoint=network, metrics=made.measure(network))
        opened.define_metric("Count")
        queue = Queue(opened.path)
        with queue.database.write(counter="jobs") as connection:
            tasks.remember(connection, "net", tasks.TaskRow("accuracy_task:task", {}, [FOLDER]))
        queue.trust.allow(queue.directory, TaskPath("accuracy_task:task", {}, (FOLDER,)))
        queue.close()
        yield opened


def test_a_search_stops_when_it_is_told_to_and_goes_on(project):
    with running(project) as live, live.client(headers=live.bearer) as client:

        def job(id):
            return next(one for one in client.get("/api/v1/jobs").json()["jobs"] if one["id"] == id)

        def ended(id):
            assert wait_until(lambda: job(id)["state"] in ENDED, 180), job(id)
            return job(id)

        for changes, status, code in (
            ({"objectives": ["Speed"]}, 404, "metric.unknown"),
            ({"objectives": ["Count"]}, 422, "search.objectives"),
            ({"budgets": {"Accuracy": "much"}}, 422, "value.quantity"),
            ({"recipe": "base: net\nsteps: []\n"}, 422, "search.empty"),
        ):
            refused = client.post("/api/v1/jobs", json=ASK | changes)
            assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text

        first = client.post("/api/v1/jobs", json=ASK | {"models": 1}).json()
        assert (first["kind"], first["title"]) == ("search", "search among 2 models from net")
        client.post("/api/v1/jobs/cancel", json={"ids": [first["id"]]})
        assert ended(first["id"])["state"] == "cancelled"
        assert client.post("/api/v1/jobs/retry", params={"id": first["id"]}, json={}).status_code == 200
        found = ended(first["id"])
        assert found["state"] == "done" and found["message"].endswith("as many as were allowed"), found
        assert len(project) == 2

        rest = ended(client.post("/api/v1/jobs", json=ASK).json()["id"])
        assert rest["message"].endswith("all models of the recipe were tried")
        assert len(project) == 3
        again = client.post("/api/v1/jobs", json=ASK)
        assert (again.status_code, again.json()["code"]) == (409, "search.done")
