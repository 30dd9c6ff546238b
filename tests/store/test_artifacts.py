"""Files on their way into a project: either the old or the new content, whatever fails."""

import errno
import os

import pytest

from compress_compare.errors import StorageError, StoreError
from compress_compare.store.artifacts import Artifacts
from compress_compare.store.files import write_atomically
from compress_compare.store.storage import ProjectStorage


@pytest.fixture
def artifacts(tmp_path):
    return Artifacts(ProjectStorage(tmp_path))


def put(artifacts, content):
    with artifacts.staging() as staging:
        stored = staging.put_bytes("a.txt", content)
        staging.publish([stored.sha256])
    return stored


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("call", ["fsync"])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_full_disk_leaves_the_old_content_and_no_temporary_file(tmp_path, monkeypatch, call, nth):
    target = tmp_path / "config.json"
    write_atomically(target, b"old")
    real, calls = getattr(os, call), []

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) == nth:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments)

    monkeypatch.setattr(os, call, failing)
    with pytest.raises(OSError, match="No space"):
        write_atomically(target, b"new")
    assert target.read_bytes() == (b"old" if nth == 1 else b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_a_full_disk_is_said_with_the_bytes_that_are_needed_and_nothing_is_left(tmp_path, artifacts):
    def failing(file):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageError) as caught, artifacts.staging() as staging:
        staging.put("x", failing, needed=123_456)
    assert (caught.value.code, caught.value.status) == ("storage.full", 507)
    assert "123,456 bytes" in caught.value.detail
    assert f"{artifacts._storage.free() // 10**9:,}" in caught.value.detail
    assert files(tmp_path) == []


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_after_a_failed_sync_nothing_is_acknowledged_any_more(tmp_path, monkeypatch, nth):
    artifacts = Artifacts(ProjectStorage(tmp_path))
    real, calls = os.fsync, []

    def failing(descriptor):
        calls.append(descriptor)
        if len(calls) == nth:
            raise OSError(errno.EIO, "Input/output error")
        return real(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    for _ in range(2):
        with pytest.raises(StorageError) as caught:
            put(artifacts, b"abc")
        assert caught.value.code == "storage.sync_failed"
    assert len(calls) == nth


def test_the_name_of_an_object_is_the_hash_of_its_content(artifacts):
    stored = put(artifacts, b"abc")
    assert stored.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert (stored.name, stored.num_bytes) == ("a.txt", 3)
    assert artifacts.verify(stored.sha256).read_bytes() == b"abc"


def test_what_is_not_published_is_forgotten(tmp_path, artifacts):
    with artifacts.staging() as staging:
        staging.put_bytes("a", b"abc")
        assert len(files(tmp_path / "staging")) == 1
    assert files(tmp_path) == []


def flipped(path):
    content = bytearray(path.read_bytes())
    content[1] ^= 1
    path.write_bytes(content)


def emptied(path):
    path.write_bytes(b"")


def lengthened(path):
    path.write_bytes(path.read_bytes() + b"x")


def gone(path):
    path.unlink()


def a_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [flipped, emptied, lengthened, gone, a_folder])
def test_what_is_damaged_is_replaced_when_the_same_is_stored_again(artifacts, damage):
    stored = put(artifacts, b"abc")
    damage(artifacts.path(stored.sha256))
    assert put(artifacts, b"abc") == stored
    assert artifacts.verify(stored.sha256).read_bytes() == b"abc"


def test_what_is_whole_stays_the_file_that_it_is(artifacts):
    stored = put(artifacts, b"abc")
    before = artifacts.path(stored.sha256).stat()
    put(artifacts, b"abc")
    after = artifacts.path(stored.sha256).stat()
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns)


def test_a_missing_object_is_named(artifacts):
    with pytest.raises(StoreError, match="missing from its artifact store"):
        artifacts.path("0" * 64)


def test_files_are_private(artifacts):
    os.umask(0o022)
    stored = put(artifacts, b"x")
    assert artifacts.path(stored.sha256).stat().st_mode & 0o077 == 0
