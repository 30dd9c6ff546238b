"""What goes out to another tool's format comes in again as it was, and says what was changed there since."""

import csv
import io
import json
import math
import sqlite3
from importlib.util import find_spec
from types import SimpleNamespace

import pytest
import yaml

import compress_compare as cc
from compress_compare import exporters, importers
from compress_compare.cli import files

NEEDS_MLFLOW = pytest.mark.skipif(not find_spec("mlflow"), reason="mlflow-skinny is not installed")
WHOLE = ["olive", "huggingface", pytest.param("mlflow", marks=NEEDS_MLFLOW)]
"""Formats that carry all of a model but its weights and outputs."""
NAMES = {
    "olive": "o.footprint.json",
    "huggingface": "cards",
    "mlflow": "m.db",
    "wandb": "w.wandb.csv",
}
PARTS = ("id", "base", "operation", "metrics", "tags", "note", "replicate", "references")


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        opened.define_metric("Top-1 Accuracy", format=".1%", higher_is_better=True, primary=True, min=0, max=1)
        opened.define_metric("Size (packed)", unit="B", higher_is_better=False, description="Bytes, packed.")
        opened.define_metric("odd")
        opened.log_model(
            "cnn",
            operation=cc.Operation("train", epochs=3, base="scratch", text="4"),
            metrics={
                "Top-1 Accuracy": cc.MetricValue(0.98, count=100, standard_error=0.014, dataset="digits"),
                "Size (packed)": 400,
            },
        )
        opened.log_model(
            "a/b: c",
            base="cnn",
            operation=cc.Operation("prune", amount=0.5, names=["a", "b"], flag=True),
            metrics={"Top-1 Accuracy": 1 / 3, "Size (packed)": math.inf, "odd": math.nan},
            tags=["stage=x", "y"],
            note="two\nlines",
            replicate="seed 3",
        )
        values = [cc.MetricValue(1, slice="s"), cc.MetricValue(2, device="d", protocol={"shots": 5})]
        opened.log_model(
            "a.b- c",
            base="a/b: c",
            operation=cc.Operation("prune", amount=0.5),
            metrics={"odd": values},
            references={"teacher": ["cnn"]},
        )
        yield opened


def written(project, format, folder):
    place = folder / NAMES[format]
    content = exporters.EXPORTERS[format].write(project)
    if isinstance(content, bytes):
        place.write_bytes(content)
    else:
        files.write_folder(place, content)
    return place


def read_back(place, folder, name="again"):
    with cc.open(folder / name) as again:
        report = importers.write(importers.load(importers.recognize(place).source, place), again)
        models = {id: again.model(id) for id in again.models()["id"].to_pylist()}
        return SimpleNamespace(models=models, metrics=again.metrics(), report=report)


def parts(model):
    found = {name: getattr(model, name) for name in PARTS}
    found["metrics"] = sorted(found["metrics"].items())
    return repr(found)  # NaN is not equal to itself


@pytest.mark.parametrize("format", WHOLE)
def test_models_come_back_whole(project, tmp_path, format):
    found = read_back(written(project, format, tmp_path), tmp_path)
    assert set(found.models) == {"cnn", "a/b: c", "a.b- c"}
    for id, model in found.models.items():
        assert parts(model) == parts(project.model(id))
    assert sorted(found.metrics, key=repr) == sorted(project.metrics(), key=repr)
    assert not [warning for warning in found.report.warnings if "no metric" not in warning]


@pytest.mark.parametrize("format", WHOLE)
def test_an_import_of_an_export_into_its_own_project_changes_nothing(project, tmp_path, format):
    place = written(project, format, tmp_path)
    before = [parts(project.model(id)) for id in project.models()["id"].to_pylist()]
    report = importers.write(importers.load(format, place), project)
    assert (report.num_models, report.num_new_models, report.num_new_values) == (3, 0, 0)
    assert [parts(project.model(id)) for id in project.models()["id"].to_pylist()] == before
    assert project.history() == []


def test_a_table_of_wandb_brings_back_what_a_table_holds(project, tmp_path):
    place = written(project, "wandb", tmp_path)
    (first, second, third) = csv.DictReader(io.StringIO(place.read_text()))
    assert (first["Name"], first["State"], first["config.operation"]) == ("cnn", "finished", "train")
    assert (second["config.base"], second["Size (packed)"], second["odd"]) == ("cnn", "Infinity", "NaN")
    assert third["Top-1 Accuracy"] == ""
    found = read_back(place, tmp_path)
    assert {id: model.base for id, model in found.models.items()} == {"cnn": None, "a/b: c": "cnn", "a.b- c": "a/b: c"}
    pruned = found.models["a/b: c"]
    assert pruned.operation == project.model("a/b: c").operation
    assert (pruned.tags, pruned.note) == (("stage=x", "y"), "two\nlines")
    assert repr(pruned.metrics) == repr(project.model("a/b: c").metrics)


def changed_in_olive(place):
    nodes = json.loads(place.read_text())
    nodes["cnn"]["metrics"]["value"]["Size (packed)"]["value"] = 500
    place.write_text(json.dumps(nodes))


