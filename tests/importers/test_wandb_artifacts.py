"""Parents by the model that a run used, from records as W&B's client 0.31 writes them into its logs."""

import pytest

from compress_compare import importers

from .samples import message, wandb_log


def logged(name, type="model", *, used_too=False):
    """A record of an artifact that a run logs."""
    return message((8, message((1, "run"), (4, type), (5, name), (6, "digest"), *([(10, 1)] if used_too else []))))


def used(name, type="model"):
    """A record of one that it uses."""
    return message((25, message((1, "QXJ0aWZhY3Q6MQ=="), (2, type), (3, name))))


def read(folder, runs):
    """The parents and notices of runs: name → records, and the code that the run ended with."""
    for name, (records, code) in runs.items():
        head = message((17, message((1, f"id-{name}"), (8, name))))
        wandb_log(folder / f"run-{name}.wandb", [head, *records, message((18, message((1, code))))])
    found = importers.load("wandb", folder)
    return {one["id"]: one["base"] for one in found.models}, found.notices


def test_the_run_that_logged_the_model_is_the_parent(tmp_path):
    runs = {
        "a": ([logged("weights"), logged("data", "dataset")], 0),
        "b": ([used("data:v0", "dataset"), used("team/nets/weights:v3"), logged("b-weights")], 0),
        "c": ([logged("weights", used_too=True), used("b-weights:latest")], 0),
        "d": ([used("data:v0", "dataset"), logged("d-weights"), used("d-weights:v0")], 0),
    }
    bases, notices = read(tmp_path, runs)
    # c logs "weights" only to use it, so it is no second maker, and it was used first
    assert bases == {"a": None, "b": "a", "c": "a", "d": None}
    assert "The base is taken from the model that a run used in 2 of 4 models." in notices
    assert [one for one in notices if "'d-weights', which no run that is read logged" in one]


@pytest.mark.parametrize("second", ["a2", "a0"])
def test_one_of_several_makers_is_not_guessed(tmp_path, second):
    runs = {"a1": ([logged("weights")], 0), second: ([logged("weights")], 0), "b": ([used("weights:v1")], 0)}
    bases, notices = read(tmp_path, runs)
    assert set(bases.values()) == {None}
    assert [one for one in notices if "'weights', which several runs that are read logged" in one]


def test_a_maker_that_crashed_is_no_parent(tmp_path):
    runs = {"a": ([logged("weights")], 1), "b": ([used("weights:v0")], 0)}
    bases, _ = read(tmp_path, runs)
    assert list(bases) == ["b"]
