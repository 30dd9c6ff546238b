"""Several projects on one server: their list, and each as if it were alone."""

from __future__ import annotations

import tempfile

import pytest

import compress_compare as cc
from compress_compare.errors import InvalidValue, NotFound
from compress_compare.server.app import Reach
from compress_compare.server.lock import claimed
from compress_compare.server.projects import Directory
from compress_compare.server.tokens import Tokens

from .conftest import fill
from .running import running, served


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    with cc.open(folder / "alpha") as project:
        fill(project)
        project.archive("broken")
    cc.open(folder / "empty one").close()
    (folder / "no project").mkdir()
    (folder / "notes.txt").write_text("CANARY")
    (folder.parent / "outside").mkdir(exist_ok=True)
    cc.open(folder.parent / "outside").close()
    (folder / "link").symlink_to(folder.parent / "outside")
    return folder


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    return Tokens(tmp_path_factory.mktemp("tokens"))


@pytest.fixture(scope="module")
def hub(folder, static, tokens):
    (static / "projects.html").write_text("<!doctype html><title>Projects</title>")
    with running(Directory(folder), static=static, reach=Reach(named=tokens)) as server:
        yield server


@pytest.fixture
def client(hub):
    with hub.client(headers=hub.bearer) as opened:
        yield opened


def test_the_list_says_how_large_each_is_and_when_it_changed(client, folder):
    answer = client.get("/api/v1/projects").json()
    assert answer["role"] == "admin"
    found = {one["name"]: one for one in answer["projects"]}
    assert list(found) == ["alpha", "empty one"]
    assert (found["alpha"]["num_models"], found["alpha"]["num_archived"]) == (3, 1)
    with cc.open(folder / "alpha") as project:
        assert found["alpha"]["changed_at"] == max(change.at for change in project.history())
    assert found["empty one"] == {
        "name": "empty one",
        "num_models": 0,
        "num_archived": 0,
        "changed_at": None,
        "problem": None,
    }


def test_a_damaged_project_is_named_and_the_others_open(client, folder):
    (folder / "broken").mkdir()
    (folder / "broken" / "compress-compare.db").write_bytes(b"no database" * 100)
    found = {one["name"]: one for one in client.get("/api/v1/projects").json()["projects"]}
    assert "cannot be read" in found["broken"]["problem"]
    assert client.get("/p/broken/api/v1/project").json()["code"] == "store.corrupt"
    assert client.get("/p/alpha/api/v1/project").status_code == 200
    (folder / "broken" / "compress-compare.db").unlink()


def test_each_project_works_as_if_it_were_alone(client):
    assert client.get("/p/alpha/api/v1/project").json()["name"] == "alpha"
    assert client.get("/p/empty%20one/api/v1/project").json()["num_models"] == 0
    answer = client.patch("/p/alpha/api/v1/model?id=root", json={"note": "Here."})
    assert answer.json()["note"] == "Here."
    page = client.get("/p/alpha/", headers={"Accept": "text/html"})
    assert "<title>The page" in page.text
    assert client.get("/p/alpha/assets/index-B1d3kQ9x.js").status_code == 200
    assert client.get("/p/alpha/api/v1/nothing").json()["code"] == "route.unknown"
    assert client.post("/p/alpha/api/v1/selection", json={"models": [1]}).status_code == 422


