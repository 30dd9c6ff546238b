"""F7 to F9: what a project has acknowledged is there after a power loss, and a disk that fails is said."""

import errno
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

import compress_compare as cc
from compress_compare.errors import StoreError
from tests.store.disk import notes
from tests.store.disk.work import observed

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None or sys.platform != "linux", reason="needs a C compiler on Linux"
)
WORK = Path(notes.__file__).parent / "work.py"
FAILING = WORK.with_name("failing.py")
NOTHING = {"models": {}, "datasets": {}}


def noted(folder: Path, *, seed: int, changes: int, first: str = "") -> tuple[PurePosixPath, list[notes.Note]]:
    """The root of a disk and all that a process did to it that changed a project, after it ran some code."""
    root = folder / "root"
    root.mkdir()
    told = {"LD_PRELOAD": str(notes.build(folder)), "DISK_ROOT": str(root), "DISK_NOTES": str(folder / "notes")}
    run = f"{first}\nimport runpy, sys\ndel sys.argv[0]\nrunpy.run_path(sys.argv[0], run_name='__main__')"
    command = [sys.executable, "-c", run, str(WORK), str(root), str(seed), str(changes)]
    subprocess.run(command, check=True, env=os.environ | told)
    return PurePosixPath(root), list(notes.read(folder / "notes"))


def check_power_losses(folder: Path, *, seed: int, changes: int, losses: int, first: str = "") -> None:
    """Take the power away at random moments, and see what is there: all that was said, and nothing half done."""
    draw = random.Random(seed)
    root, all_notes = noted(folder, seed=seed, changes=changes, first=first)
    states = [NOTHING, *(json.loads(note.data) for note in all_notes if note.data and note.path == root / "said")]
    assert len(states) == changes + 1
    moments = {draw.randrange(len(all_notes)) for _ in range(losses)}
    disk, said = notes.Disk(), 0
    for moment, note in enumerate(all_notes):
        disk.take(note)
        said += note.kind == notes.Kind.WRITE and note.path == root / "said"
        if moment in moments:
            left = folder / f"left-{moment}"
            disk.write_out(left, root, draw, share=draw.choice([0, 0.5, 1]))
            found = found_in(left / "project")
            assert found in states[said : said + 2], f"after {said} changes, at note {moment}"
            shutil.rmtree(left)


def found_in(path: Path) -> dict[str, object]:
    """What a project shows once it is opened again; everything in it is whole."""
    if not path.exists():
        return NOTHING
    with cc.open(path) as project:
        assert project.damage() == []
        return observed(project)


def test_f9_what_was_acknowledged_survives_a_power_loss(tmp_path):
    check_power_losses(tmp_path, seed=1, changes=15, losses=25)


WITHOUT = {
    "sync": "import os; os.fsync = lambda file: None",
    "rename": "import pathlib; pathlib.Path.replace = "
    "lambda old, new: (pathlib.Path(new).write_bytes(old.read_bytes()), old.unlink())",
}


@pytest.mark.parametrize("gate", WITHOUT)
def test_without_syncs_or_renames_this_notices_what_a_power_loss_takes(tmp_path, gate):
    with pytest.raises((AssertionError, StoreError)):
        check_power_losses(tmp_path, seed=1, changes=15, losses=25, first=WITHOUT[gate])


def check_failing_disk(folder: Path, kind: str, *, number: int, codes: set[str], step: int = 1) -> int:
    """Let one call after the other fail while a model is logged; returns how many did."""
    root = folder / "root"
    root.mkdir()
    told = {"LD_PRELOAD": str(notes.build(folder)), "DISK_ROOT": str(root)}
    command = [sys.executable, str(FAILING), str(root), kind, str(number), "1", str(step)]
    path = os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        command, check=True, env=os.environ | told | {"PYTHONPATH": path}, capture_output=True, text=True
    )
    cases = [json.loads(line) for line in done.stdout.splitlines()]
    for case in cases:
        assert case["code"] in codes | {""}, case
        assert case["damage"] == [], case
        assert case["staged"] == [], case
        expected = {"net", *(["first"] if not case["code"] else []), *(["second"] if not case["later"] else [])}
        assert expected <= set(case["models"]) <= expected | {"first"}, case
        assert case["later"] == ("storage.sync_failed" if case["code"] == "storage.sync_failed" else ""), case
    assert cases[-1]["code"] == "", "the last one came too late"
    return sum(case["code"] != "" for case in cases)


@pytest.mark.parametrize(
    ("kind", "number", "codes"),
    [
        ("write", errno.ENOSPC, {"storage.full"}),
        ("name", errno.ENOSPC, {"storage.full"}),
        ("sync", errno.EIO, {"storage.sync_failed"}),
    ],
)
def test_f7_f8_a_disk_that_fails_at_any_call_is_said_and_nothing_is_half_done(tmp_path, kind, number, codes):
    assert check_failing_disk(tmp_path, kind, number=number, codes=codes, step=8 if kind == "write" else 1) >= 3
