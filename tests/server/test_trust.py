"""A project that somebody sent: nothing that it names runs before its user has seen and allowed it."""

import json
import sqlite3

import numpy as np
import pytest
from click.testing import CliRunner

import compress_compare as cc
from compress_compare.cli.main import cli
from compress_compare.engines import Queue
from compress_compare.errors import InvalidValue, StoreError, Untrusted
from compress_compare.recipes.task import load
from compress_compare.records import TaskPath
from compress_compare.store.trust import Trust

from .running import running, wait_until

RECIPE = "base: net\nsteps:\n - magnitude prune: {amount: [0.7]}\n"
ASKS = {
    "measure": {"kind": "measure", "models": ["net", "pruned"]},
    "evaluate": {"kind": "evaluate", "models": ["net"], "metrics": ["Accuracy"]},
    "operation": {"kind": "operation", "model": "net", "operation": "magnitude prune", "parameters": {"amount": 0.3}},
    "activations": {"kind": "activations", "base": "net", "models": ["pruned"]},
    "sensitivity": {"kind": "sensitivity", "model": "pruned", "levels": ["quantize bits=4"]},
    "recipe": {"kind": "recipe", "recipe": RECIPE},
    "search": {"kind": "search", "recipe": RECIPE, "objectives": ["Accuracy"]},
}


def sent(folder, path="os:system", options=None, folders=()):
    """A project with a task in its tables that nobody here has named."""
    with cc.open(folder) as project:
        project.log_model("net", checkpoint={"w": np.ones((4, 4), "f4")})
        prune = cc.Operation("magnitude prune", amount=0.5)
        project.log_model("pruned", base="net", operation=prune, checkpoint={"w": np.ones((4, 4), "f4")})
    connection = sqlite3.connect(folder / "compress-compare.db")
    row = ("net", path, json.dumps(options or {}), json.dumps(list(folders)))
    connection.execute("INSERT INTO tasks (root, path, options, folders) VALUES (?, ?, ?, ?)", row)
    connection.commit()
    connection.close()
    return folder


@pytest.fixture
def mark(tmp_path):
    return tmp_path / "it-ran"


@pytest.fixture
def folder(tmp_path, mark):
    return sent(tmp_path / "sent", options={"command": f"touch {mark}"})


@pytest.fixture
def client(folder):
    with cc.open(folder) as project, running(project) as server, server.client(headers=server.bearer) as opened:
        yield opened


@pytest.mark.parametrize("kind", ASKS)
def test_no_job_of_the_page_runs_what_was_not_allowed(client, mark, kind):
    answer = client.post("/api/v1/jobs", json=ASKS[kind])
    assert (answer.status_code, answer.json()["code"]) == (403, "task.untrusted")
    assert f"os:system with options {json.dumps({'command': f'touch {mark}'})}" in answer.json()["detail"]
    assert answer.json()["task"] == {"path": "os:system", "options": {"command": f"touch {mark}"}, "folders": []}
    assert client.get("/api/v1/jobs").json()["jobs"] == []
    assert not mark.exists()


def test_without_trust_the_job_would_be_queued(client, monkeypatch):
    monkeypatch.setattr(Trust, "allows", lambda *_: True)
    assert client.post("/api/v1/jobs", json=ASKS["operation"]).status_code == 201


def test_planning_runs_nothing_and_sizes_are_refused(client, mark):
    assert client.post("/api/v1/jobs/plan", json=ASKS["operation"]).status_code == 200
    answer = client.post("/api/v1/jobs/plan/sizes", json={"recipe": RECIPE})
    assert (answer.status_code, answer.json()["code"]) == (403, "task.untrusted")
    assert not mark.exists()


def test_what_was_allowed_is_still_not_called_unless_it_is_a_task(client, mark):
    (task,) = client.get("/api/v1/tasks").json()["tasks"]
    assert (task.pop("root"), task.pop("allowed")) == ("net", False)
    answer = client.post("/api/v1/tasks/trust", json=task | {"options": {"command": "true"}})
    assert (answer.status_code, answer.json()["code"]) == (409, "task.changed")
    answer = client.post("/api/v1/tasks/trust", json=task)
    assert [one["allowed"] for one in answer.json()["tasks"]] == [True]
    id = client.post("/api/v1/jobs", json=ASKS["operation"]).json()["id"]
    jobs = lambda: client.get("/api/v1/jobs").json()["jobs"]  # noqa: E731
    assert wait_until(lambda: jobs()[0]["state"] == "failed", 60), jobs()
    assert (jobs()[0]["id"], jobs()[0]["reason"]) == (id, "config.task")
    assert "part of Python itself" in jobs()[0]["error"]["detail"]
    assert not mark.exists()


