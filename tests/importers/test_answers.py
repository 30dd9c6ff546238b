"""Other answers to the same examples: replaced with history under one protocol, left out under another."""

import pytest

import compress_compare as cc
from compress_compare import importers
from compress_compare.errors import Conflict, NotFound


def read(right, *, shots=0, ids=(1, 2, 3, 4), texts=None):
    """A model that answered so many of some examples rightly."""
    answered = [int(place < right) for place in range(len(ids))]
    value = cc.MetricValue(right / len(ids), dataset="sums", protocol={"shots": shots}, count=len(ids))
    found = importers.Imported(models=[{"id": "net", "metrics": {"accuracy": value}}])
    found.metrics.append(cc.Metric("accuracy", higher_is_better=True))
    found.datasets.append({"name": "sums", "ids": [1, 2, 3, 4], "labels": [1, 1, 1, 1]})
    more = {} if texts is None else {"texts": texts}
    found.outputs.append({"model": "net", "dataset": "sums", "ids": list(ids), "predictions": answered, **more})
    return found


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "p") as project:
        importers.write(read(3), project)
        yield project


def predictions(project):
    return project.outputs("net", "sums")["prediction"].to_pylist()


def test_other_answers_replace_those_that_are_there_and_can_be_taken_back(project):
    (told,) = importers.preview(read(1), project).warnings
    assert (
        told == "Model 'net' has other answers on 'sums' in the project: they are replaced, and its history keeps them."
    )
    assert predictions(project) == [1, 1, 1, 0]
    report = importers.write(read(1), project)
    assert (list(report.warnings), predictions(project)) == ([told], [1, 0, 0, 0])
    assert {one.action for one in project.history()} == {"correct", "correct outputs"}
    assert importers.write(read(1), project).warnings == []
    for _ in project.history():  # the number and the answers
        project.undo()
    assert predictions(project) == [1, 1, 1, 0]


def test_answers_of_fewer_examples_are_never_mixed_with_those_of_another_run(project):
    importers.write(read(0, ids=(1, 2)), project)
    assert project.outputs("net", "sums")["id"].to_pylist() == [1, 2] and predictions(project) == [0, 0]
    for _ in project.history():  # the number and the answers
        project.undo()
    importers.write(read(2, ids=(1, 2)), project)
    assert predictions(project) == [1, 1, 1, 0]


def test_more_that_is_told_of_the_same_answers_replaces_them(project):
    importers.write(read(3, texts=["a", "b", "c", "d"]), project)
    assert project.outputs("net", "sums")["text"].to_pylist() == ["a", "b", "c", "d"]


def test_answers_under_another_protocol_are_left_out_and_the_number_comes_in(project):
    (told,) = importers.preview(read(1, shots=5), project).warnings
    assert "was asked on 'sums' under another protocol" in told
    assert list(importers.write(read(1, shots=5), project).warnings) == [told]
    assert predictions(project) == [1, 1, 1, 0] and project.history() == []
    assert list(importers.write(read(1, shots=5), project).warnings) == [told]
    assert predictions(project) == [1, 1, 1, 0] and project.history() == []
    assert sorted(value.value for value in project.model("net").metrics["accuracy"]) == [0.25, 0.75]


def test_a_user_can_replace_answers_and_no_call_does_it_unasked(project):
    other = {"ids": [4, 3, 2, 1], "predictions": [1, 1, 1, 1]}
    with pytest.raises(Conflict, match="already has other outputs"):
        project.log_outputs("net", "sums", **other)
    assert project.has_other_outputs("net", "sums", **other)
    assert project.correct_outputs("net", "sums", **other, reason="wrong weights")
    assert not project.correct_outputs("net", "sums", **other)
    assert not project.has_other_outputs("net", "sums", **other)
    (change,) = project.history()
    assert (change.action, change.reason, change.undoable) == ("correct outputs", "wrong weights", True)
    project.log_model("new")
    assert not project.has_other_outputs("new", "sums", **other)
    with pytest.raises(NotFound):
        project.correct_outputs("new", "sums", **other)
