"""Saying which direction of a metric is better."""

import pytest

import compress_compare as cc

from .running import running


@pytest.fixture
def logged(tmp_path, static):
    with cc.open(tmp_path / "project") as project:
        project.define_metric("Score", unit="points", format=".2f", primary=True, max=10)
        project.log_model("a", metrics={"Score": 3, "Cost": 1})
        project.log_model("b", base="a", metrics={"Score": 2, "Cost": 0.5})
        with running(project, static=static) as server, server.client(headers=server.bearer) as client:
            yield client


def test_the_direction_is_kept_and_the_rest_of_the_definition_stays(logged):
    before = logged.get("/api/v1/project").json()["metrics"]
    answer = logged.patch("/api/v1/metric?name=Score", json={"higher_is_better": True})
    assert answer.json() == before[0] | {"higher_is_better": True}
    logged.patch("/api/v1/metric?name=Cost", json={"higher_is_better": False})
    after = logged.get("/api/v1/project").json()["metrics"]
    assert [metric["higher_is_better"] for metric in after] == [True, False]
    frontier = logged.get("/api/v1/frontier", params={"x": "Cost", "y": "Score"})
    assert frontier.json()["ids"] == ["b", "a"]


def test_a_direction_can_be_taken_back(logged):
    for direction in (True, None):
        answer = logged.patch("/api/v1/metric?name=Cost", json={"higher_is_better": direction})
        assert answer.json()["higher_is_better"] is direction


def test_what_is_not_a_metric_or_a_direction_is_refused(logged):
    unknown = logged.patch("/api/v1/metric?name=Nothing", json={"higher_is_better": True})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "metric.unknown")
    for body in ({}, {"higher_is_better": "yes"}, {"higher_is_better": 1}, {"higher_is_better": True, "max": 3}):
        assert logged.patch("/api/v1/metric?name=Score", json=body).status_code == 422
