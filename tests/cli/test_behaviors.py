"""``compress-compare behaviors``, run as a user runs it."""

import json
import subprocess
import sys

import pytest

import compress_compare as cc
from compress_compare.page import answers
from compress_compare.page.wire.behaviors import BehaviorsAsk


def run(*arguments, code=0):
    script = [sys.executable, "-c", "from compress_compare.cli import main; main()"]
    done = subprocess.run([*script, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    location = tmp_path_factory.mktemp("cli") / "project"
    with cc.open(location) as project:
        labels = [0, 0, 1, 1, 2]
        project.log_dataset("d", ids=[1, 2, 3, 4, 5], labels=labels, metadata={"light": list("ddnnn")})
        for name, predictions in {"cnn": [0, 0, 1, 0, 2], "small": [0, 1, 1, 1, 2], "tiny": [1, 1, 1, 1, 1]}.items():
            project.log_model(name)
            project.log_outputs(name, "d", ids=[1, 2, 3, 4, 5], predictions=predictions)
    return location


def test_the_document(path):
    document = json.loads(run("behaviors", path, "cnn", "small", "tiny", "--json").stdout)
    assert (document["base"], document["models"], document["dataset"]) == ("cnn", ["small", "tiny"], "d")
    rows = document["summary"]
    assert [(row["right_to_wrong"], row["wrong_to_right"]) for row in rows] == [(1, 1), (3, 1)]
    assert [row["group"] for row in document["groups"]] == [0, 1, 2] * 2
    assert document["changes"][0]["model"] == "small"


def test_the_table(path):
    lines = run("behaviors", path, "small", "--base", "cnn", "--dataset", "d", "--by", "light").stdout.splitlines()
    assert lines[0].split()[:3] == ["model", "count", "value"]
    assert lines[1].split()[:3] == ["small", "5", "80.0%"]
    assert lines[3].split()[:2] == ["model", "group"]
    assert len(lines) == 6


def test_one_p_value_has_one_number_and_one_word(path):
    """The table, the document and the page give McNemar's p adjusted by Holm: 2 discordant of 1 : 1, and 4 of 3 : 1."""
    document = json.loads(run("behaviors", path, "cnn", "small", "tiny", "--json").stdout)
    adjusted = [row["mcnemar_p_adjusted"] for row in document["summary"]]
    # exact: 1 and 2 * (1 + 4) / 16 = 0.625; Holm: the smaller one twice, and not less than it for the other
    assert [row["mcnemar_p"] for row in document["summary"]] == pytest.approx([1.0, 0.625])
    assert adjusted == [1.0, 1.0]
    lines = run("behaviors", path, "cnn", "small", "tiny", "--by", "light").stdout.splitlines()
    assert lines[0].endswith("McNemar p (Holm)")
    assert [float(line.split()[-1]) for line in lines[1:3]] == adjusted
    assert "McNemar" not in "".join(lines[3:])
    with cc.open(path) as project:
        asked = BehaviorsAsk(base="cnn", models=["small", "tiny"], dataset="d", metric="correct", parts=["summary"])
        shown = answers.behaviors(project.behaviors("cnn", ["small", "tiny"], "d"), asked).model_dump()["summary"]
    assert [row["mcnemar_p_adjusted"] for row in shown] == adjusted


def test_the_bootstrap(path):
    document = json.loads(run("behaviors", path, "cnn", "small", "--bootstrap", "1000", "--json").stdout)
    (row,) = document["bootstrap"]
    assert row["ci_low"] <= row["difference"] <= row["ci_high"]
    assert "1,000 resamples" in row["interval"]
    assert "paired bootstrap" in run("behaviors", path, "cnn", "small", "--bootstrap", "1000").stdout


@pytest.mark.parametrize(("part", "rows"), [("exemplars", 2), ("changes", 1), ("summary", 1), ("instances", 5)])
def test_parts_as_files(path, tmp_path, part, rows):
    file = tmp_path / "part.csv"
    assert f"Wrote {rows} rows of {part}" in run("behaviors", path, "cnn", "small", "--part", part, "-o", file).stdout
    assert len(file.read_text().splitlines()) == 1 + rows


def test_a_file_of_no_known_kind(path, tmp_path):
    done = run("behaviors", path, "cnn", "small", "-o", tmp_path / "part.xlsx", code=2)
    assert done.stderr.startswith("export.unknown_format: ")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["cnn"], "behaviors.models"),
        (["cnn", "small", "--metric", "nll"], "behaviors.metric"),
        (["cnn", "small", "--dataset", "nope"], "dataset.unknown"),
        (["cnn", "small", "--by", "nope", "--json"], "behaviors.group"),
    ],
)
def test_wrong_input_ends_with_2_and_a_sentence(path, arguments, code):
    done = run("behaviors", path, *arguments, code=2)
    assert done.stdout == ""
    assert done.stderr.startswith(f"{code}: ")
    assert len(done.stderr.splitlines()) <= 3