def test_jobs_that_came_with_a_project_do_not_run(folder, mark):
    task = {"path": "os:system", "options": {"command": f"touch {mark}"}, "folders": []}
    request = {"kind": "operation", "project": "/", "task": task, "model": "x", "base": None, "references": {}}
    connection = sqlite3.connect(folder / "compress-compare.db")
    for position, (id, state) in enumerate([("0" * 8, "queued"), ("1" * 8, "failed"), ("../../../x", "queued")]):
        connection.execute(
            "INSERT INTO jobs (id, position, kind, title, state, progress, message, cancel, attempts, owner, handle,"
            " request, created_at) VALUES (?, ?, 'operation', 't', ?, 0, '', 0, 0, '4194305:0:x', '', ?, '2026')",
            (id, position + 1, state, json.dumps(request | {"operation": None})),
        )
    connection.commit()
    connection.close()
    with cc.open(folder) as project, running(project) as server, server.client(headers=server.bearer) as client:
        jobs = lambda: {job["id"]: job for job in client.get("/api/v1/jobs").json()["jobs"]}  # noqa: E731
        assert wait_until(lambda: {job["state"] for job in jobs().values()} == {"failed"})
        assert jobs()["0" * 8]["reason"] == "task.untrusted"
        answer = client.post(f"/api/v1/jobs/retry?id={'1' * 8}", json={})
        assert (answer.status_code, answer.json()["code"]) == (403, "task.untrusted")
        assert client.get("/api/v1/jobs/log?id=../../../x").status_code == 404
        client.post("/api/v1/tasks/trust", json=task)
    assert not mark.exists()
    assert not (folder.parent.parent / "x").exists()


def test_a_project_that_is_only_read_runs_nothing_even_if_that_was_allowed(folder, mark):
    Trust().allow(folder, TaskPath("os:system", {"command": f"touch {mark}"}))
    with (
        cc.open(folder, read_only=True) as project,
        running(project) as server,
        server.client(headers=server.bearer) as client,
    ):
        assert client.get("/api/v1/models").status_code == 200
        for path, body in [
            *(("jobs", ask) for ask in ASKS.values()),
            ("jobs/plan/sizes", {"recipe": RECIPE}),
        ]:
            answer = client.post(f"/api/v1/{path}", json=body)
            assert (answer.status_code, answer.json()["code"]) == (503, "store.read_only")
    assert not mark.exists()


def test_the_terminal_asks_too(folder, mark, tmp_path):
    with pytest.raises(Untrusted, match="have not allowed"):
        CliRunner().invoke(cli, ["reality", str(folder), "--measure"], catch_exceptions=False)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    for extra in ([], ["--plan"]):
        with pytest.raises(Untrusted):
            CliRunner().invoke(
                cli, ["run", str(tmp_path / "recipe.yaml"), "--project", str(folder), *extra], catch_exceptions=False
            )
    assert not mark.exists()
    told = CliRunner().invoke(cli, ["reality", str(folder), "--measure", "--trust"])
    assert told.exit_code == 1
    assert "cannot be used" in told.stderr
    assert not mark.exists()


def test_trust_is_of_one_project_and_one_task_and_is_kept_with_the_user(tmp_path, settings):
    task = TaskPath("line_task:task", {"seed": 1}, ("/somewhere",))
    Trust().allow(tmp_path / "one", task)
    assert Trust().allows(tmp_path / "one", task)
    for project, other in [
        ("two", task),
        ("one", TaskPath("line_task:other", {"seed": 1}, ("/somewhere",))),
        ("one", TaskPath("line_task:task", {"seed": 2}, ("/somewhere",))),
        ("one", TaskPath("line_task:task", {"seed": 1}, ("/elsewhere",))),
    ]:
        assert not Trust().allows(tmp_path / project, other)
    file = settings / "compress-compare" / "trusted-tasks.json"
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0
    assert not (tmp_path / "one").exists()
    file.unlink()
    assert not Trust().allows(tmp_path / "one", task)


