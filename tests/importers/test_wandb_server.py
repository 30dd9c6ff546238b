"""Runs that W&B's own client gives, from a server that answers as W&B's does."""

import builtins
import json

import pytest

import compress_compare as cc
from compress_compare import importers
from compress_compare.errors import InvalidValue, MissingExtra
from compress_compare.importers import wandb_server
from tests.importers.wandb_answers import Answers, Run, serving

TABLE = {"columns": ["id", "label", "prediction"], "data": [[1, 0, 0], [2, 1, 0]]}
STORED = "media/table/predictions_0_ab.table.json"


def some_runs():
    entry = {"_type": "table-file", "path": STORED, "ncols": 3, "nrows": 2}
    summary = {"eval": {"accuracy": 0.75}, "loss": "Infinity", "kl": "NaN", "_step": 3, "predictions": entry}
    return [
        Run(
            *("r1", "big", {"operation": "train", "bits": 32, "_wandb": {"x": 1}}, summary),
            tags=("stage",),
            notes="the first",
            files={STORED: json.dumps(TABLE).encode()},
        ),
        Run("r2", "small", {"operation": "quantize", "bits": 4, "of": {"lr": 0.1}}, {"accuracy": 0.5}, uses="r1"),
        Run("r3", "crashed", {}, {"accuracy": 0.1}, state="crashed"),
        Run("r4", "going on", {}, {"accuracy": 0.2}, state="running"),
        Run("r5", "named", {"base": "small", "operation": "prune"}, {"accuracy": 0.25}),
    ]


@pytest.fixture
def client(monkeypatch, tmp_path):
    pytest.importorskip("wandb", reason="wandb is not installed")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))


@pytest.mark.usefixtures("client")
def test_the_runs_of_a_project_come_in_with_parents_numbers_and_answers(tmp_path):
    with serving(Answers(some_runs())) as address, cc.open(tmp_path / "p") as project:
        read = importers.load("wandb", f"{address}/team/digits")
        assert [(one["id"], one["base"]) for one in read.models] == [
            ("big", None),
            ("small", "big"),
            ("named", "small"),
        ]
        assert read.models[1]["operation"] == cc.Operation("quantize", bits=4, **{"of.lr": 0.1})
        assert (
            repr(sorted(read.models[0]["metrics"].items())) == "[('eval.accuracy', 0.75), ('kl', nan), ('loss', inf)]"
        )
        assert (read.models[0]["tags"], read.models[0]["note"]) == (("stage",), "the first")
        assert read.warnings[:2] == [
            "Run 'crashed' (r3) is crashed, not finished; it is left out.",
            "Run 'going on' (r4) is running, not finished; it is left out.",
        ]
        importers.write(read, project)
        assert project.outputs("big", "predictions")["prediction"].to_pylist() == [0, 0]
        assert project.instances("predictions")["label"].to_pylist() == [0, 1]


@pytest.mark.usefixtures("client")
def test_again_changes_nothing_and_a_grown_project_adds_what_is_new(tmp_path):
    answers = Answers(some_runs()[:1])
    with serving(answers) as address, cc.open(tmp_path / "p") as project:

        def bring():
            report = importers.write(importers.load("wandb", f"{address}/team/digits/workspace"), project)
            return report.num_models, report.num_new_models, report.num_new_values

        assert bring() == (1, 1, 0)
        assert bring() == (1, 0, 0)
        answers.runs = some_runs()
        assert bring() == (3, 2, 0)
        answers.runs[1].summary = {"accuracy": 0.625}
        bring()
        (change,) = project.history()
        assert (change.action, change.models, list(change.new.values())) == ("correct", ("small",), [0.625])


@pytest.mark.usefixtures("client")
def test_the_address_of_a_run_is_that_run(tmp_path):
    with serving(Answers(some_runs())) as address:
        (model,) = importers.load("wandb", f"{address}/team/digits/runs/r5").models
        assert model["id"] == "named"


@pytest.mark.usefixtures("client")
def test_a_project_that_is_not_there_is_told():
    with serving(Answers([])) as address, pytest.raises(InvalidValue) as caught:
        importers.load("wandb", f"{address}/team/nothing")
    assert caught.value.code == "import.server" and "team/nothing" in caught.value.title


@pytest.mark.usefixtures("client")
def test_a_project_without_artifacts_is_not_asked_for_them(tmp_path):
    answers = Answers([run for run in some_runs() if not run.uses])
    with serving(answers) as address:
        importers.load("wandb", f"{address}/team/digits")
    assert "RunInputArtifacts" not in answers.asked


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("wandb://team/digits", (None, "team/digits", None)),
        ("https://wandb.ai/team/digits", ("https://api.wandb.ai", "team/digits", None)),
        ("https://wandb.ai/team/digits/runs/ab12/overview?nw=x", ("https://api.wandb.ai", "team/digits", "ab12")),
        ("https://wandb.example.org:8080/team/my.nets/table", ("https://wandb.example.org:8080", "team/my.nets", None)),
    ],
)
def test_what_an_address_names(written, found):
    address = wandb_server.address_of(written)
    assert (address.server, address.project, address.run) == found


@pytest.mark.parametrize(
    "written", ["wandb://team", "https://wandb.ai/", "ftp://a/b/c", "https://me:key@wandb.ai/a/b", "https://[x/a/b"]
)
def test_what_names_no_project_is_refused(written):
    with pytest.raises(InvalidValue) as caught:
        importers.load("wandb", written)
    assert caught.value.code == "import.address"


def test_its_addresses_are_recognized():
    for written in ("wandb://team/digits", "https://wandb.ai/team/digits"):
        assert importers.recognize(written).source == "wandb"
    with pytest.raises(InvalidValue, match="does not say what is behind it"):
        importers.recognize("http://127.0.0.1:9/team/digits")


def test_without_the_client_the_extra_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **named):
        if name == "wandb":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match="needs wandb"):
        importers.load("wandb", "wandb://team/digits")
