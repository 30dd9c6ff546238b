"""What every importer does with places that are not what it reads, and what all that it returns becomes.

A second importer, of folders and URLs, is made here and found as that of another package is.
"""

from importlib.metadata import EntryPoint

import numpy as np
import pytest

import compress_compare as cc
from compress_compare import importers, plugins
from compress_compare.errors import Conflict, UserError

BAD = {
    "empty": b"",
    "truncated": b'{"models": [{"id": "a"',
    "text": b"hello world",
    "html": b"<!DOCTYPE html><html><body>404</body></html>",
    "not utf-8": b"\xff\xfe\x00models",
    "list": b"[]",
    "number": b"3",
    "nested": b"[" * 100_000,
    "other shape": b'{"models": {"a": 1}}',
}
RUNS = """[
  {"id": "small", "base": "big", "operation": "prune", "accuracy": 0.5, "predictions": [0, 1], "note": "half"},
  {"id": "big", "accuracy": 0.75, "predictions": [0, 0]}
]"""


def read_runs(place: importers.Place) -> importers.Imported:
    """A folder with ``runs.json`` and weights beside it, or a URL of which nothing is fetched here."""
    if place.kind == "url":
        return importers.Imported(models=[{"id": place.address}])
    runs = importers.json_document(place.path / "runs.json")
    if not isinstance(runs, list) or not all(isinstance(run, dict) and "id" in run for run in runs):
        raise importers.other_format(place, "a folder of runs", expected="Expected a list of runs in runs.json.")
    found = importers.Imported([cc.Metric("accuracy", higher_is_better=True)])
    found.datasets.append({"name": "test", "ids": [1, 2], "labels": [0, 1]})
    for run in runs:
        operation = cc.Operation(run["operation"]) if "operation" in run else None
        base, values = run.get("base"), {"accuracy": run["accuracy"]}
        found.models.append({"id": run["id"], "base": base, "operation": operation, "metrics": values})
        found.outputs.append({"model": run["id"], "dataset": "test", "ids": [1, 2], "predictions": run["predictions"]})
        if (weights := place.path / f"{run['id']}.npz").exists():
            found.checkpoints[run["id"]] = dict(np.load(weights))
        if "note" in run:
            found.notes[run["id"]] = run["note"]
    return found


RUNS_IMPORTER = importers.Importer(read_runs, "folders of runs, for a test", frozenset({"folder", "url"}))
SECOND = "runs"


@pytest.fixture(autouse=True)
def second(monkeypatch):
    """The importer of this file, as an entry point that another package declares."""
    group = plugins.GROUPS["importer"]
    points = [EntryPoint(SECOND, f"{__name__}:RUNS_IMPORTER", group)]
    monkeypatch.setattr(plugins, "entry_points", lambda group: [one for one in points if one.group == group])


@pytest.fixture
def folder(tmp_path):
    """What the second importer reads."""
    path = tmp_path / "runs"
    path.mkdir()
    (path / "runs.json").write_text(RUNS)
    np.savez(path / "small.npz", weight=np.arange(6, dtype=np.float32).reshape(2, 3))
    return path


def place_of(source, path, content):
    """A place of the kind that the importer reads, with this content."""
    where = path / "experiments"
    if "file" in importers.available()[source].takes:
        where.write_bytes(content)
    else:
        where.mkdir()
        (where / "runs.json").write_bytes(content)
    return where


EVERY = pytest.mark.parametrize("source", [*importers.IMPORTERS, SECOND])


@EVERY
def test_every_importer_says_what_it_reads(source):
    importer = importers.available()[source]
    assert importer.takes and importer.summary and not importer.summary.endswith(".")


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
@EVERY
def test_a_wrong_file_gets_one_sentence_that_names_it(tmp_path, source, content):
    where = place_of(source, tmp_path, content)
    if source == SECOND and content == b"[]":
        pytest.skip("a list of no runs")
    with pytest.raises(UserError) as caught:
        importers.load(source, where)
    assert caught.value.code.startswith("import.")
    assert "experiments" in caught.value.title or "runs.json" in caught.value.title
    assert str(tmp_path) not in str(caught.value)


@EVERY
def test_a_missing_file_or_folder_is_said(tmp_path, source):
    with pytest.raises(UserError, match="There is no file or folder") as caught:
        importers.load(source, tmp_path / "nope.json")
    assert caught.value.code == "import.no_file"


