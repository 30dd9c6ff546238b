"""A gate and questions over HTTP say what the command line says."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

import compress_compare as cc
from compress_compare.cli.main import cli

from .running import asked

COUNT = 200
RULES = """rules:
  - {metric: Accuracy, max_drop: 0.02}
  - {right_to_wrong: {max_rate: 0.03}}
  - {classes: {max_drop: 0.05}}
  - {latency: {max: 5 ms}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gate") / "project"
    with cc.open(folder) as project:
        project.define_metric("Accuracy", format=".1%", higher_is_better=True, min=0, max=1)
        labels = [place % 4 for place in range(COUNT)]
        project.log_dataset("test", ids=list(range(COUNT)), labels=labels)
        for id, lost in {"cnn": 0, "p50": 40}.items():
            predictions = [(label + (place < lost)) % 4 for place, label in enumerate(labels)]
            base = None if id == "cnn" else "cnn"
            operation = cc.Operation("prune", amount=0.5) if base else cc.Operation("train")
            project.log_model(id, base=base, operation=operation, metrics={"Accuracy": 1 - lost / COUNT})
            project.log_outputs(id, "test", ids=list(range(COUNT)), predictions=predictions)
    return folder


@pytest.fixture(scope="module")
def pages(folder, tmp_path_factory):
    with cc.open(folder) as project, asked(project, tmp_path_factory.mktemp("static")) as client:
        yield client


def test_the_gate_answers_as_the_command_line_does(folder, pages, tmp_path):
    file = tmp_path / "gate.yaml"
    file.write_text(RULES)
    printed = CliRunner().invoke(cli, ["gate", str(folder), "p50", "--rules", str(file), "--json"])
    assert printed.exit_code == 3
    answer = pages.post("/api/v1/gate", json={"model": "p50", "rules": RULES})
    assert answer.status_code == 200, answer.text
    assert answer.json() == json.loads(printed.stdout)
    assert [check["outcome"] for check in answer.json()["checks"]] == [*("undecided", "fail", "undecided", "undecided")]


def test_an_error_in_the_rules_names_its_line(pages):
    answer = pages.post("/api/v1/gate", json={"model": "p50", "rules": "rules:\n  - {metric: Acuracy, max: 1}\n"})
    assert (answer.status_code, answer.json()["code"]) == (404, "metric.unknown") or answer.status_code == 422
    assert answer.json()["detail"].startswith("Line 2,")


def test_rules_are_kept_with_the_project(pages):
    assert pages.get("/api/v1/gate/rules").json() == {"rules": None}
    assert pages.post("/api/v1/gate/rules", json={"rules": RULES}).json() == {"rules": RULES}
    assert pages.get("/api/v1/gate/rules").json() == {"rules": RULES}
    assert pages.post("/api/v1/gate/rules", json={"rules": "rules: 3"}).status_code == 422
    assert pages.post("/api/v1/gate/rules", json={"rules": ""}).json() == {"rules": None}


def test_models_are_found_by_a_condition(pages):
    def found(**asked):
        return pages.get("/api/v1/models/find", params=asked)

    assert found(where="Accuracy < 0.9 and operation = prune").json() == {"models": ["p50"]}
    assert found(sort="Accuracy").json() == {"models": ["p50", "cnn"]}
    wrong = found(where="Acuracy < 0.9")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "ask.name")
