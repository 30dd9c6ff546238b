"""What ``reality`` prints, and that it measures what is missing in a worker, once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import compress_compare as cc
from compress_compare.cli.main import cli
from compress_compare.errors import Conflict


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["reality", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sklearn", reason="the digits are scikit-learn's")
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    from compress_compare import operations
    from compress_compare.demos.digits import task

    folder = tmp_path_factory.mktemp("cli") / "digits"
    network = task().create()
    prune = operations.MagnitudePrune(amount=0.9)
    with cc.open(folder) as project:
        project.log_model("cnn", checkpoint=network)
        project.log_model("p90", base="cnn", operation=prune, checkpoint=prune(network))
        project.log_model("alone", checkpoint=network)
        project.log_task("cnn", "compress_compare.demos.digits:task")
    return folder


def test_tells_what_is_known_and_measures_the_rest_once(path: Path) -> None:
    text = run(str(path), "p90")
    assert "90% of the weights are zero" in text
    assert "macs, peak_memory_bytes, latency_s, onnx_latency_s. Measure with --measure." in text
    (row,) = json.loads(run(str(path), "p90", "--json", "--measure"))["models"]
    assert row["missing"] == []
    assert row["macs"] == 115_840
    assert row["latency_ratio"] > 0
    assert row["onnx_latency_device"].startswith("cpu (ONNX Runtime ")
    assert json.loads(run(str(path), "p90", "--json", "--measure"))["models"] == [row]
    with cc.open(path) as project:
        (job,) = project.jobs()
        assert (job.kind, job.state, job.message) == ("measure", "done", "measured 2 of 2 models")


def test_show_has_the_reason(path: Path) -> None:
    shown = CliRunner().invoke(cli, ["show", str(path), "p90"], catch_exceptions=False).stdout
    assert "reality check: 90% zeros claimed, 90% found. Claimed: 90% of the weights are zero." in shown


def test_without_a_task_measuring_is_refused_with_what_to_do(path: Path) -> None:
    with pytest.raises(Conflict, match="cannot be measured") as caught:
        run(str(path), "alone", "--measure")
    assert caught.value.code == "config.no_task"
    assert "compress-compare run RECIPE" in caught.value.hint


def test_measuring_that_failed_is_exit_code_1_with_what_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    (tmp_path / "gone_task.py").write_text("from compress_compare.recipes import Task\n\n\ndef task() -> Task: ...\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with cc.open(tmp_path / "p") as project:
        project.log_model("net", checkpoint=torch.nn.Linear(2, 2))
        project.log_task("net", "gone_task:task")
    (tmp_path / "gone_task.py").write_text("raise RuntimeError('the data is gone')\n")
    done = CliRunner().invoke(cli, ["reality", str(tmp_path / "p"), "--measure", "--json", "--trust"])
    assert done.exit_code == 1, done.output
    (row,) = json.loads(done.stdout)["models"]
    assert "macs" in row["missing"]
    assert "Importing gone_task failed" in done.stderr
