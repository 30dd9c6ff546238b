"""How far a request is, asked while it is answered, and its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.comparisons.layers import compare
from compress_compare.project import Project

from .running import running

NAME = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def project(tmp_path: Any) -> Iterator[Project]:
    weights = {f"{k}.weight": np.eye(4, dtype=np.float32) for k in range(20)}
    with cc.open(tmp_path / "p") as opened:
        opened.log_model("base", checkpoint=weights)
        opened.log_model(
            "half", base="base", operation=cc.Operation("x"), checkpoint={k: v / 2 for k, v in weights.items()}
        )
        yield opened


@pytest.fixture
def client(project: Project, static: Any) -> Iterator[Any]:
    with running(project, static=static) as server, server.client(headers=server.bearer) as opened:
        yield opened


def ask(client: Any, **headers: str) -> Any:
    body = {"base": "base", "models": ["half"], "what": "sparsity"}
    return client.post("/api/v1/layers", json=body, headers=headers)


def watch(client: Any) -> dict[str, Any]:
    for _ in range(5_000):
        answer = client.get(f"/api/v1/watches/{NAME}")
        assert answer.status_code == 200
        found: dict[str, Any] | None = answer.json()
        if found is not None and found["total"]:
            return found
        time.sleep(0.02)
    raise AssertionError("the request was never seen")


def test_a_request_says_how_far_it_is_and_ends_when_it_is_cancelled(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure, gate = compare.statistics.zeros, threading.Event()

    def waiting(*arguments: Any) -> Any:
        assert gate.wait(60)
        return measure(*arguments)

    monkeypatch.setattr(compare.statistics, "zeros", waiting)
    # each tensor is a step of its own
    monkeypatch.setattr("compress_compare.comparisons.layers.measure.SMALL", 0)
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(ask, client, **{"X-Watch": NAME})
        try:
            found = watch(client)
            assert found == {"what": "Comparing tensors", "done": 0, "total": 20 * 2 * 64}
            assert client.delete(f"/api/v1/watches/{NAME}").status_code == 204
        finally:
            gate.set()
        assert answer.result().status_code == 409
        assert answer.result().json()["code"] == "watch.cancelled"
    assert client.get(f"/api/v1/watches/{NAME}").json() is None
    assert ask(client, **{"X-Watch": NAME}).status_code == 200


def test_an_answer_that_nobody_watches_is_the_same(client: Any) -> None:
    assert ask(client).content == ask(client, **{"X-Watch": NAME}).content


@pytest.mark.parametrize("name", ["short", "g" * 32, "0" * 65, "../../../../etc/passwd"])
def test_a_name_that_is_none(client: Any, name: str) -> None:
    assert ask(client, **{"X-Watch": name}).json()["code"] == "watch.name"


def test_cancelling_what_has_been_answered_does_nothing(client: Any) -> None:
    assert client.delete(f"/api/v1/watches/{NAME}").status_code == 204
