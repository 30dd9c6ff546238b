"""What every route says it answers, and that it does answer that."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from fastapi.routing import APIRoute

import compress_compare as cc
from compress_compare.page.arrow import MEDIA_TYPE
from compress_compare.page.wire.layers import OverlayAnswer
from compress_compare.server import openapi, routes

from .running import running

DOCUMENT = openapi.document()
OPERATIONS = [(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods]
NOTHING = ("204", "304")


def undeclared(operation: dict) -> list[str]:
    """The statuses of an operation that come with a body of which nothing is said."""
    return [
        status
        for status, response in operation["responses"].items()
        if status not in NOTHING
        and not (response.get("content") and all(body.get("schema") for body in response["content"].values()))
    ]


def test_every_route_is_in_the_document():
    listed = {
        (method.lower(), route.path)
        for router in (*routes.ROUTERS, *routes.OF_MANY)
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    assert set(OPERATIONS) == listed


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_a_route_declares_its_response(method, path):
    assert undeclared(DOCUMENT["paths"][path][method]) == []


def test_a_route_that_declares_none_is_found():
    assert undeclared({"responses": {"200": {"description": "Successful Response"}}}) == ["200"]
    assert undeclared({"responses": {"200": {"content": {"application/json": {"schema": {}}}}}}) == ["200"]
    assert undeclared({"responses": {"204": {"description": "Done."}}}) == []


def fields_of(path: str, method: str = "post") -> dict:
    """The declared columns of a stream, by name."""
    rows = DOCUMENT["paths"][path][method]["responses"]["200"]["content"][MEDIA_TYPE]["schema"]
    return DOCUMENT["components"]["schemas"][rows["items"]["$ref"].rpartition("/")[2]]["properties"]


def kinds(schema: dict) -> set[str]:
    return {part["type"] for part in schema.get("anyOf", [schema])}


def holds(column: pa.ChunkedArray, schema: dict) -> bool:
    """Whether all that is in the column may be there."""
    types = {"string": (str,), "number": (int, float), "integer": (int,), "array": (list,), "null": (type(None),)}
    allowed = tuple(kind for name in kinds(schema) for kind in types[name])
    return all(isinstance(value, allowed) for value in column.to_pylist())


@pytest.fixture(scope="module")
def client(each_backend_of_module, tmp_path_factory, static):
    weights = {"a.weight": np.arange(12, dtype=np.float32).reshape(3, 4), "b.weight": np.ones((2, 3), np.float32)}
    with cc.open(tmp_path_factory.mktemp("contract") / "project") as project:
        errors = {"Accuracy": cc.MetricValue(0.9, standard_error=0.01)}
        project.log_model("base", operation=cc.Operation("train"), metrics=errors, checkpoint=weights)
        half = {name: value * (value > 1) for name, value in weights.items()}
        project.log_model("half", base="base", operation=cc.Operation("prune"), metrics=errors, checkpoint=half)
        with running(project, static=static) as server, server.client(headers=server.bearer) as opened:
            yield opened


def rows_match(table: pa.Table, declared: dict) -> None:
    assert set(table.column_names) <= set(declared)
    assert {name: holds(table[name], declared[name]) for name in table.column_names} == dict.fromkeys(
        table.column_names, True
    )


@pytest.mark.parametrize("what", ["sparsity", "weights", "storage"])
def test_the_stream_of_layers_has_the_declared_columns(client, what):
    answer = client.post("/api/v1/layers", json={"base": "base", "models": ["half"], "what": what})
    assert answer.headers["content-type"] == MEDIA_TYPE
    rows_match(pa.ipc.open_stream(answer.content).read_all(), fields_of("/api/v1/layers"))


def test_the_streams_of_a_tensor_have_the_declared_columns(client):
    tensor = {"base": "base", "model": "half", "tensor": "a.weight"}
    shown = set()
    for what in ("value", "change", "mask"):
        answer = client.post("/api/v1/layers/tensor/tile", json=tensor | {"what": what})
        table = pa.ipc.open_stream(answer.content).read_all()
        rows_match(table, fields_of("/api/v1/layers/tensor/tile"))
        shown |= set(table.column_names)
    assert shown == set(fields_of("/api/v1/layers/tensor/tile"))
    answer = client.post("/api/v1/layers/tensor/channels", json=tensor)
    table = pa.ipc.open_stream(answer.content).read_all()
    assert table.column_names == list(fields_of("/api/v1/layers/tensor/channels"))
    rows_match(table, fields_of("/api/v1/layers/tensor/channels"))


@pytest.mark.parametrize("path", ["/api/v1/models", "/api/v1/standard-errors"])
def test_the_streams_of_models_have_the_declared_columns_and_then_the_metrics(client, path):
    answer = client.get(path, headers={"Accept": MEDIA_TYPE})
    table, declared = pa.ipc.open_stream(answer.content).read_all(), fields_of(path, "get")
    assert table.column_names == [*declared, "Accuracy"]
    rows_match(table.select(list(declared)), declared)


def test_the_file_for_model_explorer_is_as_declared(client):
    body = {"base": "base", "models": ["half"], "what": "weights", "model": "half", "measure": "mean_abs"}
    answer = client.post("/api/v1/layers/overlay", json=body)
    assert OverlayAnswer.model_validate(answer.json()).model_dump(mode="json", by_alias=True) == answer.json()
