"""Work over HTTP: operations and recipes are started, watched, cancelled, repeated; nothing named is imported."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

import compress_compare as cc
from compress_compare.engines import Queue
from compress_compare.operations import OPERATIONS, MagnitudePrune
from compress_compare.records import TaskPath
from compress_compare.store import tasks

from .running import running, wait_until

FOLDER = str(Path(__file__).parent.parent / "engines")
ENDED = ("done", "failed", "cancelled", "interrupted")


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """A project whose root is made by a task that its own program has recorded."""
    import importlib

    sys.path.insert(0, FOLDER)
    made = importlib.import_module("line_task").task()
    sys.path.remove(FOLDER)
    with cc.open(tmp_path_factory.mktemp("work") / "line") as project:
        project.log_model("net", checkpoint=made.create())
        project.log_model("imported", operation=cc.Operation("train"))
        project.log_dataset("points", **made.data.columns)
        record(project, {})
        with running(project) as server:
            server.project = project
            yield server


def record(project, options):
    queue = Queue(project.path)
    with queue.database.write(counter="jobs") as connection:
        tasks.remember(connection, "net", tasks.TaskRow("line_task:task", options, [FOLDER]))
    queue.trust.allow(queue.directory, TaskPath("line_task:task", options, (FOLDER,)))
    queue.close()


@pytest.fixture
def client(live):
    with live.client(headers=live.bearer) as opened:
        yield opened


def job(client, id):
    return next(found for found in client.get("/api/v1/jobs").json()["jobs"] if found["id"] == id)


def ended(client, id, seconds=180):
    assert wait_until(lambda: job(client, id)["state"] in ENDED, seconds), job(client, id)
    return job(client, id)


def ask(client, **changes):
    body = {"kind": "operation", "model": "net", "operation": "magnitude prune", "parameters": {"amount": 0.5}}
    return client.post("/api/v1/jobs", json=body | changes)


def test_an_operation_makes_a_model_and_tells_of_it(live, client):
    with client.stream("GET", "/api/v1/events") as events:
        lines = events.iter_lines()
        assert any(line == "event: revision" for line in lines)
        started = ask(client)
        assert started.status_code == 201
        assert started.json()["title"] == "magnitude prune amount=0.5"
        assert any(line == "event: jobs" for line in lines)
    found = ended(client, started.json()["id"])
    assert (found["state"], found["model"], found["progress"]) == ("done", "net-magnitude-prune-0.5", 1.0)
    model = live.project.model("net-magnitude-prune-0.5")
    assert model.base == "net" and model.operation == MagnitudePrune(amount=0.5).record()
    assert model.metrics["Zeros"][0].value == 24
    again = ask(client)
    assert (again.status_code, again.json()["code"]) == (409, "model.exists")


def test_a_plan_says_what_exists(client):
    body = {"kind": "operation", "model": "net", "operation": "magnitude prune", "parameters": {"amount": 0.25}}

    def planned(**changes):
        answer = client.post("/api/v1/jobs/plan", json=body | changes)
        assert answer.status_code == 200, answer.text
        (model,) = answer.json()["models"]
        return model["id"], model["done"], model["alike"]

    assert planned() == ("net-magnitude-prune-0.25", False, [])
    assert ended(client, ask(client, id="quarter", parameters=body["parameters"]).json()["id"])["state"] == "done"
    assert planned() == ("net-magnitude-prune-0.25", False, ["quarter"])
    assert planned(id="quarter") == ("quarter", True, ["quarter"])
    assert planned(parameters={"amount": 0.75}) == ("net-magnitude-prune-0.75", False, [])
    # an id that something else has
    assert planned(id="net") == ("net", True, ["quarter"])


def test_a_recipe_makes_its_tree(live, client):
    text = "base: net\nsteps:\n - quantize: {bits: 2}\n   then: [calibrate]\n"
    started = client.post("/api/v1/jobs", json={"kind": "recipe", "recipe": text})
    assert started.status_code == 201, started.json()
    found = ended(client, started.json()["id"], 120)
    assert (found["state"], found["message"]) == ("failed", "1 of 2 models were not made")
    parts = [one for one in client.get("/api/v1/jobs").json()["jobs"] if one["parent"] == found["id"]]
    assert [(part["title"], part["state"]) for part in parts] == [("calibrate", "failed"), ("quantize bits=2", "done")]
    assert parts[0]["reason"] == parts[0]["error"]["code"]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"model": "nobody"}, 404, "model.unknown"),
        ({"operation": "magnitude prun"}, 404, "operation.unknown"),
        ({"parameters": {"amount": 1.5}}, 422, "parameter.range"),
        ({"parameters": {"amont": 0.5}}, 422, "parameter.unknown"),
        ({"model": "imported"}, 409, "config.no_task"),
        ({"task": "os:getcwd"}, 422, "param.unknown"),
        ({"kind": "shell"}, 422, "param.type"),
        ({"references": {"teacher": "nobody"}}, 404, "model.unknown"),
        ({"id": "x" * 300}, 422, "name.invalid"),
    ],
)
def test_what_cannot_be_run_is_refused_at_once(client, changes, status, code):
    before = client.get("/api/v1/jobs").json()
    answer = ask(client, **changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert client.get("/api/v1/jobs").json() == before


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("base: net\nsteps:\n - quantize: {bit: 4}", 422, "config.unknown_key"),
        ("base: net\nx: !!python/object/apply:os.system [id]", 422, "config.tag"),
        ("task: os:getcwd\nbase: net\nsteps: [calibrate]", 409, "config.other_task"),
        ("task: os:getcwd\nbase: other\nsteps: [calibrate]", 409, "config.no_task"),
        ("task: line_task:task\noptions: {trouble: kill}\nbase: net\nsteps: [calibrate]", 409, "config.other_task"),
        ("task: line_task:task\nbase: new root\nsteps: [calibrate]", 409, "config.no_task"),
    ],
)
def test_a_recipe_over_http_names_no_code(client, text, status, code):
    answer = client.post("/api/v1/jobs", json={"kind": "recipe", "recipe": text})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if code == "config.unknown_key":
        assert answer.json()["detail"].startswith("Line 3, steps[0].quantize.bit")


def test_cancel_retry_and_log(live, client):
    record(live.project, {"seconds": 60})
    id = ask(client, parameters={"amount": 0.25}).json()["id"]
    assert wait_until(lambda: job(client, id)["message"] == "measuring")
    refused = client.post(f"/api/v1/jobs/retry?id={id}", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "state.not_ended")
    assert client.post("/api/v1/jobs/cancel", json={"ids": [id]}).status_code == 200
    assert ended(client, id, 5)["state"] == "cancelled"
    finished = client.post("/api/v1/jobs/cancel", json={"ids": [id]})
    assert (finished.status_code, finished.json()["code"]) == (409, "state.ended")
    record(live.project, {"trouble": "raise"})
    failing = ask(client, parameters={"amount": 0.75}).json()["id"]
    found = ended(client, failing)
    assert (found["reason"], found["error"]["title"]) == ("raised", "The step raised ValueError: a step that raises")
    log = client.get("/api/v1/jobs/log", params={"id": failing}).json()
    assert "Traceback" in log["text"] and log["num_bytes"] == len(log["text"].encode())
    again = client.post("/api/v1/jobs/retry", params={"id": failing}, json={}).json()
    assert again["state"] in ("queued", "running") and again["error"] is None
    assert ended(client, failing)["attempts"] == 2
    unknown = client.get("/api/v1/jobs/log", params={"id": "../../etc"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "job.unknown")
    record(live.project, {})


def test_the_forms_of_operations(client):
    forms = client.get("/api/v1/operations").json()
    found = {form["name"]: form for form in forms["operations"]}
    assert set(OPERATIONS) <= set(found)
    assert found["magnitude prune"]["parameters"]["properties"]["amount"]["maximum"] == 1
    assert forms["roots"] == ["net"]


def test_the_server_does_all_this_without_torch():
    code = "import sys, json, compress_compare.server.app as a; sys.stdout.write(json.dumps('torch' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) is False


def test_a_plan_says_what_would_be_made_and_queues_nothing(client):
    before = client.get("/api/v1/jobs").json()
    body = {"kind": "operation", "model": "net", "operation": "quantize", "parameters": {"bits": 3}}
    planned = client.post("/api/v1/jobs/plan", json=body).json()["models"]
    assert planned == [
        {
            "id": "net-quantize-3",
            "base": "net",
            "operation": "quantize",
            "parameters": {"bits": 3},
            "done": False,
            "alike": [],
        }
    ]
    refused = client.post("/api/v1/jobs/plan", json=body | {"parameters": {"bits": 99}})
    assert (refused.status_code, refused.json()["code"]) == (422, "parameter.range")
    text = "base: net\nsteps:\n - quantize: {bits: [3, 4]}\n"
    planned = client.post("/api/v1/jobs/plan", json={"kind": "recipe", "recipe": text}).json()["models"]
    assert [(model["id"], model["done"]) for model in planned] == [
        ("net", True),
        ("net-quantize-3", False),
        ("net-quantize-4", False),
    ]
    sizes = client.post("/api/v1/jobs/plan/sizes", json={"recipe": text}).json()["sizes"]
    assert sizes["net"] > sizes["net-quantize-4"] > sizes["net-quantize-3"] > 0
    unknown = client.post("/api/v1/jobs/plan/sizes", json={"recipe": "base: imported\nsteps: [calibrate]"})
    assert (unknown.status_code, unknown.json()["code"]) == (409, "config.no_task")
    assert client.get("/api/v1/jobs").json() == before


def test_what_is_missing_is_measured_by_a_job(live, client):
    body = {"kind": "measure", "models": ["net"]}
    before = client.post("/api/v1/reality", json={"models": ["net", "imported"]}).json()["models"]
    assert [row["measurable"] for row in before] == [True, False]
    assert "latency_s" in before[0]["missing"]
    started = client.post("/api/v1/jobs", json=body)
    assert (started.status_code, started.json()["title"]) == (201, "measure net")
    assert ended(client, started.json()["id"], 300)["state"] == "done"
    (row,) = client.post("/api/v1/reality", json={"models": ["net"]}).json()["models"]
    assert row["latency_s"] > 0
    assert row["peak_memory_bytes"] > 0
    refused = client.post("/api/v1/jobs", json=body | {"models": ["imported"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "config.no_task")
    assert client.post("/api/v1/jobs", json=body | {"models": ["net", "imported"]}).json()["code"] == "measure.models"
    assert client.post("/api/v1/jobs/plan", json=body).status_code == 422
    assert client.post("/api/v1/reality", json={"models": ["nothing"]}).status_code == 404


def test_what_a_task_gained_is_evaluated_by_a_job(live, client):
    body = {"kind": "evaluate", "models": ["net"]}
    started = client.post("/api/v1/jobs", json=body)
    assert (started.status_code, started.json()["title"]) == (201, "evaluate net")
    assert ended(client, started.json()["id"], 300)["state"] == "done"
    assert live.project.model("net").metrics
    again = client.post("/api/v1/jobs", json=body | {"metrics": ["No Such"]}).json()
    assert ended(client, again["id"], 300)["error"]["code"] == "evaluate.metrics"
    refused = client.post("/api/v1/jobs", json=body | {"models": ["imported"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "config.no_task")


def test_activations_are_compared_on_the_tasks_examples_and_kept(live, client):
    made = ask(client, id="halved")
    assert ended(client, made.json()["id"])["state"] == "done"
    question = {"base": "net", "models": ["net", "halved"], "what": "activations", "examples": 20}
    missing = client.post("/api/v1/layers", json=question)
    # nothing was compared yet, which is an answer
    assert (missing.status_code, missing.content) == (204, b"")
    assert client.post("/api/v1/layers/suspects", json=question).json()["code"] == "layers.not_run"

    body = {"kind": "activations", "base": "net", "models": ["net", "halved"], "examples": 20}
    started = client.post("/api/v1/jobs", json=body)
    assert started.status_code == 201, started.text
    assert ended(client, started.json()["id"])["state"] == "done"

    rows = pa.ipc.open_stream(client.post("/api/v1/layers", json=question).content).read_all().to_pylist()
    found = {(row["module"], row["model"]): row for row in rows}
    networks = {id: dict(live.project.load_checkpoint(id)) for id in ("net", "halved")}
    (points, _), *_ = line_task(live).batches
    weight, bias = (networks["net"][f"0.{name}"] for name in ("weight", "bias"))
    base = (points[:20] @ weight.T + bias).double()
    halved = (points[:20] @ networks["halved"]["0.weight"].T + networks["halved"]["0.bias"]).double()
    expected = float((halved - base).norm() / base.norm())
    assert found["0", "halved"]["relative_error"] == pytest.approx(expected, rel=1e-5)
    assert found["0", "halved"]["local_relative_error"] == pytest.approx(expected, rel=1e-5)
    assert {module for module, _ in found} == {"", "0", "1", "2"}
    suspects = client.post("/api/v1/layers/suspects", json=question)
    assert suspects.status_code == 200
    other = client.post("/api/v1/jobs", json=body | {"models": ["imported"]})
    assert (other.status_code, other.json()["code"]) == (409, "layers.other_task")


def line_task(live):
    sys.path.insert(0, FOLDER)
    import line_task as module

    sys.path.remove(FOLDER)
    return module.task()
