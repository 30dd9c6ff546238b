"""The tools of the Model Context Protocol: as functions, and over stdio by the client of the official SDK."""

from __future__ import annotations

import asyncio
import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

import compress_compare as cc
from compress_compare.cli.agent_tools import AgentTools, answering
from compress_compare.errors import InvalidValue, StoreError

READING = {"models", "compare", "effects", "behaviors", "layers", "reality", "gate"}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import numpy as np

    location = tmp_path_factory.mktemp("mcp") / "project"
    with cc.open(location) as project:
        project.define_metric("Accuracy", format=".1%", higher_is_better=True, primary=True, min=0, max=1)
        project.log_dataset("d", ids=[1, 2, 3, 4], labels=[0, 0, 1, 1])
        weights = {"a.weight": np.arange(8, dtype=np.float32).reshape(2, 4)}
        project.log_model("cnn", metrics={"Accuracy": 1.0}, checkpoint=weights)
        halved = {"a.weight": weights["a.weight"] * (weights["a.weight"] > 3)}
        prune = cc.Operation("magnitude prune", amount=0.5)
        project.log_model("small", base="cnn", operation=prune, metrics={"Accuracy": math.nan}, checkpoint=halved)
        project.log_outputs("cnn", "d", ids=[1, 2, 3, 4], predictions=[0, 0, 1, 1])
        project.log_outputs("small", "d", ids=[1, 2, 3, 4], predictions=[0, 1, 1, 1])
    return location


QUESTIONS: dict[str, dict[str, Any]] = {
    "models": {"where": "id contains small"},
    "compare": {"models": ["cnn", "small"]},
    "effects": {},
    "behaviors": {"base": "cnn", "models": ["small"]},
    "layers": {"base": "cnn", "models": ["small"]},
    "reality": {"models": ["small"]},
    "gate": {"model": "small", "rules": [{"right_to_wrong": {"max_rate": 0.1}}]},
}


def check(answers: dict[str, Any]) -> None:
    """What each question must be answered with."""
    assert [(row["id"], row["Accuracy"]) for row in answers["models"]["models"]] == [("small", "NaN")]
    assert answers["models"]["metrics"][0]["higher_is_better"] is True
    assert answers["compare"]["rows"].keys() == {"cnn", "small"}
    assert answers["behaviors"]["summary"][0]["right_to_wrong"] == 1
    assert answers["layers"]["count"] >= 1
    assert answers["reality"]["models"][0]["model"] == "small"
    assert answers["gate"]["outcome"] == "undecided"
    assert "effects" in answers["effects"]


def test_every_tool_answers_with_json(path: Path) -> None:
    with cc.open(path, create=False, read_only=True) as project:
        tools = {tool.__name__: answering(tool) for tool in AgentTools(project).reading()}
        assert set(tools) == READING
        answers = {
            name: json.loads(json.dumps(tools[name](**given), allow_nan=False)) for name, given in QUESTIONS.items()
        }
    check(answers)


def test_reading_tools_cannot_write_and_errors_are_ours(path: Path) -> None:
    with cc.open(path, create=False, read_only=True) as project:
        tools = AgentTools(project)
        with pytest.raises(StoreError):
            tools.set_note("cnn", "x")
        with pytest.raises(InvalidValue, match="Did you mean"):
            tools.models(where="acuracy > 1")


def talk(path: Path, *options: str, calls: list[tuple[str, dict[str, Any]]]) -> tuple[list[Any], list[Any]]:
    """The tools that the server lists, and what it answers, over stdio."""
    from mcp import Client, StdioServerParameters

    script = "from compress_compare.cli import main; main()"
    server = StdioServerParameters(command=sys.executable, args=["-c", script, "mcp", str(path), *options])

    async def go() -> tuple[list[Any], list[Any]]:
        async with Client(server, read_timeout_seconds=120) as client:
            listed = await client.list_tools()
            return list(listed.tools), [await client.call_tool(name, given) for name, given in calls]

    return asyncio.run(go())


def test_over_stdio_with_the_client_of_the_sdk(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mcp.server.mcpserver", reason="the extra mcp is not installed")
    calls = [
        *QUESTIONS.items(),
        ("models", {"where": "acuracy > 1"}),
        ("gate", {"model": "nothing", "rules": [{"bits": {"max": 4}}]}),
    ]
    tools, results = talk(path, calls=calls)
    assert {tool.name for tool in tools} == READING
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)
    check({name: json.loads(result.content[0].text) for (name, _), result in zip(calls, results[:7], strict=False)})
    assert not any(result.is_error for result in results[:7])
    assert all(result.is_error for result in results[7:])
    assert "Did you mean 'Accuracy'?" in results[7].content[0].text
    assert "model.unknown" in results[8].content[0].text


def test_writing_needs_the_option(path: Path) -> None:
    pytest.importorskip("mcp.server.mcpserver", reason="the extra mcp is not installed")
    tools, results = talk(path, "--write", calls=[("set_note", {"model": "cnn", "text": "seen"})])
    assert {tool.name for tool in tools} == READING | {"set_note", "set_tags"}
    assert not results[0].is_error
    with cc.open(path, create=False) as project:
        assert project.model("cnn").note == "seen"
