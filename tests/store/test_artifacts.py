"""Writing files: either the old or the new content, whatever fails."""

import errno
import os

import pytest

from compress_compare.errors import StoreError
from compress_compare.store.artifacts import Artifacts
from compress_compare.store.files import write_atomically


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


def test_a_failing_write_leaves_nothing(tmp_path):
    artifacts = Artifacts(tmp_path)

    def failing(file):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        artifacts.put("x", failing)
    assert list(tmp_path.glob("*/*")) == []


def test_the_name_of_an_object_is_the_hash_of_its_content(tmp_path):
    stored = Artifacts(tmp_path).put_bytes("a.txt", b"abc")
    assert stored.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert (stored.name, stored.num_bytes) == ("a.txt", 3)
    assert Artifacts(tmp_path).verify(stored.sha256).read_bytes() == b"abc"


def test_a_missing_object_is_named(tmp_path):
    with pytest.raises(StoreError, match="missing from its artifact store"):
        Artifacts(tmp_path).path("0" * 64)


def test_files_are_private(tmp_path):
    os.umask(0o022)
    stored = Artifacts(tmp_path).put_bytes("a", b"x")
    assert Artifacts(tmp_path).path(stored.sha256).stat().st_mode & 0o077 == 0
