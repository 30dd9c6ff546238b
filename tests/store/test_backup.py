"""A backup is the project of one moment, taken while others write; what fails leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import compress_compare as cc
from compress_compare.cli.main import cli
from compress_compare.errors import InvalidValue, StoreError

from . import stored

pytestmark = pytest.mark.usefixtures("each_backend")

WRITER = """
import sys, numpy as np, compress_compare as cc
project = cc.open(sys.argv[1])
for i in range(10_000):
    pruned = cc.Operation("prune", seed=i)
    project.log_model(f"m{i}", base="root", operation=pruned, checkpoint={"w": np.full(9, i, "f4")})
    print(i, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with cc.open(tmp_path / "project") as project:
        project.log_model("root", checkpoint={"w": np.ones(3, "f4")}, metrics={"Top-1 Accuracy": 0.5})
        project.log_dataset("data", ids=[1, 2], labels=["a", "b"])
        project.log_outputs("root", "data", ids=[1, 2], predictions=["a", "a"])
    return tmp_path / "project"


def test_the_copy_is_a_whole_project(path: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["backup", str(path), str(tmp_path / "copy"), "--json"])
    assert done.exit_code == 0
    said = json.loads(done.output)
    objects = [one for one in (tmp_path / "copy" / "objects").rglob("*") if one.is_file()]
    assert said["num_files"] == len(objects) == 3
    size = (tmp_path / "copy" / "compress-compare.db").stat().st_size
    assert said["num_bytes"] == size + sum(one.stat().st_size for one in objects)
    with cc.open(path) as project, cc.open(tmp_path / "copy") as copy:
        assert copy.damage() == []
        assert copy.models().to_pylist() == project.models().to_pylist()
        copy.log_model("more", base="root", operation=cc.Operation("prune"))
        assert len(project.models()) == 1


def test_it_is_one_moment_while_another_process_writes(path: Path, tmp_path: Path) -> None:
    with cc.open(path) as project:
        place = project.shown_place
    with subprocess.Popen([sys.executable, "-c", WRITER, place], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        known = int(writer.stdout.readline())
        with cc.open(path, read_only=True) as project:
            project.backup(tmp_path / "copy")
        writer.kill()
    with cc.open(tmp_path / "copy") as copy:
        assert copy.damage() == []
        ids = {row["id"] for row in copy.models().to_pylist()} - {"root"}
        assert ids == {f"m{i}" for i in range(len(ids))}
        assert len(ids) > known


def test_a_damaged_file_stops_it_and_nothing_is_left(path: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    with cc.open(path) as project:
        digest, *_ = stored.contents(project)
        stored.replace(project, digest, stored.contents(project)[digest][:-1] + b"\0\0")
        with pytest.raises(StoreError) as caught:
            project.backup(tmp_path / "copy")
    assert caught.value.code == "artifact.hash_mismatch"
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["full", "file", "nowhere/copy"])
def test_a_place_that_is_taken_or_missing_is_refused(path: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    (tmp_path / "file").write_text("mine")
    with cc.open(path) as project, pytest.raises(InvalidValue):
        project.backup(tmp_path / name)
    assert (tmp_path / "full" / "mine").exists()
    assert (tmp_path / "file").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists() and not list(tmp_path.glob("*copy*"))


def test_an_empty_directory_will_do(path: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    with cc.open(path) as project:
        project.backup(tmp_path / "copy")
    assert (tmp_path / "copy" / "compress-compare.db").is_file()
