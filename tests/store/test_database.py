"""The database under pressure: writers that wait, readers that do not, places that are full, failing or read-only."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest

import compress_compare as cc
from compress_compare.errors import NotFound, StorageError, StoreError, UserError
from compress_compare.store.storage import RESERVE

HOLD = """
import sys, compress_compare as cc
with cc.open(sys.argv[1]) as project, project.batch():
    project.log_model("held")
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    with cc.open(tmp_path / "project") as project:
        project.log_model("root", metrics={"Accuracy": 0.5})
    return tmp_path / "project"


@pytest.fixture
def holder(path):
    """Another process inside ``batch()``."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


@pytest.mark.parametrize("stopped", [False, True])
def test_readers_do_not_wait_for_a_writer_and_a_writer_is_told_who_it_waits_for(path, holder, stopped):
    if stopped:
        holder.send_signal(signal.SIGSTOP)
    with cc.open(path) as project:
        assert list(project.models()["id"].to_pylist()) == ["root"]
        project._database.wait = 0.2
        for _ in range(3):
            with pytest.raises(StoreError) as caught:
                project.log_model("mine")
            assert caught.value.code == "store.busy"
            assert f"process {holder.pid}" in caught.value.title
        names = [thread.name for thread in threading.enumerate()]
        assert names.count("writer lock") == 1
        holder.kill()
        holder.wait()
        project._database.wait = 10
        project.log_model("mine")
        assert list(project.models()["id"].to_pylist()) == ["root", "mine"]


def test_a_thread_waits_for_another_one_no_longer_than_for_a_process(path):
    with cc.open(path) as project, project.batch():
        project._database.wait = 0.1
        errors = []

        def write():
            try:
                project.log_model("other")
            except StoreError as error:
                errors.append(error.code)

        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert errors == ["store.busy"]


def test_a_lock_that_comes_too_late_is_given_up(path, holder):
    with cc.open(path) as project:
        project._database.wait = 0.1
        with pytest.raises(StoreError):
            project.log_model("mine")
        holder.stdin.close()
        holder.wait()
    with cc.open(path) as project:
        project.log_model("mine")


def test_opening_what_is_there_writes_nothing(path, monkeypatch):
    def refuse(*_):
        raise AssertionError("a writing transaction was begun")

    monkeypatch.setattr("compress_compare.store.lock.WriterLock.held", refuse)
    with cc.open(path) as project:
        assert len(project) == 1


@pytest.mark.parametrize("log", ["closed", "left by a killed process"])
def test_reading_alone_leaves_the_directory_as_it_is(path, log):
    if log != "closed":
        subprocess.run(
            [
                sys.executable,
                "-c",
                f"import os, compress_compare as cc\nproject = cc.open({str(path)!r})\n"
                "project.log_model('last')\nos._exit(0)",
            ],
            check=True,
        )
        (path / "compress-compare.db-shm").unlink()
        assert (path / "compress-compare.db-wal").stat().st_size
    before = {one.name: (one.stat().st_mtime_ns, one.stat().st_size) for one in path.rglob("*")}
    with cc.open(path, read_only=True) as project:
        assert len(project) == (1 if log == "closed" else 2)
        assert project.damage() == []
        for write in (
            lambda: project.log_model("x"),
            lambda: project.log_dataset("d", ids=[1]),
            lambda: project.set_note("root", "x"),
            lambda: project.repair(),
        ):
            with pytest.raises(StoreError) as caught:
                write()
            assert caught.value.code == "store.read_only"
    after = {one.name: (one.stat().st_mtime_ns, one.stat().st_size) for one in path.rglob("*")}
    assert {name for name in after if not name.endswith("-shm")} >= set(before)
    assert {name: after[name] for name in before} == before


def test_a_reader_sees_what_others_write(path):
    with cc.open(path, read_only=True) as reader:
        assert len(reader) == 1
        with cc.open(path) as writer:
            writer.log_model("second")
            assert len(reader) == 2
        assert len(reader) == 2


def test_there_is_nothing_to_read_where_nothing_was_made(tmp_path):
    with pytest.raises(NotFound):
        cc.open(tmp_path / "none", read_only=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "expected", "status"),
    [
        (sqlite3.SQLITE_FULL, "storage.full", 507),
        (sqlite3.SQLITE_IOERR_WRITE, "storage.full", 507),
        (sqlite3.SQLITE_IOERR_SHMSIZE, "storage.full", 507),
        (sqlite3.SQLITE_IOERR_FSYNC, "storage.sync_failed", 503),
        (sqlite3.SQLITE_IOERR_READ, "storage.failed", 507),
        (sqlite3.SQLITE_CORRUPT, "store.corrupt", 503),
        (sqlite3.SQLITE_READONLY, "store.read_only", 503),
        (sqlite3.SQLITE_BUSY, "store.busy", 503),
    ],
)
def test_what_sqlite_says_is_told_in_sentences(path, code, expected, status):
    with cc.open(path) as project:
        with pytest.raises(StoreError) as caught, project.batch():
            project.log_model("x")
            error = sqlite3.OperationalError("words of SQLite")
            error.sqlite_errorcode = code
            raise error
        assert (caught.value.code, caught.value.status) == (expected, status)
        assert isinstance(caught.value, StorageError) == expected.startswith("storage.")
        if expected == "storage.full":
            assert f"{RESERVE:,} bytes" in caught.value.detail
            assert "backup" not in str(caught.value)
        assert len(project) == 1
        if expected == "storage.sync_failed":
            with pytest.raises(StorageError, match="nothing more is written"):
                project.log_model("y")
        else:
            project.log_model("y")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE meta SET value = 'x'",
        "UPDATE meta SET value = '0'",
        "DELETE FROM meta",
        "DROP TABLE meta",
        "DROP TABLE models",
    ],
)
def test_a_database_that_is_not_ours_any_more_is_told_as_damage(path, change):
    connection = sqlite3.connect(path / "compress-compare.db")
    connection.executescript(change)
    connection.close()
    with pytest.raises(StoreError) as caught, cc.open(path) as project:
        project.models()
    assert caught.value.code == "store.corrupt"


def test_a_damaged_page_is_told_as_damage(path):
    with cc.open(path) as project:
        project.log_models([{"id": f"m{i}", "note": "n" * 500} for i in range(300)])
    database = path / "compress-compare.db"
    content = bytearray(database.read_bytes())
    for start in range(4096 * 3, len(content) - 4096, 4096):
        content[start : start + 4096] = os.urandom(4096)
    database.write_bytes(content)
    with pytest.raises(StoreError) as caught, cc.open(path) as project:
        project.overview()
    assert caught.value.code == "store.corrupt"


def test_a_missing_revision_is_no_reason_to_show_nothing(path):
    connection = sqlite3.connect(path / "compress-compare.db")
    connection.executescript("DELETE FROM revision")
    connection.close()
    with cc.open(path) as project:
        assert project.revision() == 0
        project.log_model("x")
        assert project.revision() > 0


@pytest.mark.parametrize("name", ["a" * 5000, "nul\0inside", "\ud800"])
def test_paths_that_cannot_be_are_told_in_a_sentence(name):
    with pytest.raises(UserError):
        cc.open(name, create=False)


def test_the_database_is_private_whatever_the_mask_and_the_folder(tmp_path):
    tmp_path.chmod(0o755)
    code = (
        f"import os; os.umask(0); import compress_compare as cc; cc.open({str(tmp_path)!r}).log_model('m'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    modes = {one.name: one.stat().st_mode & 0o077 for one in tmp_path.iterdir()}
    assert {"compress-compare.db", "compress-compare.db-wal", "compress-compare.db-shm"} <= set(modes)
    assert set(modes.values()) == {0}


def test_the_lock_says_who_has_it(path):
    with cc.open(path) as project:
        project.log_model("x")
    assert json.loads((path / "writer.lock").read_bytes()) == {"pid": os.getpid()}