def changed_on_the_hub(place):
    card = place / "cnn" / "README.md"
    card.write_text(card.read_text().replace("value: 400.0", "value: 500.0", 1))


def changed_in_mlflow(place):
    with sqlite3.connect(place) as database:
        database.execute("UPDATE latest_metrics SET value = 500 WHERE value = 400")
        database.execute("UPDATE metrics SET value = 500 WHERE value = 400")
    database.close()


CHANGES = {"olive": changed_in_olive, "huggingface": changed_on_the_hub, "mlflow": changed_in_mlflow}


@pytest.mark.parametrize("format", WHOLE)
def test_a_number_that_was_changed_in_the_file_counts_and_is_told(project, tmp_path, format):
    place = written(project, format, tmp_path)
    CHANGES[format](place)
    found = read_back(place, tmp_path)
    (value,) = found.models["cnn"].metrics["Size (packed)"]
    assert value.value == 500
    assert any("Size (packed) was changed in the file" in warning for warning in found.report.warnings)
    (accuracy,) = found.models["cnn"].metrics["Top-1 Accuracy"]
    assert (accuracy.count, accuracy.standard_error) == (100, 0.014)


@NEEDS_MLFLOW
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_client_of_mlflow_finds_runs_with_parents_parameters_and_metrics(project, tmp_path):
    from mlflow.tracking import MlflowClient

    place = written(project, "mlflow", tmp_path)
    client = MlflowClient(f"sqlite:///{place}")
    experiment = client.get_experiment_by_name("project")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"cnn", "a/b: c", "a.b- c"} and all(one.info.status == "FINISHED" for one in runs.values())
    pruned = runs["a/b: c"]
    assert pruned.data.tags["mlflow.parentRunId"] == runs["cnn"].info.run_id
    assert pruned.data.params == {"operation": "prune", "amount": "0.5", "names": '["a", "b"]', "flag": "true"}
    assert (pruned.data.tags["stage"], pruned.data.tags["y"]) == ("x", "true")
    assert pruned.data.tags["mlflow.note.content"] == "two\nlines"
    assert runs["cnn"].data.metrics == {"Top-1 Accuracy _digits_": 0.98, "Size _packed_": 400}
    # A plain search by metric, as its page does.
    best = client.search_runs([experiment.experiment_id], "metrics.`Top-1 Accuracy _digits_` > 0.5")
    assert [run.info.run_name for run in best] == ["cnn"]


def test_a_card_names_base_relation_results_and_units(project, tmp_path):
    cards = written(project, "huggingface", tmp_path)
    assert sorted(path.name for path in cards.iterdir()) == ["a-b-c", "a.b--c", "cnn"]
    front = yaml.safe_load((cards / "a-b-c" / "README.md").read_text().split("---\n")[1])
    assert (front["base_model"], front["base_model_relation"]) == ("cnn", "quantized")
    (named,) = front["model-index"]
    assert named["name"] == "a/b: c"
    assert named["results"][0]["metrics"] == [{"type": "top_1_accuracy", "name": "Top-1 Accuracy", "value": 1 / 3}]
    (entry,) = yaml.safe_load((cards / "cnn" / ".eval_results" / "compress_compare.yaml").read_text())
    assert entry == {
        "dataset": {"id": "digits", "task_id": "top_1_accuracy"},
        "value": 0.98,
        "notes": "Top-1 Accuracy (a pure number, not per cent)",
    }


def test_a_card_is_read_by_the_hub(project, tmp_path):
    hub = pytest.importorskip("huggingface_hub")
    cards = written(project, "huggingface", tmp_path)
    card = hub.ModelCard.load(cards / "cnn" / "README.md")
    results = {one.metric_name: one.metric_value for one in card.data.eval_results}
    assert card.data.model_name == "cnn" and results == {"Top-1 Accuracy": 0.98, "Size (packed)": 400.0}


def test_a_footprint_has_what_olive_reads(project, tmp_path):
    nodes = json.loads(written(project, "olive", tmp_path).read_text())
    assert nodes["a/b: c"]["parent_model_id"] == "cnn" and nodes["a/b: c"]["from_pass"] == "prune"
    assert nodes["a/b: c"]["pass_run_config"] == {"amount": 0.5, "names": ["a", "b"], "flag": True}
    assert nodes["cnn"]["metrics"]["value"] == {
        "Top-1 Accuracy (digits)": {"value": 0.98, "priority": 1, "higher_is_better": True},
        "Size (packed)": {"value": 400.0, "priority": -1, "higher_is_better": False},
    }
    # Infinity has no place in it, nor has a metric without a direction.
    assert set(nodes["a/b: c"]["metrics"]["value"]) == {"Top-1 Accuracy"} and nodes["a.b- c"]["metrics"] is None


def test_a_folder_that_is_there_is_not_touched(project, tmp_path):
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "mine.txt").write_text("mine")
    with pytest.raises(cc.errors.InvalidValue) as caught:
        written(project, "huggingface", tmp_path)
    assert caught.value.code == "output.exists"
    assert [path.name for path in (tmp_path / "cards").iterdir()] == ["mine.txt"]
