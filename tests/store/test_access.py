"""Who may read a project: its owner alone, or its group too if that was chosen when it was made."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import InvalidValue, StoreError

GROUP, COLLEAGUE = 12_345, 65_534
WEIGHTS = {"w": np.arange(12, dtype=np.float32).reshape(3, 4)}


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody can reach; what is made in it has the group of a team."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        if os.geteuid() == 0:
            os.chown(path, 0, GROUP)
        path.chmod(0o2755)
        yield path


def fill(project: cc.Project) -> None:
    project.log_model("net", metrics={"Accuracy": 0.5}, checkpoint=WEIGHTS)
    project.log_dataset("test", ids=[1, 2], labels=[0, 1])
    project.log_outputs("net", "test", ids=[1, 2], predictions=[0, 1])


def modes(path: Path) -> set[int]:
    return {stat.S_IMODE(one.stat().st_mode) for one in (path, *path.rglob("*"))}


def as_colleague(work: Callable[[], None]) -> None:
    """Do something as another user of the team; what fails there fails here."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([GROUP])
            os.setgid(COLLEAGUE)
            os.setuid(COLLEAGUE)
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_a_new_project_is_its_owner_s_alone(place: Path) -> None:
    with cc.open(place / "p") as project:
        fill(project)
        assert project.readers().startswith("Its owner alone may read it. To let its group read it too: chmod -R g+rX ")
    assert all(mode & 0o077 == 0 for mode in modes(place / "p"))


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_everything_in_one_that_its_group_may_read_can_be_read(place: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with cc.open(place / "p", group_readable=True) as project:
            fill(project)
            assert "may read it; jobs and locks are the owner's." in project.readers()
            kept = [place / "p", *(place / "p" / "objects").rglob("*"), *(place / "p").glob("*.db*")]
            assert {stat.S_IMODE(one.stat().st_mode) for one in kept} == {0o2750, 0o640}
    finally:
        os.umask(before)


def test_a_directory_that_was_made_so_is_the_same_choice(place: Path) -> None:
    (place / "p").mkdir()
    (place / "p").chmod(0o2750)
    with cc.open(place / "p") as project:
        fill(project)
        assert "may read it; jobs and locks are the owner's." in project.readers()
    (place / "usual").mkdir()
    (place / "usual").chmod(0o755)
    with cc.open(place / "usual") as project:
        fill(project)
    assert all(mode & 0o077 == 0 for mode in modes(place / "usual") - {0o755})


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become a colleague")
def test_a_colleague_reads_and_changes_nothing(place: Path) -> None:
    for name, shared in (("shared", True), ("private", False)):
        with cc.open(place / name, group_readable=shared) as project:
            fill(project)
    before = modes(place / "shared"), sorted(place.rglob("*"))

    def look() -> None:
        with cc.open(place / "shared", read_only=True) as project:
            assert project.models()["id"].to_pylist() == ["net"]
            assert np.array_equal(np.asarray(project.load_checkpoint("net")["w"]), WEIGHTS["w"])
            assert project.outputs("net", "test")["prediction"].to_pylist() == [0, 1]
            with pytest.raises(StoreError) as refused:
                project.log_model("other")
            assert refused.value.code == "store.read_only"
        with pytest.raises(InvalidValue, match="You may not read the directory 'private'"):
            cc.open(place / "private", read_only=True)

    as_colleague(look)
    assert (modes(place / "shared"), sorted(place.rglob("*"))) == before


def test_one_that_is_there_is_not_opened_as_another(place: Path) -> None:
    cc.open(place / "p").close()
    with pytest.raises(InvalidValue, match="its owner alone may read it") as refused:
        cc.open(place / "p", group_readable=True)
    command = refused.value.hint.removeprefix("Let its group read it: ")
    subprocess.run(command, shell=True, check=True)
    with cc.open(place / "p", group_readable=True) as project:
        fill(project)
    with pytest.raises(InvalidValue, match="is said there, by roles"):
        cc.open("http://127.0.0.1:9/p/x", token="x", group_readable=True)


def test_the_doctor_explains_it(place: Path) -> None:
    with cc.open(place / "p", group_readable=True) as project:
        fill(project)
    next(path for path in (place / "p" / "objects").rglob("*") if path.is_file()).chmod(0o600)
    tool = [sys.executable, "-c", "from compress_compare.cli import main; main()", "doctor", str(place / "p")]
    said = subprocess.run(tool, capture_output=True, text=True, check=True).stdout
    assert "may not read 1 of its files. To let it: chmod -R g+rX" in said
