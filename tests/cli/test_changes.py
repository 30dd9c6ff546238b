"""The commands that change what was logged."""

import json

import pytest
from click.testing import CliRunner

import compress_compare as cc
from compress_compare.cli.main import cli
from compress_compare.errors import UserError
from compress_compare.records import MetricValue


@pytest.fixture
def path(tmp_path):
    with cc.open(tmp_path / "p") as project:
        project.define_metric("Top-1 Accuracy", min=0, max=1)
        project.log_model("cnn", operation=cc.Operation("train"), metrics={"Top-1 Accuracy": 0.98, "a=b": 1})
        project.log_model("p50", base="cnn", operation=cc.Operation("prune", amount=0.5), replicate="seed 3")
        measured = MetricValue(0.01, device="cpu", dataset="test", protocol={"limit": 100})
        project.log_model("p50-ft", base="p50", operation=cc.Operation("finetune"), metrics={"Latency": measured})
    return str(tmp_path / "p")


def told(*arguments):
    done = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def ids(path):
    return [model["id"] for model in json.loads(told("ls", path, "--json"))["models"]]


def test_a_day_of_mistakes(path):
    assert "p50, p50-ft" in told("delete", path, "p50", "--descendants", "--reason", "wrong seed")
    assert ids(path) == ["cnn"]
    told("restore", path, "p50")
    told("rename", path, "p50", "half")
    told("correct", path, "cnn", "Top-1 Accuracy=0.97", "a=b=2", "--reason", "typo")
    told("archive", path, "p50-ft")
    assert ids(path) == ["cnn", "half"]
    told("archive", path, "p50-ft", "--off")
    told(
        "set-base",
        path,
        "p50-ft",
        "cnn",
        "--operation",
        "finetune",
        "--parameter",
        "epochs=3",
        "--parameter",
        "how=all",
    )
    found = json.loads(told("show", path, "p50-ft", "--json"))
    assert (found["base"], found["parameters"]) == ("cnn", {"epochs": 3, "how": "all"})
    told("set-base", path, "half", "--root")
    changes = json.loads(told("history", path, "--json"))["changes"]
    assert [change["action"] for change in changes] == [
        *("set base", "set base", "unarchive", "archive", "correct", "rename", "restore", "delete")
    ]
    assert changes[4]["old"] == {"Top-1 Accuracy": 0.98, "a=b": 1}
    for _ in changes[:6]:
        told("undo", path)
    assert ids(path) == ["cnn", "p50", "p50-ft"]
    assert json.loads(told("show", path, "cnn", "--json"))["metrics"][0]["value"] == 0.98
    assert "rename (undone)" in told("history", path, "p50")


def test_the_history_shows_names_as_they_are(path):
    told("rename", path, "p50-ft", "größer 🙂")
    told("delete", path, "größer 🙂")
    assert 'models ["größer 🙂"]' in told("history", path)


def test_the_history_shows_values_in_the_format_of_their_metric(path):
    with cc.open(path) as project:
        project.define_metric("Size", unit="B", format=".3s")
        project.log_metrics("cnn", {"Size": 2988.0})
    told("correct", path, "cnn", "Size=4100")
    told("correct", path, "cnn", "Top-1 Accuracy=0.97", "a=b=2")
    found = told("history", path)
    assert "Size 2.99 kB" in found and "Size 4.1 kB" in found
    assert "Top-1 Accuracy 98.0%" in found and "Top-1 Accuracy 97.0%, a=b 2" in found


def test_a_base_that_a_model_has_already_is_no_change(path):
    assert told("set-base", path, "p50-ft", "p50") == "It is so already; nothing was changed.\n"
    same = ("set-base", path, "p50", "cnn", "--operation", "prune", "--parameter", "amount=0.5")
    assert told(*same) == "It is so already; nothing was changed.\n"
    assert json.loads(told("history", path, "--json"))["changes"] == []
    assert "set base" in told("set-base", path, "p50", "cnn", "--operation", "prune", "--parameter", "amount=0.6")


def test_show_says_how_a_number_was_measured_corrected_and_logged(path):
    told("correct", path, "p50-ft", "Latency=0.02", "--reason", "another clock")
    text = told("show", path, "p50-ft")
    assert 'metric   device  dataset  protocol       value\nLatency  cpu     test     {"limit":100}   0.02' in text
    assert "corrected: Latency (cpu, test" in text and "was 0.01" in text and "another clock" in text
    assert "logged: " in text and "compress-compare" in text
    assert "replicate: seed 3" in told("show", path, "p50")
    told("delete", path, "p50-ft")
    assert "1 deleted models removed for good." in told("purge", path)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["delete", "cnn"], "model.has_descendants"),
        (["delete", "none"], "model.unknown"),
        (["restore", "cnn"], "model.not_deleted"),
        (["rename", "cnn", "p50"], "model.exists"),
        (["set-base", "cnn", "p50"], "model.cycle"),
        (["set-base", "cnn"], "base.choice"),
        (["set-base", "p50", "cnn", "--root"], "base.choice"),
        (["set-base", "p50", "cnn", "--parameter", "a=1"], "operation.missing"),
        (["set-base", "p50", "cnn", "--operation", "o", "--parameter", "a"], "parameter.form"),
        (["archive", "cnn"], "model.has_descendants"),
        (["correct", "cnn", "Top-1 Accuracy"], "metric.value"),
        (["correct", "cnn", "Top-1 Accuracy=high"], "metric.value"),
        (["correct", "cnn", "Top-1 Accuracy=97.5"], "metric.range"),
        (["history", "none"], "model.unknown"),
        (["undo"], "history.nothing"),
        (["undo", "7"], "history.unknown"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(path, arguments, code):
    with pytest.raises(UserError) as caught:
        CliRunner().invoke(cli, [arguments[0], path, *arguments[1:]], catch_exceptions=False)
    assert caught.value.code == code
    with cc.open(path) as project:
        assert project.history() == []
