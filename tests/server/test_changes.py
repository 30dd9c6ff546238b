"""Changes of what was logged, over HTTP."""

import numpy as np
import pytest

import compress_compare as cc

from .running import running

pytestmark = pytest.mark.usefixtures("each_backend")


@pytest.fixture
def small(tmp_path):
    with cc.open(tmp_path / "project") as project:
        project.define_metric("Accuracy", min=0, max=1)
        project.log_model("root", operation=cc.Operation("train"), metrics={"Accuracy": 0.9})
        project.log_model("a", base="root", operation=cc.Operation("prune", amount=0.5), metrics={"Accuracy": 0.8})
        project.log_model("b", base="a", operation=cc.Operation("finetune"), metrics={"Accuracy": 0.85})
        yield project


@pytest.fixture
def pages(small, static):
    with running(small, static=static) as server, server.client(headers=server.bearer) as client:
        yield client


def models(client):
    return {model["id"]: model["metrics"].get("Accuracy") for model in client.get("/api/v1/models").json()["models"]}


def post(client, path, id, /, **body):
    answer = client.post(f"/api/v1/{path}", params={"id": id}, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["change"]


def test_every_change_is_seen_at_once_and_can_be_taken_back(pages):
    before = models(pages)
    revisions = [pages.get("/api/v1/models").json()["revision"]]
    post(pages, "model/rename", "root", id="resnet", reason="its name")
    assert list(models(pages)) == ["resnet", "a", "b"]
    change = post(pages, "model/correct", "a", values={"Accuracy": 0.7}, reason="typo")
    assert (change["old"], change["new"]) == ({"Accuracy": 0.8}, {"Accuracy": 0.7})
    (correction,) = pages.get("/api/v1/model", params={"id": "a"}).json()["corrections"]
    assert correction == change
    post(pages, "model/base", "b", base="resnet")
    post(pages, "model/base", "b", base="resnet", operation={"name": "distill", "parameters": {"epochs": 2}})
    assert pages.get("/api/v1/model", params={"id": "b"}).json()["parameters"] == {"epochs": 2}
    post(pages, "model/archive", "b", archived=True)
    assert models(pages) == {"resnet": 0.9, "a": 0.7}
    assert pages.get("/api/v1/model", params={"id": "b"}).json()["archived"] is True
    pages.request("DELETE", "/api/v1/model", params={"id": "a", "reason": "no use"})
    assert models(pages) == {"resnet": 0.9}
    history = pages.get("/api/v1/history").json()
    assert (history["archived"], history["deleted"]) == (["b"], ["a"])
    assert [one["action"] for one in history["changes"]] == [
        *("delete", "archive", "set base", "set base", "correct", "rename")
    ]
    assert history["changes"][0]["origin"]["host"]
    assert [one["action"] for one in pages.get("/api/v1/history", params={"id": "b"}).json()["changes"]] == [
        *("archive", "set base", "set base")
    ]
    for _ in range(6):
        answer = pages.post("/api/v1/undo", json={})
        assert answer.status_code == 200
        revisions.append(pages.get("/api/v1/models").json()["revision"])
    assert models(pages) == before
    assert revisions == sorted(set(revisions))


def test_a_deleted_model_is_restored(pages):
    number = pages.request("DELETE", "/api/v1/model", params={"id": "a", "descendants": True}).json()["change"][
        "number"
    ]
    assert list(models(pages)) == ["root"]
    post(pages, "model/restore", "a")
    assert list(models(pages)) == ["root", "a", "b"]
    answer = pages.post("/api/v1/undo", json={"number": number})
    assert (answer.status_code, answer.json()["code"]) == (409, "history.not_undoable")


def test_deleted_models_are_purged(small, pages):
    small.log_model("c", base="a", operation=cc.Operation("finetune"), checkpoint={"w": np.ones(4, np.float32)})
    pages.request("DELETE", "/api/v1/model", params={"id": "a", "descendants": True})
    answer = pages.post("/api/v1/purge", json={})
    assert answer.status_code == 200, answer.text
    assert answer.json()["models"] == 3
    assert pages.post("/api/v1/purge", json={}).json() == {"models": 0, "num_files": 0, "num_bytes": 0}
    assert pages.get("/api/v1/history").json()["deleted"] == []
    assert pages.post("/api/v1/model/restore", params={"id": "a"}, json={}).json()["code"] == "model.not_deleted"


@pytest.mark.parametrize(
    ("path", "id", "body", "status", "code"),
    [
        ("model/rename", "a", {"id": "b"}, 409, "model.exists"),
        ("model/rename", "none", {"id": "c"}, 404, "model.unknown"),
        ("model/base", "root", {"base": "b"}, 409, "model.cycle"),
        ("model/archive", "a", {"archived": True}, 409, "model.has_descendants"),
        ("model/correct", "a", {"values": {"Accuracy": 97.5}}, 422, "metric.range"),
        ("model/correct", "a", {"values": {"None": 1}}, 404, "metric.unknown"),
        ("model/restore", "a", {}, 404, "model.not_deleted"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(pages, path, id, body, status, code):
    answer = pages.post(f"/api/v1/{path}", params={"id": id}, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert pages.get("/api/v1/history").json()["changes"] == []


def test_a_model_with_others_below_it_is_not_deleted_alone(pages):
    answer = pages.request("DELETE", "/api/v1/model", params={"id": "a"})
    assert (answer.status_code, answer.json()["code"]) == (409, "model.has_descendants")
    assert list(models(pages)) == ["root", "a", "b"]


def test_a_correction_of_what_is_no_longer_so_is_refused(pages):
    first = {"values": {"Accuracy": 0.7}, "seen": {"Accuracy": {"value": 0.8}}, "reason": "typo"}
    post(pages, "model/correct", "a", **first)
    answer = pages.post("/api/v1/model/correct", params={"id": "a"}, json=first)
    assert (answer.status_code, answer.json()["code"]) == (409, "metric.changed")
    assert answer.json()["title"].startswith("Accuracy is 0.7 now, and no longer 0.8")
    assert models(pages)["a"] == 0.7


def test_one_of_several_values_is_corrected_where_it_was_measured(small, pages):
    for device, value in (("cpu", 0.5), ("gpu", 0.6)):
        small.log_metrics("a", {"Accuracy": cc.records.MetricValue(value, device=device)})
    seen = {"Accuracy": {"value": 0.6, "device": "gpu"}}
    change = post(pages, "model/correct", "a", values={"Accuracy": 0.65}, seen=seen)
    assert (change["old"], change["new"]) == ({"Accuracy (gpu)": 0.6}, {"Accuracy (gpu)": 0.65})
    found = pages.get("/api/v1/model", params={"id": "a"}).json()["metrics"]
    assert {(one["device"], one["value"]) for one in found} == {(None, 0.8), ("cpu", 0.5), ("gpu", 0.65)}
    answer = pages.post("/api/v1/model/correct", params={"id": "a"}, json={"values": {"Accuracy": 0.1}})
    assert answer.json()["code"] == "metric.ambiguous"


def test_what_would_be_deleted_is_told_before(small, pages):
    small.archive("b")
    answer = pages.get("/api/v1/model/descendants", params={"id": "root"})
    assert answer.json() == {"models": ["a", "b"]}
    assert pages.get("/api/v1/model/descendants", params={"id": "x"}).json()["code"] == "model.unknown"
