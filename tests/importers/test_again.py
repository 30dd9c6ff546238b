"""Importing a source again: unchanged, grown, and with a number changed; and what happens to files that are damaged."""

import shutil

import pytest

import compress_compare as cc
from compress_compare import importers
from compress_compare.errors import UserError
from tests.importers.samples import NO_BASE, OF_ONE, SAMPLES

EVERY = pytest.mark.parametrize("source", SAMPLES)
GROWING = pytest.mark.parametrize("source", [source for source in SAMPLES if source not in OF_ONE])
CUTS = 50


def state(project):
    """Everything that an import can change."""
    models = project.models().to_pylist()
    described = [project.model(row["id"]) for row in models]
    outputs = {
        (one.id, dataset): project.outputs(one.id, dataset).to_pylist() for one in described for dataset in one.datasets
    }
    return models, described, project.metrics(), project.datasets(), outputs


def test_every_importer_has_a_sample():
    assert set(SAMPLES) == set(importers.IMPORTERS)


@EVERY
def test_a_source_is_recognized(tmp_path, source):
    found = importers.recognize(SAMPLES[source](tmp_path))
    assert found.source == source and found.reason and not found.reason.endswith(".")


@GROWING
def test_the_same_again_changes_nothing_and_a_grown_source_adds_what_is_new(tmp_path, source):
    place = tmp_path / "source"
    place.mkdir()
    with cc.open(tmp_path / "p") as project:
        first = importers.write(importers.load(source, SAMPLES[source](place)), project)
        assert (first.num_models, first.num_new_models, len(project)) == (1, 1, 1)
        before = state(project)
        again = importers.write(importers.load(source, SAMPLES[source](place)), project)
        assert (again.num_new_models, again.num_new_values) == (0, 0)
        assert state(project) == before
        grown = importers.write(importers.load(source, SAMPLES[source](place, grown=True)), project)
        assert (grown.num_models, grown.num_new_models, grown.num_new_values) == (2, 1, 0)
        ids = project.models()["id"].to_pylist()
        assert project.models()["base"].to_pylist() == [None, None if source in NO_BASE else ids[0]]
        assert project.model(ids[0]) == before[1][0]


@pytest.mark.parametrize("source", OF_ONE)
def test_the_same_again_changes_nothing_and_more_layers_add_their_values(tmp_path, source):
    with cc.open(tmp_path / "p") as project:
        assert importers.write(importers.load(source, SAMPLES[source](tmp_path)), project).num_new_models == 1
        before = state(project)
        importers.write(importers.load(source, SAMPLES[source](tmp_path)), project)
        assert state(project) == before
        read = importers.load(source, SAMPLES[source](tmp_path, grown=True))
        assert importers.preview(read, project).corrections == []
        grown = importers.write(read, project)
        assert (grown.num_models, grown.num_new_models) == (1, 0) and grown.num_new_values > 0
        (old,), (new,) = before[1], state(project)[1]
        added = {name: set(values) - set(old.metrics.get(name, ())) for name, values in new.metrics.items()}
        assert all(set(values) <= set(new.metrics[name]) for name, values in old.metrics.items())
        assert sum(map(len, added.values())) == grown.num_new_values
        assert all(value.slice for values in added.values() for value in values)
        assert project.history() == []


@EVERY
def test_tags_and_notes_that_were_changed_here_stay(tmp_path, source):
    place = SAMPLES[source](tmp_path)
    with cc.open(tmp_path / "p") as project:
        importers.write(importers.load(source, place), project)
        (id,) = project.models()["id"].to_pylist()
        project.set_tags(id, ["mine"])
        project.set_note(id, "my own words")
        importers.write(importers.load(source, place), project)
        assert (project.model(id).tags, project.model(id).note) == (("mine",), "my own words")


