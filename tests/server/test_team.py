"""The projects of a database on PostgreSQL on one server, and on two at once."""

import json
import os
import subprocess
import sys
import uuid
from contextlib import contextmanager

import httpx
import numpy as np
import pytest

import compress_compare as cc
from compress_compare.engines.queue import Queue
from compress_compare.errors import InvalidValue, StoreError
from compress_compare.server.projects import Directory, InDatabase, place_of
from tests import servers

from .conftest import fill
from .running import TOOL, running, served, wait_until

FILES = "s3://tests/hub"


@pytest.fixture
def names(team):
    """Two projects in the database, one of them with models."""
    one, two = (f"{kind}-{uuid.uuid4().hex[:8]}" for kind in ("filled", "empty"))
    with cc.open(f"{team}?project={one}", artifacts=FILES) as project:
        fill(project)
        project.archive("broken")
    cc.open(f"{team}?project={two}", artifacts=FILES).close()
    return one, two


@contextmanager
def served_from_its_own_machine(team, folder, monkeypatch):
    """A server process that shares nothing with others but database and object store, and a client of it."""
    with monkeypatch.context() as only:
        only.setenv("XDG_STATE_HOME", str(folder / "state"))
        only.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        only.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        server = served(f"--projects={team}", "--port", "0", f"--artifacts={FILES}")
        process, line = server.__enter__()
    try:
        address, _, token = line.strip().partition("/?token=")
        assert token, process.stderr.read()
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
            yield client
    finally:
        server.__exit__(None, None, None)


def test_the_list_is_read_over_one_connection_and_has_size_age_and_archived(team, names, static):
    one, two = names
    with running(InDatabase(team), static=static) as server, server.client(headers=server.bearer) as client:
        found = {entry["name"]: entry for entry in client.get("/api/v1/projects").json()["projects"]}
        with cc.open(f"{team}?project={one}") as project:
            changed = max(change.at for change in project.history())
        expected = {"num_models": 3, "num_archived": 1, "changed_at": changed, "problem": None}
        assert found[one] == {"name": one, **expected}
        assert found[two] == {"name": two, "num_models": 0, "num_archived": 0, "changed_at": None, "problem": None}
        assert client.get(f"/p/{one}/api/v1/project").json()["num_models"] == 3
        assert client.get("/p/no-such/api/v1/project").json()["code"] == "project.unknown"
        assert client.get("/p/Not%20a%20name/api/v1/project").json()["code"] == "project.unknown"


def test_a_project_that_cannot_be_read_is_named(team, names, static, postgres):
    one, two = names
    postgres.execute(f'DROP TABLE "cc_{one}".history CASCADE')
    postgres.execute(f"UPDATE \"cc_{two}\".meta SET value = '1' WHERE name = 'schema_version'")
    found = {entry.name: entry for entry in InDatabase(team).entries()}
    assert found[one].problem == "The tables of this project are damaged."
    assert (found[two].problem, found[two].num_models) == (None, 0)  # opening it brings it up


def test_a_project_is_made_in_the_database_and_its_files_go_below_the_place(team, static):
    name = f"made-{uuid.uuid4().hex[:8]}"
    place = InDatabase(team, FILES)
    with running(place, static=static) as server, server.client(headers=server.bearer) as client:
        assert client.post("/api/v1/projects", json={"name": name}).status_code == 201
        assert client.post("/api/v1/projects", json={"name": name}).json()["code"] == "project.exists"
        assert client.post("/api/v1/projects", json={"name": "Not A Name"}).json()["code"] == "project.name"
        with cc.open(f"{server.address}/p/{name}", token=server.token) as project:
            project.log_model("net", checkpoint={"w": np.ones((1, 2), "f4")}, metrics={"Accuracy": 0.5})
    with cc.open(f"{team}?project={name}", create=False) as project:
        assert project.models()["id"].to_pylist() == ["net"] and project.damage() == []
    with running(InDatabase(team), static=static) as server, server.client(headers=server.bearer) as client:
        answer = client.post("/api/v1/projects", json={"name": f"{name}-2"}).json()
        assert answer["code"] == "project.artifacts"


def test_what_a_place_cannot_be(team, tmp_path):
    for location, artifacts, code in (
        (f"{team}?project=one", None, "projects.is_project"),
        (team, "ftp://x", "project.artifacts"),
        (str(tmp_path), FILES, "project.artifacts"),
    ):
        with pytest.raises(InvalidValue) as caught:
            place_of(location, artifacts)
        assert caught.value.code == code
    nobody = f"postgresql://tester@127.0.0.1:{servers.free_ports(1)[0]}/tests"
    with pytest.raises(StoreError) as lost:
        place_of(nobody)
    assert lost.value.code == "store.unreachable"
    assert isinstance(place_of(str(tmp_path)), Directory)


def test_what_is_done_on_one_server_is_seen_on_the_other_at_once(team, names, tmp_path, monkeypatch):
    name = names[0]
    with (
        served_from_its_own_machine(team, tmp_path / "a", monkeypatch) as here,
        served_from_its_own_machine(team, tmp_path / "b", monkeypatch) as there,
    ):
        with there.stream("GET", f"/p/{name}/api/v1/events") as stream:
            lines = stream.iter_lines()

            def news():
                data = next(line for line in lines if line.startswith("data: "))
                return json.loads(data.removeprefix("data: "))

            before = news()
            answer = here.patch(f"/p/{name}/api/v1/model?id=root", json={"note": "From the other server."})
            assert answer.status_code == 200
            while news()["revision"] == before["revision"]:
                pass
        assert there.get(f"/p/{name}/api/v1/model?id=root").json()["note"] == "From the other server."
        made = f"made-{uuid.uuid4().hex[:8]}"
        assert here.post("/api/v1/projects", json={"name": made}).status_code == 201
        assert there.get(f"/p/{made}/api/v1/project").json()["num_models"] == 0
        both = [client.get("/api/v1/projects").json()["projects"] for client in (here, there)]
        assert both[0] == both[1]


HOLD = """
import socket, sys
socket.gethostname = lambda: sys.argv[2]
import compress_compare as cc
from compress_compare.engines.queue import Queue
from compress_compare.records import Operation
with cc.open(sys.argv[1]) as project:
    queue = Queue(project.path)
    from compress_compare.store import jobs
    with queue.database.write(counter="jobs") as connection:
        jobs.create(connection, [jobs.Draft("operation", {}, "on another machine")], owner=queue.owner)
    print("queued", flush=True)
    sys.stdin.read()
"""


def test_jobs_of_a_server_on_another_machine_are_left_alone_while_it_lives(team, names, tmp_path):
    """Process ids of another machine say nothing here; the database knows who is connected."""
    url = f"{team}?project={names[0]}"
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, url, "another-machine"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline() == "queued\n"
        with cc.open(url) as project:
            queue = Queue(project.path)
            (entry,) = queue.unfinished(mine=False)
            assert entry.owner.endswith(":another-machine")
            assert queue.lives(entry.owner)
            other.kill()
            other.wait()
            assert wait_until(lambda: not queue.lives(entry.owner))
            queue.close()
    finally:
        other.kill()
        other.communicate()


def test_the_command_line_names_what_is_wrong(team):
    def said(*options):
        done = subprocess.run(
            [*TOOL, "serve", *options, "--no-browser"], capture_output=True, text=True, env=os.environ
        )
        assert done.returncode == 2
        return done.stderr

    assert "serve.artifacts" in said("x", "--artifacts", FILES)
    assert "serve.what" in said("x", "--projects", team)
    assert "projects.is_project" in said("--projects", f"{team}?project=one")
