"""What is installed, and whether a project is whole."""

import json
import shutil

import pytest
from click.testing import CliRunner

import compress_compare as cc
from compress_compare.cli.main import cli


def run(*arguments):
    return CliRunner().invoke(cli, ["doctor", *map(str, arguments)], catch_exceptions=False).output


@pytest.fixture
def path(tmp_path):
    with cc.open(tmp_path / "project") as project:
        project.log_model("cnn")
        project.log_dataset("digits", ids=[1, 2], labels=["a", "b"])
        project.log_outputs("cnn", "digits", ids=[1, 2], predictions=["a", "a"])
    return tmp_path / "project"


def test_every_floor_is_told():
    lines = run().splitlines()
    assert [line.split()[0] for line in lines[1:]] == [
        *("Python", "SQLite", "starlette", "pyarrow", "torch", "onnx", "onnxruntime", "ray")
    ]
    document = json.loads(run("--json"))
    assert {one["status"] for one in document["versions"]} <= {"ok", "warn", "missing"}
    assert document["damage"] is None


def test_a_whole_project(path):
    assert json.loads(run(path, "--json"))["damage"] == []
    assert "nothing is damaged" in run(path)


def test_changed_and_missing_files_are_named(path):
    objects = [one for one in (path / "objects").rglob("*") if one.is_file()]
    assert len(objects) == 2
    changed, gone = objects
    changed.chmod(0o600)
    changed.write_bytes(b"x" + changed.read_bytes()[1:])
    gone.unlink()
    damage = json.loads(run(path, "--json"))["damage"]
    assert len(damage) == 2
    assert any(changed.name in line and "has changed" in line for line in damage)
    assert any(gone.name in line and "missing" in line for line in damage)
    assert {line.split(":")[0] for line in damage} == {"instances of digits", "outputs of cnn on digits"}
    assert "2 files are damaged" in run(path)


def test_damage_ends_with_exit_code_1_and_is_put_right_from_a_copy(path, tmp_path):
    objects = [one for one in (path / "objects").rglob("*") if one.is_file()]
    for number, one in enumerate(objects):
        shutil.copy(one, tmp_path / f"copy-{number}")
        one.write_bytes(b"")
    assert CliRunner().invoke(cli, ["doctor", str(path)]).exit_code == 1
    told = CliRunner().invoke(cli, ["doctor", str(path), "--repair", "--from", str(tmp_path / "copy-0")])
    assert told.exit_code == 1
    assert "1 files are damaged" in told.output
    told = CliRunner().invoke(cli, ["doctor", str(path), "--repair", "--from", str(tmp_path)])
    assert told.exit_code == 0
    assert "put right" in told.output
    assert "nothing is damaged" in told.output