def test_what_cannot_be_kept_holds_for_this_process(tmp_path):
    (tmp_path / "file").write_text("")
    trust, task = Trust(tmp_path / "file" / "below"), TaskPath("line_task:task")
    trust.allow(tmp_path, task)
    assert trust.allows(tmp_path, task)


def test_what_the_own_program_names_may_run(tmp_path):
    with cc.open(tmp_path / "own") as project:
        project.log_model("net")
        project.log_task("net", "my_package.my_module:task", options={"seed": 1})
        queue = Queue(project.path)
        assert [asked.allowed for asked in queue.tasks()] == [True]
        queue.close()


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("os:system", "part of Python itself"),
        ("webbrowser:open", "part of Python itself"),
        ("os.path:exists", "part of Python itself"),
        ("numpy:load", "does not say that it returns a task"),
        ("numpy.lib.npyio:NpzFile", "does not say that it returns a task"),
        ("compress_compare:open", "does not say that it returns a task"),
        ("compress_compare.recipes:Task", "does not say that it returns a task"),
    ],
)
def test_nothing_is_called_before_it_is_known_to_be_a_task(path, reason):
    with pytest.raises(InvalidValue, match=reason) as caught:
        load(TaskPath(path, {"file": "x"}))
    assert caught.value.code == "config.task"


ANNOTATED = {
    "not at all": "from compress_compare.recipes import Task\ndef task(): return Task(None, None)",
    "at once": "from compress_compare.recipes import Task\ndef task() -> Task: return Task(None, None)",
    "as text": "from compress_compare import recipes\ndef task() -> 'recipes.Task': return recipes.Task(None, None)",
    "for the type checker": "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n"
    "if TYPE_CHECKING:\n    from compress_compare.recipes import Task as T\n"
    "def task() -> T:\n    from compress_compare.recipes import Task\n    return Task(None, None)",
}
OTHERS = {
    "nothing": "def task(): raise SystemError('called')",
    "another class": "class Task: pass\ndef task() -> Task: raise SystemError('called')",
    "another class in text": "class Task: pass\ndef task() -> 'Task': raise SystemError('called')",
    "no such name": "def task() -> 'Task': raise SystemError('called')",
    "another import": "from __future__ import annotations\nfrom asyncio import Task\n"
    "def task() -> Task: raise SystemError",
    "no function": "from compress_compare.recipes import Task\n"
    "class task:\n    def __init__(self) -> Task: raise SystemError",
}


@pytest.mark.parametrize("how", [*ANNOTATED, *OTHERS])
def test_a_function_says_itself_that_it_returns_a_task(tmp_path, how):
    name = f"task_{how.replace(' ', '_').replace(',', '')}"
    (tmp_path / f"{name}.py").write_text((ANNOTATED | OTHERS)[how])
    where = TaskPath(f"{name}:task", {}, (str(tmp_path),))
    if how in ANNOTATED:
        assert type(load(where)).__name__ == "Task"
        return
    with pytest.raises(InvalidValue, match="does not say that it returns a task"):
        load(where)


def test_a_module_of_python_is_not_even_imported(monkeypatch):
    monkeypatch.setattr("importlib.import_module", lambda name: pytest.fail(f"{name} was imported"))
    with pytest.raises(InvalidValue):
        load(TaskPath("antigravity:webbrowser"))


def test_a_read_only_project_cannot_be_told_tasks(folder):
    with cc.open(folder, read_only=True) as project, pytest.raises(StoreError):
        project.log_task("net", "a.b:c")


@pytest.mark.parametrize(
    "request_text", ["", "[]", "{}", '{"task": 7}', '{"task": {"path": "x", "options": {}, "folders": []}}']
)
def test_a_job_that_cannot_be_read_fails_and_holds_up_nothing(folder, request_text):
    connection = sqlite3.connect(folder / "compress-compare.db")
    connection.execute(
        "INSERT INTO jobs (id, position, kind, title, state, progress, message, cancel, attempts, owner, handle,"
        " request, created_at) VALUES ('00000000', 1, 'x', 't', 'queued', 0, '', 0, 0, '9999999:0:', '', ?, 'x')",
        (request_text,),
    )
    connection.commit()
    connection.close()
    with cc.open(folder) as project, running(project) as server, server.client(headers=server.bearer) as client:
        job = lambda: client.get("/api/v1/jobs").json()["jobs"][0]  # noqa: E731
        assert wait_until(lambda: job()["state"] == "failed")
        assert job()["reason"] in ("job.unreadable", "config.task")
