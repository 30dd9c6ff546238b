"""What every exporter of a project does: all models come out, in a file that the field's own readers open."""

import csv
import io
import json
import math
import sqlite3
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

import compress_compare as cc
from compress_compare import exporters, importers, plugins
from compress_compare.errors import UserError


def _runs_of_mlflow(content):
    with sqlite3.connect(":memory:") as database:
        database.deserialize(content)
        return [name for (name,) in database.execute("SELECT name FROM runs ORDER BY rowid")]


READERS = {
    "compress-and-compare": lambda content: [model["id"] for model in json.loads(content)["models"]],
    "csv": lambda content: [row["id"] for row in csv.DictReader(io.StringIO(content.decode()))],
    "parquet": lambda content: pq.read_table(io.BytesIO(content))["id"].to_pylist(),
    "huggingface": lambda files: [
        yaml.safe_load(content.split(b"---\n")[1])["compress_compare"]["id"]
        for name, content in files.items()
        if name.endswith("/README.md")
    ],
    "mlflow": _runs_of_mlflow,
    "olive": lambda content: [node["model_id"] for node in json.loads(content).values()],
    "wandb": lambda content: [row["Name"] for row in csv.DictReader(io.StringIO(content.decode()))],
}
FORMATS = [
    pytest.param(name, marks=pytest.mark.skipif(not find_spec("mlflow"), reason="mlflow-skinny is not installed"))
    if name == "mlflow"
    else name
    for name in exporters.EXPORTERS
]
LINES = exporters.Exporter(
    lambda project: "\n".join(project.models()["id"].to_pylist()).encode(), ".txt", "one id a line"
)


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        opened.define_metric("Accuracy", format=".1%", higher_is_better=True, primary=True, min=0, max=1)
        opened.define_metric("Size", unit="B", higher_is_better=False)
        opened.log_model("cnn", operation=cc.Operation("train", epochs=3), metrics={"Accuracy": 0.98, "Size": 400})
        opened.log_model("a,b", base="cnn", operation=cc.Operation("prune", amount=0.5), metrics={"Size": math.inf})
        opened.log_model("plain", tags=["x", "y"])
        yield opened


@pytest.mark.parametrize("format", FORMATS)
def test_all_models_come_out_in_order(project, format):
    assert READERS[format](exporters.EXPORTERS[format].write(project)) == ["cnn", "a,b", "plain"]


@pytest.mark.parametrize("format", FORMATS)
def test_an_empty_project_makes_a_file_without_models(tmp_path, format):
    with cc.open(tmp_path / "empty") as empty:
        assert READERS[format](exporters.EXPORTERS[format].write(empty)) == []


def test_an_experiment_file_comes_back_in_as_it_was(project, tmp_path):
    path = tmp_path / "models.json"
    path.write_bytes(exporters.EXPORTERS["compress-and-compare"].write(project))
    with cc.open(tmp_path / "again") as again:
        report = importers.write(importers.load("compress-and-compare", path), again)
        assert again.models().to_pylist() == project.models().to_pylist()
        assert again.metrics() == project.metrics()
        assert again.model("plain").tags == ("x", "y")
    assert report.warnings == []


def test_an_experiment_file_carries_what_it_can_and_lists_what_it_leaves_out(project, tmp_path):
    values = [
        cc.MetricValue(0.5, count=71, standard_error=0.06),
        cc.MetricValue(math.nan, slice="class 1", count=3),
        cc.MetricValue(-math.inf, device="cpu", dataset="test", protocol={"shots": 5}),
    ]
    project.log_dataset("test", ids=[1, 2])
    project.log_model(
        "rich",
        base="cnn",
        metrics={"Free": values},
        note="a\nnote",
        replicate="seed 3",
        references={"teacher": ["cnn", "plain"]},
        checkpoint={"w": np.ones((2, 2), dtype=np.float32)},
    )
    project.log_outputs("rich", "test", ids=[1, 2], predictions=[0, 1])
    path = tmp_path / "models.json"
    path.write_bytes(exporters.EXPORTERS["compress-and-compare"].write(project))
    document = json.loads(path.read_text())
    assert {key: document["left_out"][key] for key in ("checkpoints", "outputs", "datasets")} == {
        "checkpoints": 1,
        "outputs": 1,
        "datasets": ["test"],
    }
    # what other readers take is as the format says
    assert document["models"][0].keys() - {"values"} == {"id", "base", "operation", "metrics", "tag"}
    with cc.open(tmp_path / "again") as again:
        assert importers.write(importers.load("compress-and-compare", path), again).warnings == []
        found, known = again.model("rich"), project.model("rich")
        assert repr(found.metrics) == repr(known.metrics)
        assert (found.note, found.replicate, found.references) == (known.note, known.replicate, known.references)


def test_values_of_a_file_that_make_no_sense_are_told(tmp_path):
    entry = {"id": "m", "values": [{"metric": "A", "value": "many"}, {"value": 1}], "references": ["cnn"], "tags": [3]}
    path = tmp_path / "models.json"
    path.write_text(json.dumps({"models": [entry]}))
    with cc.open(tmp_path / "again") as again:
        report = importers.write(importers.load("compress-and-compare", path), again)
        assert again.model("m").metrics == {}
    assert len(report.warnings) == 3


def test_a_name_that_a_spreadsheet_would_run_is_made_harmless(tmp_path):
    with cc.open(tmp_path / "project") as project:
        project.log_model("=1+1")
        assert READERS["csv"](exporters.EXPORTERS["csv"].write(project)) == ["'=1+1"]


@pytest.mark.parametrize("format", exporters.EXPORTERS)
def test_the_ending_of_a_name_or_the_format_chooses_it(format):
    one = exporters.EXPORTERS[format]
    assert one.summary and (one.suffix.startswith(".") or format == "huggingface")
    if one.suffix:
        assert exporters.choose(Path(f"a.b{one.suffix.upper()}")) is one
        assert exporters.choose(Path(one.suffix[1:])) is one or one.suffix.count(".") == 1
    assert exporters.choose(Path("a.xyz"), format) is one


@pytest.mark.parametrize(("name", "format"), [("a.xyz", None), ("a", None), ("a.csv", "xyz")])
def test_a_format_that_is_not_there_is_refused_with_those_that_are(name, format):
    with pytest.raises(UserError, match="compress-and-compare, csv, parquet") as caught:
        exporters.choose(Path(name), format)
    assert caught.value.code == "export.unknown_format"


def test_an_exporter_of_another_package_is_chosen_like_ours(monkeypatch):
    group = plugins.GROUPS["exporter"]
    points = [EntryPoint("lines", f"{__name__}:LINES", group), EntryPoint("bad", f"{__name__}:READERS", group)]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points[:1])
    assert exporters.choose(Path("a.txt")) is LINES is exporters.choose(Path("a.csv"), "lines")
    monkeypatch.setattr(plugins, "entry_points", lambda group: points)
    with pytest.raises(UserError, match="READERS is not an exporter"):
        exporters.available()