def test_its_address_ends_with_a_slash_so_that_addresses_below_it_work(client):
    answer = client.get("/p/empty%20one", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (307, "/p/empty%20one/")


def test_the_page_at_the_top_lists_them(client):
    assert "<title>Projects" in client.get("/", headers={"Accept": "text/html"}).text


@pytest.mark.parametrize(
    "name",
    ["nothing", "no%20project", "link", "..", "%2e%2e", "..%2fmany", "alpha%2f..%2falpha", ".", "notes.txt", "%00"],
)
def test_what_is_no_project_there_is_not_opened(hub, client, name):
    lines = (f"GET /p/{name}/api/v1/project HTTP/1.1", f"Host: 127.0.0.1:{hub.port}", "Connection: close")
    assert hub.status(*lines, f"Authorization: Bearer {hub.token}") == 404
    assert "CANARY" not in client.get(f"/p/{name}/").text


def test_nothing_is_reached_without_a_token(hub):
    with hub.client() as stranger:
        for path in (
            "/",
            "/api/v1/projects",
            "/p/alpha/",
            "/p/alpha/api/v1/project",
            "/p/alpha/healthz",
            "/p/nothing/x",
        ):
            answer = stranger.get(path)
            assert (answer.status_code, answer.json()["code"]) == (401, "auth.required"), path
        assert stranger.post("/p/alpha/login", json={"token": hub.token}).status_code == 401
        assert stranger.post("/api/v1/projects", json={"name": "mine"}).status_code == 401
        assert stranger.get("/p/alpha/x", headers={"Accept": "text/html"}).status_code == 401
        api = stranger.get("/p/alpha/api/v1/project", headers={"Accept": "text/html"})
        assert api.headers["content-type"] == "application/problem+json"


def test_the_origin_gate_knows_the_api_of_each_project(client):
    cross = {"Sec-Fetch-Site": "cross-site"}
    assert client.get("/p/alpha/api/v1/project", headers=cross).status_code == 403
    assert client.get("/p/alpha/", headers=cross | {"Accept": "text/html"}).status_code == 200


def test_roles_hold_in_each_project(hub, tokens):
    reader, logger = tokens.create("reader", "read"), tokens.create("logger", "log")
    with hub.client(headers={"Authorization": f"Bearer {reader}"}) as client:
        assert client.get("/p/alpha/api/v1/project").status_code == 200
        assert client.patch("/p/alpha/api/v1/model?id=root", json={"note": "x"}).json()["code"] == "auth.role"
        assert client.post("/api/v1/projects", json={"name": "mine"}).json()["code"] == "auth.role"
        assert client.get("/api/v1/projects").json()["role"] == "read"
    with hub.client(headers={"Authorization": f"Bearer {logger}"}) as client:
        assert client.patch("/p/alpha/api/v1/model?id=root", json={"note": "x"}).status_code == 200


def test_a_project_is_made_once_and_by_a_plain_name(client, folder):
    assert client.post("/api/v1/projects", json={"name": "new-1"}).status_code == 201
    assert client.get("/p/new-1/api/v1/project").json()["num_models"] == 0
    assert client.post("/api/v1/projects", json={"name": "new-1"}).json()["code"] == "project.exists"
    before = sorted(path.name for path in folder.iterdir())
    for name in ("", ".", "..", "../x", "/x", "a/b", "a\\b", ".hidden", "a\0b", "x" * 101, "é", "-x"):
        answer = client.post("/api/v1/projects", json={"name": name})
        assert answer.status_code in (400, 422), name
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_cookie_opens_all_and_signing_out_closes_all(hub):
    with hub.client() as client:
        assert client.get("/p/alpha/", params={"token": hub.token}).headers["location"] == "/p/alpha/"
        for path in ("/api/v1/projects", "/p/alpha/api/v1/project", "/p/empty%20one/api/v1/project"):
            assert client.get(path).status_code == 200
        assert client.post("/p/alpha/api/v1/logout", json={}).status_code == 204
        assert client.get("/api/v1/projects").status_code == 401


def test_one_that_another_process_serves_is_told(tmp_path, static):
    cc.open(tmp_path / "busy").close()
    with (
        claimed(tmp_path / "busy"),
        running(Directory(tmp_path), static=static) as server,
        server.client(headers=server.bearer) as client,
    ):
        assert client.get("/p/busy/api/v1/project").json()["code"] == "server.running"
    with running(Directory(tmp_path), static=static) as server, server.client(headers=server.bearer) as client:
        assert client.get("/p/busy/api/v1/project").status_code == 200


def test_nothing_that_was_sent_stays_when_it_ends(tmp_path, static, monkeypatch):
    (tmp_path / "sent").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "sent"))
    cc.open(tmp_path / "one").close()
    with running(Directory(tmp_path), static=static) as server, server.client(headers=server.bearer) as client:
        sent = client.post("/p/one/api/v1/import/files", json={"path": "runs.csv", "offset": 0, "content": "YQ=="})
        assert sent.status_code == 200
        assert [path.name for path in (tmp_path / "sent").rglob("*.csv")] == ["runs.csv"]
    assert not list((tmp_path / "sent").iterdir())


def test_a_place_that_is_none(tmp_path, folder):
    with pytest.raises(NotFound):
        Directory(tmp_path / "nothing")
    with pytest.raises(InvalidValue, match="is a project itself"):
        Directory(folder / "alpha")


def test_the_command_serves_a_folder(folder):
    with served(f"--projects={folder}", "--port", "0") as (_, line):
        assert line.startswith("http://127.0.0.1:") and "/?token=" in line
