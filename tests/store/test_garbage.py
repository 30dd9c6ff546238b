"""What killed processes leave behind is counted, and removed after a day or when asked."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest
import sqlalchemy as sa
import torch
from click.testing import CliRunner

import compress_compare as cc
from compress_compare.cli.main import cli
from compress_compare.schemes.scheme import TensorScheme
from compress_compare.store import schema
from compress_compare.store.finished import finished_weights

pytestmark = pytest.mark.usefixtures("each_database")

KILLED_WHILE_STAGING = """
import os, sys, compress_compare as cc
project = cc.open(sys.argv[1])
with project._artifacts.staging() as staging:
    staging.put_bytes("w", b"x" * 1000)
    os._exit(0)
"""
KILLED_BEFORE_THE_COMMIT = """
import os, sys, numpy as np, compress_compare as cc
project = cc.open(sys.argv[1])
with project.batch():
    project.log_model("lost", checkpoint={"w": np.zeros(7, "f4")})
    os._exit(0)
"""


@pytest.fixture
def path(tmp_path):
    """The address of a project with three files that are named, and two that killed processes left."""
    with cc.open(tmp_path / "project") as project:
        project.log_model("kept", checkpoint={"w": np.ones(3, "f4")})
        project.log_dataset("data", ids=[1])
        project.log_outputs("kept", "data", ids=[1], predictions=["a"])
        place = project.shown_place
    for code in (KILLED_WHILE_STAGING, KILLED_BEFORE_THE_COMMIT):
        subprocess.run([sys.executable, "-c", code, place], check=True)
    return place


def files(path):
    return [one for one in everything(path) if one.is_file()]


def everything(path):
    with cc.open(path, read_only=True) as project:
        root = project.working_folder
    return [one for name in ("objects", "staging") for one in (root / name).rglob("*")]


def age(path, hours):
    then = time.time() - hours * 3600
    for one in everything(path):
        os.utime(one, (then, then))
    with cc.open(path) as project, project._database.write() as connection:
        looked = schema.meta.c.name == "looked_for_garbage"
        connection.execute(sa.update(schema.meta).where(looked).values(value=str(int(then))))


def test_doctor_counts_it_and_purge_removes_it(path):
    assert len(files(path)) == 5
    told = CliRunner().invoke(cli, ["doctor", str(path)], catch_exceptions=False)
    assert told.exit_code == 0
    assert "belong to nothing" in told.output
    removed = CliRunner().invoke(cli, ["purge", str(path)], catch_exceptions=False)
    assert removed.output.startswith("2 files removed")
    assert len(files(path)) == 3
    with cc.open(path) as project:
        assert project.garbage().count == 0
        assert project.damage() == []
        assert len(project.load_checkpoint("kept")) == 1


@pytest.mark.parametrize(("hours", "left"), [(23, 5), (25, 3)])
def test_opening_removes_what_is_a_day_old(path, hours, left):
    age(path, hours)
    with cc.open(path) as project:
        assert project.damage() == []
    assert len(files(path)) == left


def test_what_was_kept_of_an_operation_goes_a_day_after_nobody_went_on(path):
    with cc.open(path) as project:
        kept = {name: finished_weights(project.working_folder, work=name) for name in ("stopped", "goes on")}
    for one in kept.values():
        one.save("w", torch.ones(2), stored=TensorScheme())
    then = time.time() - 25 * 3600
    os.utime(kept["stopped"].folder, (then, then))
    with cc.open(path) as project:
        project.purge()
    assert [one.folder.exists() for one in kept.values()] == [False, True]


def test_work_in_progress_is_no_garbage(path):
    with cc.open(path) as project, project._artifacts.staging() as staging:
        stored = staging.put_bytes("w", b"in progress")
        age(path, 48)
        with cc.open(path) as other:
            other.purge()
        assert staging.path(stored.sha256).read_bytes() == b"in progress"


def test_opening_to_tidy_up_waits_for_nobody(path):
    with cc.open(path) as project:
        age(path, 48)
        with project.batch():
            project.log_model("x")
            with cc.open(path) as other:
                assert len(other) == 1
    assert len(files(path)) == 5


def test_it_is_looked_for_once_a_day(path):
    with cc.open(path) as project:
        age(path, 48)
        revision = project.revision()
        for _ in range(3):
            cc.open(path).close()
        assert project.revision() == revision + 1
