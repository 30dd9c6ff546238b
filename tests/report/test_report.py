"""What a report holds, read from the file itself."""

import base64
import datetime
import hashlib
import html
import json
import re

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

import compress_compare as cc
from compress_compare import errors
from compress_compare.cli.main import cli
from compress_compare.page.built import STATIC
from compress_compare.report import report

pytestmark = pytest.mark.skipif(not (STATIC / "report").is_dir(), reason="the page is not built: make ui")
DAY = datetime.date(2026, 1, 2)
HOSTILE = "</script><img src=x>\u2028"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    with cc.open(tmp_path_factory.mktemp("report") / "digits") as project:
        project.define_metric("Accuracy", format=".1%", higher_is_better=True, primary=True, min=0, max=1)
        project.define_metric("Size", unit="B", higher_is_better=False, primary=True, min=0)
        weights = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
        project.log_model("cnn", metrics={"Accuracy": 0.9, "Size": 48}, checkpoint={"fc.weight": weights})
        for id, bar, size in (("half", 6.5, 24), ("a,b", 3.5, 36), (HOSTILE, 9.5, 12)):
            left = np.where(weights < bar, 0, weights)
            operation = cc.Operation("magnitude prune", amount=float((left == 0).mean()))
            metrics = {"Accuracy": 1 - bar / 10, "Size": size}
            project.log_model(id, base="cnn", operation=operation, metrics=metrics, checkpoint={"fc.weight": left})
        project.log_model(
            "lost", base="half", operation=cc.Operation("finetune", epochs=1), metrics={"Accuracy": np.nan}
        )
        images = np.zeros((4, 2, 2), dtype=np.uint8)
        project.log_dataset("test", ids=[10, 11, 12, 13], labels=[0, 1, 0, 1], images=images)
        project.log_outputs("cnn", "test", ids=[10, 11, 12, 13], predictions=[0, 1, 0, 0])
        project.log_outputs("half", "test", ids=[13, 12, 11, 10], predictions=[1, 0, 0, 0])
        yield project


def parts(text):
    """The two JSON documents and the program of a file."""
    found = [json.loads(re.search(rf'id="{id}">(.*?)</script>', text).group(1)) for id in ("document", "answers")]
    return *found, re.search(r'<script type="module">(.*?)</script>', text, re.DOTALL).group(1)


def test_it_compares_the_named_models_with_their_root(project):
    document, answers, _ = parts(report(project, ["half", "a,b"], now=DAY))
    assert (document["models"], document["base"], document["day"]) == (["cnn", "half", "a,b"], "cnn", "2026-01-02")
    differing = answers['POST selection ["a,b","cnn","half"]']
    assert set(differing["rows"]) == {"cnn", "half", "a,b"}
    (test,) = document["behaviors"]
    (row,) = test["summary"]
    # 11 is lost and 13 is won.
    assert (row["model"], row["right_to_wrong"], row["wrong_to_right"], row["value"]) == ("half", 1, 1, 0.75)
    assert [one["id"] for one in test["instances"]] == [11, 13]
    assert test["instances"][0]["predictions"] == [1, 0]
    assert test["instances"][0]["image"].startswith("data:image/png;base64,")
    layers = {(row["module"], row["model"]): row for row in document["layers"]["rows"]}
    assert layers["fc", "half"]["num_zeros"] == 6
    # 10·log10(Σw² / Σ(w − w')²) with the numbers 1 to 6 gone.
    assert layers["fc", "half"]["sqnr_db"] == pytest.approx(10 * np.log10(650 / 91), rel=1e-6)


def test_the_models_are_those_of_the_project(project):
    _, answers, _ = parts(report(project, ["half"], now=DAY))
    table = pa.ipc.open_stream(base64.b64decode(answers["GET models"]["arrow"])).read_all()
    assert table["id"].to_pylist() == project.models()["id"].to_pylist()
    assert answers["GET model half"]["base"] == "cnn"


def test_each_way_of_measuring_has_its_effects(tmp_path):
    with cc.open(tmp_path / "project") as project:
        project.define_metric("Latency", unit="s", higher_is_better=False, primary=True)
        for id, cpu in (("cnn", 0.02), ("half", 0.01)):
            values = [cc.MetricValue(cpu, device="cpu")]
            values += [cc.MetricValue(0.002, device="gpu")] if id == "cnn" else []
            base = None if id == "cnn" else "cnn"
            project.log_model(id, base=base, operation=cc.Operation("prune"), metrics={"Latency": values, "Depth": 3})
        _, answers, _ = parts(report(project, ["half"], now=DAY))
    found = {key: value["effects"] for key, value in answers.items() if key.startswith("GET effects ")}
    assert [row["mean"] for row in found["GET effects Latency (cpu)"]] == [-0.01]
    assert found["GET effects Latency (gpu)"] == []
    assert [row["mean"] for row in found["GET effects Depth"]] == [0]


def test_without_models_it_takes_the_frontier(project):
    document, *_ = parts(report(project, now=DAY))
    assert document["models"] == ["cnn", *(id for id in project.frontier(x="Size", y="Accuracy") if id != "cnn")]


def test_nothing_that_is_named_ends_an_element(project):
    text = report(project, [HOSTILE], now=DAY)
    assert text.count("</script>") == 3
    assert "<img src=x>" not in text
    document, *_ = parts(text)
    assert document["models"][1] == HOSTILE


def test_the_policy_lets_only_its_own_program_run_and_nothing_load(project):
    text = report(project, ["half"], now=DAY)
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1))
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    digest = base64.b64encode(hashlib.sha256(parts(text)[2].encode()).digest()).decode()
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert rules["default-src"] == "'none'"
    assert "connect-src" not in rules


def test_what_cannot_be_reported_is_said(project, tmp_path):
    with pytest.raises(errors.NotFound, match="'nowhere'"):
        report(project, ["half", "nowhere"], now=DAY)
    with pytest.raises(errors.NotFound, match="'nowhere'"):
        report(project, ["half"], base="nowhere", now=DAY)
    with pytest.raises(errors.InvalidValue, match="at most 30"):
        report(project, [str(number) for number in range(31)], now=DAY)
    with cc.open(tmp_path / "empty") as empty, pytest.raises(errors.InvalidValue, match="no models"):
        report(empty, now=DAY)


def test_the_command_takes_ids_in_every_way_that_people_write_them(project, tmp_path):
    def models(*arguments):
        target = tmp_path / "report.html"
        command = ["report", str(project.path), *arguments, "-o", str(target)]
        assert "Wrote" in CliRunner().invoke(cli, command, catch_exceptions=False).output
        return parts(target.read_text(encoding="utf-8"))[0]["models"]

    assert models("--models", "half,lost") == ["cnn", "half", "lost"]
    assert models("--models", "half", "lost") == ["cnn", "half", "lost"]
    assert models("--models", "half", "--models", "a,b") == ["cnn", "half", "a,b"]
    assert models("half", "--base", "lost") == ["lost", "half"]