@GROWING
def test_a_changed_number_is_told_and_becomes_a_correction(tmp_path, source):
    with cc.open(tmp_path / "p") as project:
        importers.write(importers.load(source, SAMPLES[source](tmp_path, grown=True)), project)
        before = state(project)
        changed = importers.load(source, SAMPLES[source](tmp_path, grown=True, accuracy=0.25))
        found = importers.preview(changed, project)
        assert [(one.value, one.model) for one in found.corrections] == [(0.25, found.models[1].id)]
        id = found.corrections[0].model
        told = [one for one in found.warnings if f"Model {id!r} has other answers" in one]
        assert len(told) == len(found.outputs) // 2
        assert [one for one in importers.write(changed, project).warnings if one in told] == told
        assert 0.25 in [value.value for values in project.model(id).metrics.values() for value in values]
        change, *answers = project.history()
        assert (change.action, change.models, list(change.new.values())) == ("correct", (id,), [0.25])
        assert [(one.action, one.models) for one in answers] == [("correct outputs", (id,))] * len(told)
        again = importers.write(changed, project)
        assert len(project.history()) == 1 + len(told) and not set(told) & set(again.warnings)
        for _ in project.history():
            project.undo()
        assert state(project) == before


def test_a_model_that_was_deleted_here_is_not_brought_back(tmp_path):
    read = importers.Imported(models=[{"id": "a"}, {"id": "b"}])
    with cc.open(tmp_path / "p") as project:
        importers.write(read, project)
        project.delete("a")
        report = importers.write(read, project)
        assert project.models()["id"].to_pylist() == ["b"]
        (warning,) = report.warnings
        assert "'a' was deleted in this project" in warning


def test_a_number_that_was_corrected_here_is_not_brought_back(tmp_path):
    read = importers.Imported(models=[{"id": "a", "metrics": {"accuracy": 97.5}}])
    with cc.open(tmp_path / "p") as project:
        importers.write(read, project)
        project.correct("a", {"accuracy": 0.975}, reason="percent")
        importers.write(read, project)
        assert project.models()["accuracy"].to_pylist() == [0.975]


@GROWING
def test_a_preview_says_what_comes_in_and_changes_nothing(tmp_path, source):
    with cc.open(tmp_path / "p") as project:
        read = importers.load(source, SAMPLES[source](tmp_path, grown=True))
        found = importers.preview(read, project)
        assert len(project) == 0
        assert [(one.depth, one.is_new) for one in found.models] == [(0, True), (int(source not in NO_BASE), True)]
        assert all(one.reason for one in found.metrics)
        assert sum(one.values == 2 for one in found.metrics) == 1
        report = importers.write(read, project)
        assert [one.id for one in found.models] == project.models()["id"].to_pylist()
        assert len(found.outputs) == report.num_outputs


def files_of(place):
    return [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())


@EVERY
def test_a_file_that_is_cut_anywhere_is_refused_in_a_sentence_or_read_without_harm(tmp_path, source):
    whole = tmp_path / "whole"
    whole.mkdir()
    place = SAMPLES[source](whole, grown=True)
    for number, path in enumerate(files_of(place)):
        content = path.read_bytes()
        for cut in range(CUTS):
            broken = tmp_path / f"{number}-{cut}"
            shutil.copytree(whole, broken)
            (broken / path.relative_to(whole)).write_bytes(content[: len(content) * cut // CUTS])
            try:
                importers.preview(importers.load(source, broken / place.relative_to(whole)))
            except UserError as error:
                assert error.code.startswith("import.") and error.title.endswith(".")
                assert str(tmp_path) not in str(error)
            shutil.rmtree(broken)


@EVERY
@pytest.mark.parametrize("other", SAMPLES)
def test_the_file_of_another_tool_is_refused(tmp_path, source, other):
    objects = ("llama-cpp", "aimet", "executorch", "gptqmodel", "model-explorer", "onnx-runtime")
    if source == other or (source == "csv" and other in objects):
        pytest.skip("its own, or a table")
    place = SAMPLES[other](tmp_path)
    with pytest.raises(UserError) as caught:
        importers.load(source, place)
    assert caught.value.code.startswith("import.")


@EVERY
def test_links_that_lead_out_of_a_folder_are_not_followed(tmp_path, source):
    if "folder" not in importers.IMPORTERS[source].takes:
        pytest.skip("it takes files only")
    whole, linked = tmp_path / "whole", tmp_path / "linked"
    whole.mkdir()
    linked.mkdir()
    SAMPLES[source](whole)
    for path in whole.iterdir():
        (linked / path.name).symlink_to(path)
    with pytest.raises(UserError) as caught:
        importers.load(source, linked)
    assert caught.value.code.startswith("import.")
