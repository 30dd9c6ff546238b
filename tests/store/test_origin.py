"""Who logged what, where and with what: what is kept, and what never is."""

import json
import os
import subprocess
import sys

import pytest

import compress_compare as cc
from compress_compare.records import MetricValue
from compress_compare.store.origin import shown

LOG = """
import sys, numpy, compress_compare as cc
with cc.open(sys.argv[1]) as project:
    project.log_model("a", note="mine")
    origin = project.model("a").origin
import json, dataclasses
print(json.dumps(dataclasses.asdict(origin)))
"""


def git(folder, *arguments):
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def code(tmp_path):
    """A repository with a program that logs a model."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "train.py").write_text(LOG)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    return folder


def run(folder, *arguments, **environment):
    command = [sys.executable, "train.py", *arguments]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    return json.loads(done.stdout), done.stdout


def test_a_model_keeps_its_commit_its_command_and_the_packages(code, tmp_path):
    secret = "sk-ant-000"
    found, text = run(code, str(tmp_path / "p"), "--lr", "0.1", "--token", secret, "--seed=3", API_KEY=secret)
    assert found["commit"] == git(code, "rev-parse", "HEAD").strip()
    assert found["dirty"] is False
    assert found["command"] == "train.py … --lr 0.1 --token … --seed=3"
    assert found["packages"].keys() >= {"python", "numpy", "compress-compare"}
    assert set(found) == {"user", "host", "packages", "commit", "dirty", "command", "token"}
    assert secret not in text
    assert str(tmp_path) not in text
    (code / "train.py").write_text(LOG + "\n")
    assert run(code, str(tmp_path / "q"))[0]["dirty"] is True


def test_git_runs_no_program_of_the_repository(code, tmp_path):
    left = tmp_path / "ran"
    (code / "spy.sh").write_text(f"#!/bin/sh\ntouch {left}\n")
    (code / "spy.sh").chmod(0o755)
    git(code, "config", "core.fsmonitor", str(code / "spy.sh"))
    left.unlink(missing_ok=True)
    run(code, str(tmp_path / "p"))
    assert not left.exists()


def test_outside_of_a_repository_there_is_no_commit(tmp_path):
    (tmp_path / "train.py").write_text(LOG)
    found, _ = run(tmp_path, str(tmp_path / "p"), GIT_CEILING_DIRECTORIES=str(tmp_path.parent))
    assert (found["commit"], found["dirty"]) == (None, None)


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (["/opt/tools/compress-compare", "run", "/secret/recipe.yaml"], "compress-compare run …"),
        (["train.py", "run", "-v", "--lr=1e-3", "--key=abc", "7"], "train.py … -v --lr=1e-3 --key=… 7"),
        (["train.py", "4111111111111111"], "train.py …"),
        ([], ""),
    ],
)
def test_of_a_command_only_names_of_options_and_numbers_are_kept(arguments, kept):
    assert shown(arguments) == kept


@pytest.mark.usefixtures("each_backend")
def test_what_one_process_logs_shares_one_origin(tmp_path):
    with cc.open(tmp_path / "p") as project:
        for id in "abc":
            project.log_model(id, note=id)
        with project._database.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM origins").scalar() == 1


@pytest.mark.usefixtures("each_backend")
def test_values_of_unlike_dataset_or_protocol_stand_side_by_side(tmp_path):
    few, many = {"few_shot": 5, "limit": 100}, {"limit": 1172, "few_shot": 5}
    values = [
        MetricValue(0.99, count=100, dataset="arc", protocol=few),
        MetricValue(0.63, count=1172, dataset="arc", protocol=many),
        MetricValue(0.5, dataset="piqa"),
    ]
    with cc.open(tmp_path / "p") as project:
        project.log_model("q4", metrics={"acc": values})
        project.log_metrics(
            "q4", {"acc": MetricValue(0.99, count=100, dataset="arc", protocol=dict(reversed(few.items())))}
        )
        assert set(project.models().column_names[5:]) == {
            "acc (arc, few_shot 5, limit 100)",
            "acc (arc, few_shot 5, limit 1172)",
            "acc (piqa)",
        }
        kept = project.model("q4").metrics["acc"]
    assert {(one.value, one.dataset, one.protocol_json) for one in kept} == {
        (one.value, one.dataset, one.protocol_json) for one in values
    }