@pytest.mark.parametrize("kind", ["file", "folder", "url"])
@EVERY
def test_a_place_of_another_kind_is_refused_with_those_it_takes(tmp_path, source, kind):
    (tmp_path / "a.json").write_text("{}")
    where = {"file": tmp_path / "a.json", "folder": tmp_path, "url": "https://tracker.example/7"}[kind]
    takes = importers.available()[source].takes
    if kind in takes:
        pytest.skip("it takes that")
    with pytest.raises(UserError) as caught:
        importers.load(source, where)
    assert caught.value.code == "import.kind"
    words = {"file": "a file", "folder": "a folder", "url": "a URL"}
    assert words[kind] in caught.value.title and all(words[one] in caught.value.hint for one in takes)


def test_an_unknown_source_lists_the_known_ones(tmp_path):
    with pytest.raises(UserError, match=r"Choose one of: compress-and-compare, .*, runs") as caught:
        importers.load("nope", tmp_path)
    assert caught.value.code == "import.unknown_source"


def test_models_metrics_data_outputs_weights_and_notes_all_come_in(tmp_path, folder):
    with cc.open(tmp_path / "p") as project:
        report = importers.write(importers.load(SECOND, folder), project)
        assert (report.num_models, report.num_datasets, report.num_outputs, report.warnings) == (2, 1, 2, [])
        assert project.models()["id"].to_pylist() == ["big", "small"]
        assert project.model("small").base == "big" and project.model("small").note == "half"
        assert [metric.higher_is_better for metric in project.metrics()] == [True]
        assert project.datasets()[0].name == "test"
        assert project.outputs("small", "test")["prediction"].to_pylist() == [0, 1]
        np.testing.assert_array_equal(project.load_checkpoint("small")["weight"], [[0, 1, 2], [3, 4, 5]])
        assert project.model("big").checkpoint is None


def test_importing_again_changes_nothing_and_new_runs_join_what_is_there(tmp_path, folder):
    with cc.open(tmp_path / "p") as project:
        importers.write(importers.load(SECOND, folder), project)
        importers.write(importers.load(SECOND, folder), project)
        assert len(project) == 2
        more = importers.Imported(models=[{"id": "smaller", "base": "small", "operation": cc.Operation("prune")}])
        assert importers.write(more, project).warnings == []
        assert project.model("smaller").base == "small"


def test_a_url_reaches_the_importer_as_it_is(tmp_path):
    with cc.open(tmp_path / "p") as project:
        importers.write(importers.load(SECOND, "https://tracker.example/7"), project)
        assert project.models()["id"].to_pylist() == ["https://tracker.example/7"]


def test_all_or_nothing(tmp_path, folder):
    with cc.open(tmp_path / "p") as project:
        project.log_dataset("test", ids=[1, 2], labels=[1, 1])
        with pytest.raises(Conflict):
            importers.write(importers.load(SECOND, folder), project)
        assert len(project) == 0 and project.metrics() == []


def test_what_belongs_to_a_model_that_is_not_there_is_left_out_with_a_warning(tmp_path):
    read = importers.Imported(
        models=[{"id": "a"}],
        datasets=[{"name": "test", "ids": [1]}],
        outputs=[{"model": "b", "dataset": "test", "ids": [1], "predictions": [0]}],
        checkpoints={"c": {"weight": np.zeros(2, np.float32)}},
        notes={"d": "text"},
    )
    with cc.open(tmp_path / "p") as project:
        report = importers.write(read, project)
    assert (report.num_models, report.num_outputs) == (1, 0)
    assert [warning.split(":")[0] for warning in report.warnings] == ["Model 'c'", "Model 'd'", "Model 'b'"]


def test_corrections_replace_what_the_project_has_or_nothing_comes_in(tmp_path):
    correction = importers.Correction("a", "accuracy", 0.25, "the run was measured again")
    with cc.open(tmp_path / "p") as project:
        project.log_model("a", metrics={"accuracy": 0.5})
        importers.write(importers.Imported(models=[{"id": "b", "base": "a"}], corrections=[correction]), project)
        assert project.models()["accuracy"].to_pylist() == [0.25, None]
        (change,) = project.history("a")
        assert (change.action, change.old["accuracy"], change.reason) == ("correct", 0.5, "the run was measured again")
        unknown = importers.Correction("none", "accuracy", 0.25, "")
        with pytest.raises(UserError) as caught:
            importers.write(importers.Imported(models=[{"id": "c"}], corrections=[unknown]), project)
        assert caught.value.code == "model.unknown" and len(project) == 2


def test_what_is_no_importer_is_refused_by_name(monkeypatch):
    group = plugins.GROUPS["importer"]
    points = [EntryPoint("bad", f"{__name__}:read_runs", group)]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points)
    (added,) = importers.added()
    assert added.error is not None and "is not an importer" in added.error.detail
    with pytest.raises(UserError) as caught:
        importers.available()
    assert caught.value.code == "importer.entry_point"
