"""Which model a file is, whatever it is called and however it was written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import save_file

import compress_compare as cc
from compress_compare.cli.main import cli
from compress_compare.errors import UserError


def weights(number: int) -> dict[str, np.ndarray]:
    return {"a.weight": np.full((4, 4), number, dtype=np.float32), "b.bias": np.arange(4, dtype=np.float32)}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, numbers in (("first", (1, 2)), ("second", (3,))):
        with cc.open(tmp_path / "runs" / name) as project:
            project.log_model("root")
            for number in numbers:
                prune = cc.Operation("prune", amount=number)
                project.log_model(f"m{number}", base="root", operation=prune, checkpoint=weights(number))
    return tmp_path


def run(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(cli, ["whence", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.stdout


def test_the_same_bytes_under_another_name(place: Path) -> None:
    with cc.open(place / "runs" / "first") as project:
        checkpoint = project.model("m2").checkpoint
        assert checkpoint is not None
        digest = checkpoint.files[0].sha256
    shutil.copy(place / "runs" / "first" / "objects" / digest[:2] / digest, place / "download.bin")
    (found,) = json.loads(run("download.bin", "--json"))["found"]
    assert (Path(found["project"]).name, found["model"], found["how"]) == ("first", "m2", "same files")
    assert [(step["model"], step["operation"]) for step in found["lineage"]] == [("root", None), ("m2", "prune")]
    assert "m2 of " in run("download.bin", "--in", place / "runs" / "first")


def test_the_same_tensors_in_another_file(place: Path) -> None:
    save_file(dict(reversed(weights(3).items())), place / "w.safetensors", metadata={"other": "x"})
    assert run("w.safetensors").splitlines()[0].endswith("same tensors")
    (place / "folder").mkdir()
    save_file(weights(1), place / "folder" / "model.safetensors", metadata={"other": "x"})
    assert run("folder").splitlines()[0].startswith("m1 of ")


def test_a_file_that_says_of_what_it_was_made(place: Path) -> None:
    with cc.open(place / "runs" / "first") as project:
        checkpoint = project.model("m1").checkpoint
        assert checkpoint is not None
        files = {file.name: file.sha256 for file in checkpoint.files}
    half = {name: array.astype(np.float16) for name, array in weights(9).items()}
    for model, expected in (("m1", 0), ("m2", 1)):
        origin = {"origin": {"model": model, "files": files}}
        save_file(half, place / "w.safetensors", metadata={"compress_compare": json.dumps(origin)})
        text = run("w.safetensors", code=expected)
        assert ("says so" in text) == (model == "m1")


def test_a_shipped_file_answers_where_its_project_is_not(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with cc.open(place / "runs" / "first") as project:
        project.ship("m2", place / "out", format="packed", sample=0)
        lineage = [(step.model, step.operation.parameters) for step in project.model("m2").lineage if step.operation]
    shutil.move(place / "out" / "model.safetensors", place / "empty.safetensors")
    (place / "elsewhere").mkdir()
    monkeypatch.chdir(place / "elsewhere")
    text = run("../empty.safetensors").splitlines()
    assert text[0] == "m2 of the project first: the file says so"
    assert text[1:] == ["  root  (root)", "  m2  prune amount=2"]
    answer = json.loads(run("../empty.safetensors", "--json"))
    assert (answer["found"], answer["projects"]) == ([], [])
    said = [(step["model"], step["parameters"]) for step in answer["origin"]["lineage"] if step["operation"]]
    assert said == [(model, dict(parameters)) for model, parameters in lineage]


def test_what_is_none_of_them(place: Path) -> None:
    save_file(weights(7), place / "w.safetensors")
    assert json.loads(run("w.safetensors", "--json", code=1))["found"] == []
    assert run("w.safetensors", code=1) == ""


def test_errors(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "empty").mkdir()
    for arguments, code in (
        (["nothing.bin"], "input.no_file"),
        (["x", "--in", "nowhere"], "project.unknown"),
    ):
        with pytest.raises(UserError) as caught:
            run(*arguments)
        assert caught.value.code == code
    monkeypatch.chdir(place / "empty")
    with pytest.raises(UserError, match="no project here"):
        run("x")


def test_a_damaged_project_nearby_hides_no_other(place: Path) -> None:
    save_file(weights(3), place / "w.safetensors", metadata={"other": "x"})
    (place / "runs" / "broken").mkdir()
    (place / "runs" / "broken" / "compress-compare.db").write_bytes(b"no database")
    done = CliRunner().invoke(cli, ["whence", "w.safetensors"], catch_exceptions=False)
    assert done.exit_code == 0
    assert done.stdout.startswith("m3 of ")
    assert "note: not looked in runs/broken: The project database cannot be read." in done.stderr


def test_a_model_that_cannot_be_compared_is_named(place: Path) -> None:
    save_file(weights(1), place / "w.safetensors", metadata={"other": "x"})
    with cc.open(place / "runs" / "first") as project:
        checkpoint = project.model("m1").checkpoint
        assert checkpoint is not None
        digest = checkpoint.files[0].sha256
    (place / "runs" / "first" / "objects" / digest[:2] / digest).unlink()
    done = CliRunner().invoke(cli, ["whence", "w.safetensors"], catch_exceptions=False)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"note: m1 of {place / 'runs' / 'first'} was not compared: ")
