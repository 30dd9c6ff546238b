"""What a model loses layer by layer, over HTTP: measured by a job, kept, and planned with."""

from pathlib import Path
from typing import get_args

import pytest
import yaml

import compress_compare as cc
from compress_compare.comparisons import sensitivity
from compress_compare.engines.local import LocalEngine
from compress_compare.engines.run import run_recipe
from compress_compare.page.wire.plans import Toolkit
from compress_compare.recipes import Recipe
from compress_compare.records import TaskPath

from .running import running, wait_until

TASKS = str(Path(__file__).parent.parent / "plans")


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plans") / "points"
    cc.open(folder).close()
    run_recipe(folder, Recipe(TaskPath("accuracy_task:task", {}, (TASKS,)), "net"), engine=LocalEngine(1))
    with cc.open(folder) as project:
        project.log_model("imported")
        with running(project) as server:
            yield server


def test_every_tool_that_plans_are_written_for_can_be_asked_for_and_has_a_file():
    tools = {sensitivity.OWN, *sensitivity.TOOLKITS}
    assert set(get_args(Toolkit)) == tools == set(sensitivity.FILES)


def test_a_model_is_measured_by_a_job_and_planned_for(live):
    with live.client(headers=live.bearer) as client:
        nothing = client.get("/api/v1/sensitivity", params={"model": "net"})
        # that nothing is known is a normal answer
        assert nothing.status_code == 200 and nothing.json()["rows"] == [] and nothing.json()["metric"] == "Accuracy"

        body = {"kind": "sensitivity", "model": "net", "levels": ["quantize bits=8,2"]}
        id = client.post("/api/v1/jobs", json=body).json()["id"]

        def state():
            return next(job for job in client.get("/api/v1/jobs").json()["jobs"] if job["id"] == id)["state"]

        assert wait_until(lambda: state() not in ("queued", "running"), 180) and state() == "done"
        found = client.get("/api/v1/sensitivity", params={"model": "net"}).json()
        assert len(found["rows"]) == 4 and found["count"] == 200
        assert {curve["kind"] for curve in found["curves"]} >= {"bytes", "bits_per_weight"}
        points = found["curves"][0]["points"]
        assert points[-1]["chosen"] == [] and points[-1]["value"] == found["value"]

        ask = {"model": "net", "metric": "Accuracy", "count": 4, "chosen": points[0]["chosen"], "toolkit": "recipe"}
        text = client.post("/api/v1/plans/export", json=ask).json()
        recipe = yaml.safe_load(text["text"])
        planned = client.post("/api/v1/jobs/plan", json={"kind": "recipe", "recipe": text["text"]}).json()["models"]
        assert recipe["base"] == "net" and planned[-1]["done"] is False

        other = client.post("/api/v1/plans/export", json=ask | {"toolkit": "coremltools"})
        assert (other.status_code, other.json()["code"]) == (422, "export.unsupported")
        changed = client.post("/api/v1/plans/export", json=ask | {"count": 3})
        assert (changed.status_code, changed.json()["code"]) == (409, "plan.changed")
        double = client.post("/api/v1/plans/export", json=ask | {"chosen": [0, 1]})
        assert double.json()["code"] == "plan.rows"


def test_what_cannot_be_measured_is_refused(live):
    with live.client(headers=live.bearer) as client:
        body = {"kind": "sensitivity", "model": "net", "levels": ["calibrate"]}
        refused = client.post("/api/v1/jobs", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "sensitivity.levels")
        refused = client.post("/api/v1/jobs", json=body | {"levels": [], "model": "imported"})
        assert (refused.status_code, refused.json()["code"]) == (409, "config.no_task")
        assert client.get("/api/v1/sensitivity", params={"model": "other"}).status_code == 404
        answer = client.get("/api/v1/sensitivity", params={"model": "imported"})
        assert (answer.status_code, answer.json()["rows"]) == (200, [])
        assert "'imported'" in answer.json()["reason"]
