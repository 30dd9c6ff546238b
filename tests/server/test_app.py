"""What each route answers."""

import pyarrow as pa
import pytest

from compress_compare.server import routes
from compress_compare.server.app import create_app
from compress_compare.server.keys import new_token


def test_project(client, project):
    answer = client.get("/api/v1/project").json()
    assert (answer["name"], answer["num_models"], answer["revision"]) == ("small", 4, project.revision())
    assert answer["metrics"][0] == {
        "name": "Accuracy",
        "unit": "",
        "format": ".1%",
        "higher_is_better": True,
        "primary": True,
        "min": 0.0,
        "max": 1.0,
        "description": "",
    }
    assert answer["operations"] == [
        {"name": "train", "parameters": ["epochs"], "count": 1},
        {"name": "magnitude prune", "parameters": ["amount"], "count": 2},
        {"name": "quantize", "parameters": ["bits"], "count": 1},
    ]
    assert [(d["name"], d["num_instances"]) for d in answer["datasets"]] == [("digits", 3)]
    assert answer["tags"] == ["at 0.5", "at 0.9", "pruned"]


def test_models_as_json(client):
    answer = client.get("/api/v1/models", params={"limit": 2, "offset": 1}).json()
    assert answer["total"] == 4
    assert [model["id"] for model in answer["models"]] == ["pruned 0.5", "pruned 0.9"]
    assert answer["models"][1] == {
        "id": "pruned 0.9",
        "base": "root",
        "operation": "magnitude prune",
        "parameters": {"amount": 0.9},
        "step": 1,
        "tags": ["pruned", "at 0.9"],
        "references": [{"role": "teacher", "model": "root"}],
        "metrics": {"Accuracy": 0.98 - 0.09, "Size": 4000 * (1 - 0.9)},
    }
    assert client.get("/api/v1/models", params={"offset": 4}).json()["models"] == []


def test_models_as_arrow(client, project):
    headers = {"Accept": "application/vnd.apache.arrow.stream"}
    answer = client.get("/api/v1/models", headers=headers)
    assert answer.headers["content-type"] == headers["Accept"]
    assert answer.headers["x-revision"] == str(project.revision())
    table = pa.ipc.open_stream(answer.content).read_all()
    fixed = ["id", "base", "operation", "parameters", "step", "tags", "references", "replicate"]
    assert table.column_names == [*fixed, "Accuracy", "Size"]
    types = [str(field.type) for field in table.schema]
    assert types == [
        "string",
        "string",
        "string",
        "string",
        "int32",
        "list<item: string>",
        "string",
        "string",
        "double",
        "double",
    ]
    assert table["id"].to_pylist() == ["root", "pruned 0.5", "pruned 0.9", "broken"]
    assert str(table["Accuracy"].to_pylist()[3]) == "nan"
    assert table["Size"].to_pylist()[3] == float("inf")


def test_unchanged_models_are_not_sent_again(client, project):
    headers = {"Accept": "application/vnd.apache.arrow.stream"}
    etag = client.get("/api/v1/models", headers=headers).headers["etag"]
    again = client.get("/api/v1/models", headers=headers | {"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    project.set_note("root", "Changed.")
    changed = client.get("/api/v1/models", headers=headers | {"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


def test_model(client):
    answer = client.get("/api/v1/model", params={"id": "pruned 0.5"}).json()
    assert answer["lineage"] == [
        {"model": "root", "operation": "train", "parameters": {"epochs": 3}},
        {"model": "pruned 0.5", "operation": "magnitude prune", "parameters": {"amount": 0.5}},
    ]
    assert (answer["base"], answer["step"], answer["note"], answer["tags"]) == (
        "root",
        1,
        "A note.",
        ["pruned", "at 0.5"],
    )
    assert {metric["name"]: metric["value"] for metric in answer["metrics"]} == {
        "Accuracy": 0.98 - 0.05,
        "Size": 2000.0,
    }
    assert answer["checkpoint"] is None
    assert client.get("/api/v1/model", params={"id": "root"}).json()["datasets"] == ["digits"]


def test_changing_a_model(client):
    url = "/api/v1/model?id=broken"
    assert client.patch(url, json={"note": "Try 4 bits.", "tags": ["no"]}).json()["tags"] == ["no"]
    assert client.patch(url, json={"tags": []}).json()["note"] == "Try 4 bits."
    assert client.patch(url, json={"note": ""}).json()["note"] == ""


def test_selection(client, project):
    ids = ["pruned 0.9", "pruned 0.5"]
    answer = client.post("/api/v1/selection", json={"models": ids})
    assert answer.status_code == 200, answer.text
    expected = project.selection(ids)
    body = answer.json()
    assert [(v["name"], v["kind"], v["values"]) for v in body["variables"]] == [("amount", "parameter", [0.5, 0.9])]
    assert body["rows"] == {"pruned 0.5": [0.5], "pruned 0.9": [0.9]}
    assert body["chart"] == {"x": "amount", "color": None, "facet": None}
    assert len(body["constant"]) == len(expected.constant)


def test_frontier(client):
    answer = client.get("/api/v1/frontier", params={"x": "Size", "y": "Accuracy"})
    ids = ["pruned 0.9", "pruned 0.5", "root"]
    assert answer.json() == {"ids": ids, "x": "Size", "y": "Accuracy", "notes": []}


def test_effects(client, project):
    rows = client.get("/api/v1/effects").json()["effects"]
    assert len(rows) == len(project.effects())
    one = client.get("/api/v1/effects", params={"metric": "Accuracy", "pairs": 1}).json()["effects"]
    assert [{**row, "models": row["models"][:1]} for row in rows if row["metric"] == "Accuracy"] == one
    assert client.get("/api/v1/effects", params={"metric": "nothing"}).json()["code"] == "metric.unknown"
    change = next(r for r in rows if r["parameter"] == "amount" and r["metric"] == "Accuracy")
    assert (change["operation"], change["condition"], change["pairs"]) == ("magnitude prune", "0.5 → 0.9", 1)
    assert change["mean"] == pytest.approx(-0.04)


def test_jobs(client):
    assert client.get("/api/v1/jobs").json() == {"jobs": []}


def test_health_is_public(stranger):
    assert stranger.get("/healthz").json() == {"status": "ok"}


def test_every_route_of_the_api_is_in_the_document(client, server):
    documented = set(client.get("/api/v1/openapi.json").json()["paths"])
    hidden = {"/login", "/login.css", "/login.js", "/api/v1/openapi.json", "/{path:path}"}
    of_many = {route.path for router in routes.OF_MANY for route in router.routes}
    assert documented - of_many == {route.path for route in server.app.router.routes} - hidden


def test_a_weak_token_is_refused(project):
    with pytest.raises(ValueError, match="128 bits"):
        create_app(project, token="secret", port=8787)
    assert len(new_token()) >= 43
