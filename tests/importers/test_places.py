"""Several files and folders as one import, and what an importer does not expect in one of them."""

import json
import os
import shutil
import sqlite3

import pytest

import compress_compare as cc
from compress_compare import importers
from compress_compare.errors import UserError
from tests.importers.samples import SAMPLES

EVALUATIONS = {"lm-eval": "results_*.json", "lighteval": "results_*.json", "inspect": "*.json"}


@pytest.mark.parametrize("source", EVALUATIONS)
def test_a_model_that_was_asked_other_tasks_elsewhere_is_the_same(tmp_path, source):
    places = []
    for name, task in (("one", "questions"), ("two", "riddles")):
        (tmp_path / name).mkdir()
        places.append(SAMPLES[source](tmp_path / name))
        for path in (tmp_path / name).rglob(EVALUATIONS[source]):
            path.write_text(path.read_text().replace("questions", task).replace("sums", task))
    read = importers.load_all(source, places)
    (model,) = read.models
    assert sorted(name.split()[0].rpartition("|")[2] for name in model["metrics"]) == ["questions", "riddles"]
    with cc.open(tmp_path / "p") as project:
        assert importers.write(read, project).warnings == read.warnings


def test_a_model_with_other_arguments_elsewhere_is_another(tmp_path):
    places = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        places.append(SAMPLES["lm-eval"](tmp_path / name))
    (path,) = places[1].rglob("results_*.json")
    document = json.loads(path.read_text())
    document["config"]["model_args"]["dtype"] = "float16"
    path.write_text(json.dumps(document))
    read = importers.load_all("lm-eval", places)
    assert [one["id"] for one in read.models] == ["big", "big (dtype=float16)"]
    assert [one["model"] for one in read.outputs] == ["big", "big (dtype=float16)"]


def with_dtype(folder, name, **other):
    """The sample of one model, loaded with these arguments, and with other answers than without."""
    (folder / name).mkdir()
    place = SAMPLES["lm-eval"](folder / name)
    for path in place.rglob("results_*.json"):
        document = json.loads(path.read_text())
        document["config"]["model_args"] |= other
        document["results"]["questions"]["acc,none"] = 0.5 if other else 0.75
        path.write_text(json.dumps(document))
    for path in place.rglob("samples_*.jsonl") if other else ():
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        rows[0] |= {"acc": 0.0, "filtered_resps": [["-1.0", "False"], ["-0.5", "False"]]}
        path.write_text("\n".join(map(json.dumps, rows)))
    return place


def test_a_model_with_other_arguments_later_is_another(tmp_path):
    half, eight = {"dtype": "float16"}, {"dtype": "float16", "load_in_8bit": True}
    places = [with_dtype(tmp_path, "one"), with_dtype(tmp_path, "two", **half), with_dtype(tmp_path, "three", **eight)]
    names = ["big", "big (dtype=float16)", "big (dtype=float16, load_in_8bit=True)"]
    with cc.open(tmp_path / "p") as project:
        for place, name in zip(places, names, strict=True):
            read = importers.load("lm-eval", place)
            assert [one.id for one in importers.preview(read, project).models] == [name]
            importers.write(read, project)
        assert project.models()["id"].to_pylist() == names
        assert project.models()["questions acc"].to_pylist() == [0.75, 0.5, 0.5]
        answers = [project.outputs(name, "questions")["prediction"].to_pylist() for name in names]
        assert answers[1] == answers[2] != answers[0]
        for place in reversed(places):
            again = importers.write(importers.load("lm-eval", place), project)
            assert (again.num_new_models, again.num_new_values) == (0, 0)
        assert len(project) == 3 and not project.history()
        together = importers.write(importers.load_all("lm-eval", places[::-1]), project)
        assert (together.num_models, together.num_new_models, together.num_new_values) == (3, 0, 0)


def test_which_of_two_came_first_does_not_change_what_they_are(tmp_path):
    """The project has the later one under the plain name; the earlier one then says how it differs."""
    plain, half = with_dtype(tmp_path, "one"), with_dtype(tmp_path, "two", dtype="float16")
    with cc.open(tmp_path / "p") as project:
        importers.write(importers.load("lm-eval", half), project)
        (notice,) = importers.preview(importers.load("lm-eval", plain), project).notices[-1:]
        assert notice.endswith("it comes in as 'big (no dtype)'.")
        importers.write(importers.load_all("lm-eval", [plain, half]), project)
        assert project.models()["id"].to_pylist() == ["big", "big (no dtype)"]
        assert project.models()["questions acc"].to_pylist() == [0.5, 0.75]


