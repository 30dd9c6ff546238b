"""Merging over HTTP: what differs is seen first, and nothing comes in before all of it is decided."""

import base64
import shutil

import pytest

import compress_compare as cc
from compress_compare.server.archives import Archives

from .running import running


@pytest.fixture
def copies(tmp_path):
    """Two copies that diverged: one model each, and another value and note of the same model."""
    with cc.open(tmp_path / "ours") as project:
        project.log_model("root", operation=cc.Operation("train"), metrics={"Accuracy": 0.9})
    shutil.copytree(tmp_path / "ours", tmp_path / "theirs")
    for name, note in (("ours", "seen here"), ("theirs", "seen there")):
        with cc.open(tmp_path / name) as project:
            project.log_model(f"of {name}", base="root", operation=cc.Operation("prune", by=name))
            project.set_note("root", note)
    with cc.open(tmp_path / "theirs") as theirs:
        theirs.pack(tmp_path / "theirs.ccz")
    return tmp_path


@pytest.fixture
def page(copies, static):
    with (
        cc.open(copies / "ours") as project,
        running(project, static=static) as server,
        server.client(headers=server.bearer) as client,
    ):
        yield client


def ids(client):
    return [model["id"] for model in client.get("/api/v1/models").json()["models"]]


def test_a_model_that_was_renamed_there_is_not_new(page, copies):
    with cc.open(copies / "theirs") as theirs:
        theirs.rename("root", "start")
    found = page.post("/api/v1/merge/preview", json={"path": str(copies / "theirs")}).json()
    assert (found["num_models"], found["num_new"]) == (2, 1)
    assert [one["title"] for one in found["conflicts"]] == ["note start"]
    assert ids(page) == ["root", "of ours"]
    page.post("/api/v1/merge", json={"path": str(copies / "theirs"), "rule": "ours"})
    assert ids(page) == ["start", "of ours", "of theirs"]


def test_conflicts_are_seen_first_and_decided(page, copies):
    body = {"path": str(copies / "theirs")}
    found = page.post("/api/v1/merge/preview", json=body).json()
    assert (found["num_models"], found["num_new"]) == (2, 1)
    (conflict,) = found["conflicts"]
    assert conflict == {"title": "note root", "ours": "'seen here'", "theirs": "'seen there'", "both": True}
    refused = page.post("/api/v1/merge", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "merge.conflict")
    assert ids(page) == ["root", "of ours"]
    done = page.post("/api/v1/merge", json=body | {"choices": {"note root": "theirs"}})
    assert done.status_code == 200, done.text
    assert done.json()["added"]["models"] == 1 and done.json()["num_conflicts"] == 1
    assert ids(page) == ["root", "of ours", "of theirs"]
    assert page.get("/api/v1/model", params={"id": "root"}).json()["note"] == "seen there"
    again = page.post("/api/v1/merge", json=body | {"rule": "ours"})
    assert again.status_code == 200 and "models" not in again.json()["added"]


def test_an_archive_is_sent(page, copies):
    content = base64.b64encode((copies / "theirs.ccz").read_bytes()).decode()
    sent = page.post("/api/v1/import/files", json={"path": "theirs.ccz", "offset": 0, "content": content}).json()
    body = {"upload": sent["upload"]}
    assert page.post("/api/v1/merge/preview", json=body).json()["num_new"] == 1
    assert page.post("/api/v1/merge", json=body | {"rule": "ours"}).status_code == 200
    assert ids(page) == ["root", "of ours", "of theirs"]


def test_the_project_is_downloaded_as_an_archive(page, copies):
    found = page.get("/api/v1/archive")
    assert found.headers["content-type"] == "application/zip"
    assert found.headers["content-disposition"] == 'attachment; filename="ours.ccz"'
    with cc.open(copies / "ours", read_only=True) as project:
        project.pack(copies / "packed.ccz")
    assert found.content == (copies / "packed.ccz").read_bytes()
    assert page.get("/api/v1/archive").content == found.content
    (copies / "sent.ccz").write_bytes(found.content)
    with cc.unpack(copies / "sent.ccz", copies / "unpacked") as copy:
        assert copy.models()["id"].to_pylist() == ["root", "of ours"]


def test_archives_are_shared_while_they_are_read_and_then_removed(copies):
    with cc.open(copies / "ours") as project:
        archives = Archives(project)
        first, second = archives.open(), archives.open()
        assert first is second
        project.set_note("root", "changed")
        third = archives.open()
        assert third.path.read_bytes() != first.path.read_bytes()
        archives.release(first)
        assert first.path.is_file()
        archives.release(second)
        assert (first.path.parent.exists(), third.path.is_file()) == (False, True)
        archives.close()
        assert not third.path.parent.exists()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "merge.place"),
        ({"path": "theirs"}, "merge.place"),
        ({"path": "https://host/p/x"}, "merge.place"),
        ({"path": "/nowhere/at/all"}, "project.unknown"),
        ({"upload": "0" * 32}, "upload.unknown"),
    ],
)
def test_what_cannot_be_merged_is_said(page, body, code):
    for route in ("merge", "merge/preview"):
        answer = page.post(f"/api/v1/{route}", json=body)
        assert 400 <= answer.status_code < 500 and answer.json()["code"] == code
    assert ids(page) == ["root", "of ours"]


def test_a_choice_that_is_none_is_refused(page, copies):
    answer = page.post("/api/v1/merge", json={"path": str(copies / "theirs"), "choices": {"note root": "mine"}})
    assert answer.status_code == 422 or answer.status_code == 400
    answer = page.post("/api/v1/merge", json={"path": str(copies / "theirs"), "choices": {"note none": "ours"}})
    assert answer.json()["code"] == "merge.choice"


def test_the_frontier_says_which_way_of_measuring_it_shows(tmp_path, static):
    with cc.open(tmp_path / "p") as project:
        project.define_metric("Latency", higher_is_better=False)
        project.define_metric("Size", higher_is_better=False)
        phone, cpu = (lambda value, device=device: cc.MetricValue(value, device=device) for device in ("phone", "cpu"))
        project.log_model("a", operation=cc.Operation("t"), metrics={"Latency": [phone(1.0), cpu(2.0)], "Size": 1})
        project.log_model("b", base="a", operation=cc.Operation("u"), metrics={"Latency": [cpu(1.0)], "Size": 2})
        with running(project, static=static) as server, server.client(headers=server.bearer) as client:
            found = client.get("/api/v1/frontier", params={"x": "Latency", "y": "Size"}).json()
            assert (found["ids"], found["x"], found["y"]) == (["b", "a"], "Latency (cpu)", "Size")
            assert "measured in 2 ways" in found["notes"][0]
            found = client.get("/api/v1/frontier", params={"x": "Latency (phone)", "y": "Size"}).json()
            assert (found["ids"], found["notes"]) == (["a"], [])
