"""What every exporter of a project does: all models come out, in a file that the field's own readers open."""

import csv
import io
import json
import math

import pyarrow.parquet as pq
import pytest

import compress_compare as cc
from compress_compare import exporters, importers

READERS = {
    "compress-and-compare": lambda content: [model["id"] for model in json.loads(content)["models"]],
    "csv": lambda content: [row["id"] for row in csv.DictReader(io.StringIO(content.decode()))],
    "parquet": lambda content: pq.read_table(io.BytesIO(content))["id"].to_pylist(),
}


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        opened.define_metric("Accuracy", format=".1%", higher_is_better=True, primary=True, min=0, max=1)
        opened.define_metric("Size", unit="B", higher_is_better=False)
        opened.log_model("cnn", operation=cc.Operation("train", epochs=3), metrics={"Accuracy": 0.98, "Size": 400})
        opened.log_model("a,b", base="cnn", operation=cc.Operation("prune", amount=0.5), metrics={"Size": math.inf})
        opened.log_model("plain", tags=["x", "y"])
        yield opened


@pytest.mark.parametrize("format", exporters.EXPORTERS)
def test_all_models_come_out_in_order(project, format):
    assert READERS[format](exporters.EXPORTERS[format](project)) == ["cnn", "a,b", "plain"]


@pytest.mark.parametrize("format", exporters.EXPORTERS)
def test_an_empty_project_makes_a_file_without_models(tmp_path, format):
    with cc.open(tmp_path / "empty") as empty:
        assert READERS[format](exporters.EXPORTERS[format](empty)) == []


def test_an_experiment_file_comes_back_in_as_it_was(project, tmp_path):
    path = tmp_path / "models.json"
    path.write_bytes(exporters.EXPORTERS["compress-and-compare"](project))
    with cc.open(tmp_path / "again") as again:
        report = importers.write(importers.load("compress-and-compare", path), again)
        expected = project.models().to_pylist()
        # The format takes numbers only.
        expected[1]["Size"] = None
        assert again.models().to_pylist() == expected
        assert again.metrics() == project.metrics()
        assert again.model("plain").tags == ("x",)
    assert report.warnings == []


def test_a_name_that_a_spreadsheet_would_run_is_made_harmless(tmp_path):
    with cc.open(tmp_path / "project") as project:
        project.log_model("=1+1")
        assert READERS["csv"](exporters.EXPORTERS["csv"](project)) == ["'=1+1"]