def test_of_a_second_run_of_the_same_name_nothing_comes_in(tmp_path):
    """Its answers and weights are those of another model."""
    one = importers.Imported(models=[{"id": "a"}], facts={"a": {"config.bits": 4}})
    two = importers.Imported(
        models=[{"id": "a"}],
        facts={"a": {"config.bits": 8}},
        outputs=[{"model": "a", "dataset": "test", "ids": [1], "predictions": [0]}],
        checkpoints={"a": tmp_path / "a.safetensors"},
        notes={"a": "of the second"},
    )
    one.join(two)
    assert (one.outputs, one.checkpoints, one.notes, one.facts) == ([], {}, {}, {"a": {"config.bits": 4}})


@pytest.mark.parametrize("source", SAMPLES)
def test_what_an_importer_does_not_expect_is_one_sentence(tmp_path, source, monkeypatch):
    def trip(place):
        raise KeyError("precision")

    place = SAMPLES[source](tmp_path)
    importer = importers.Importer(trip, importers.IMPORTERS[source].summary, importers.IMPORTERS[source].takes)
    monkeypatch.setattr("compress_compare.importers.registry.IMPORTERS", {source: importer})
    with pytest.raises(UserError) as caught:
        importers.load(source, place)
    assert caught.value.code == "import.format"
    assert caught.value.title == f"{place.name!r} is not laid out as expected."
    assert importer.summary in caught.value.detail and "KeyError: 'precision'" in caught.value.detail


@pytest.mark.parametrize(
    ("source", "old", "new"),
    [
        ("olive", '"big": {', '"big": {"parent_model_id": {}, "x": {}, '),
        ("olive", '{"value": {', '{"value": true, "x": {'),
        ("lm-eval", '"metrics": [', '"metrics": [{}, 1, '),
        ("onnx-runtime", "30.5", "1" + "0" * 400),
        ("compress-and-compare", "0.75", "1" + "0" * 400),
        ("lm-eval", '"config": {', '"config": true, "x": {'),
        ("lm-eval", '"date": ', '"lm_eval_version": "\\ud800", "date": '),
        ("lighteval", '"a1b2"', '"\\ud800"'),
        ("inspect", '"0.3.285"', '"\\ud800"'),
        ("aimet", '"bitwidth": 8', '"bitwidth": 1e999'),
        ("lighteval", '"effective_num_docs": 40', '"effective_num_docs": 1e999'),
        ("inspect", '"scored_samples": 4', '"scored_samples": NaN'),
        ("optuna", '"param_value_internal": ', '"param_value_internal": 1e999, "x": '),
    ],
)
def test_values_of_other_types_are_left_out_or_refused_in_a_sentence(tmp_path, source, old, new):
    place = SAMPLES[source](tmp_path)
    files = [place] if place.is_file() else [one for one in place.rglob("*") if one.is_file()]
    for path in files:
        path.write_text(path.read_text().replace(old, new, 1))
    try:
        read = importers.load(source, place)
    except UserError as error:
        assert "not laid out as expected" not in error.title
    else:
        with cc.open(tmp_path / "p") as project:
            importers.write(read, project)


@pytest.mark.parametrize("source", ["trackio", "mlflow"])
def test_nothing_is_left_beside_a_database(tmp_path, source):
    place = SAMPLES[source](tmp_path)
    with sqlite3.connect(place) as database:
        database.execute("PRAGMA journal_mode = WAL")
    database.close()
    before = sorted(one.name for one in tmp_path.iterdir())
    assert len(importers.load(source, place).models) == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == before == [place.name]


@pytest.mark.parametrize("written", ['"abc"', '"["', '"{}"', '"[1]"'])
def test_a_footprint_in_a_text_that_is_none_is_refused(tmp_path, written):
    path = tmp_path / "footprint.json"
    path.write_text(written)
    with pytest.raises(UserError, match="is not a footprint of Olive") as caught:
        importers.load("olive", path)
    assert caught.value.code == "import.format"
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize("named", [True, False])
def test_what_is_no_regular_file_and_an_empty_path_are_refused_at_once(tmp_path, named):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for place, code in (
        (tmp_path / "pipe", "kind"),
        (tmp_path / "loop", "kind"),
        ("/dev/zero", "kind"),
        ("", "no_file"),
    ):
        with pytest.raises(UserError) as caught:
            if named:
                importers.load("csv", place)
            else:
                importers.recognize(place)
        assert caught.value.code == f"import.{code}"
