"""Files that are written past the cache hold what was given, on any file system and in pieces of any size."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from compress_compare.on_disk import uncached
from compress_compare.on_disk.uncached import BLOCK, UncachedFile


@pytest.fixture(autouse=True)
def small_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uncached, "_BUFFER", 2 * BLOCK)


def written(path: Path, pieces: Sequence[bytes | memoryview]) -> bytes:
    file = UncachedFile(path, BLOCK)
    for piece in pieces:
        file.write(memoryview(piece))
    file.finish(b"beginning".ljust(BLOCK))
    content = path.read_bytes()
    assert content[:BLOCK] == b"beginning".ljust(BLOCK)
    return content[BLOCK:]


PIECES = [
    [],
    [b"a"],
    [os.urandom(2 * BLOCK)],
    [os.urandom(BLOCK - 1), b"", os.urandom(BLOCK + 1), os.urandom(5)],
    [os.urandom(size) for size in (7 * BLOCK + 3, 1, 2 * BLOCK, 0, BLOCK)],
]


@pytest.mark.parametrize("pieces", PIECES, ids=len)
def test_the_file_holds_what_was_given(tmp_path: Path, pieces: list[bytes]) -> None:
    assert written(tmp_path / "file", pieces) == b"".join(pieces)


def test_what_stands_on_a_boundary_is_written_from_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the end that fills no block goes before what comes next."""
    plain, puts = os.pwrite, list[tuple[int, int]]()

    def put(file: int, content: memoryview, place: int) -> int:
        puts.append((len(content), place))
        return plain(file, content, place)

    monkeypatch.setattr(os, "pwrite", put)
    memory = mmap.mmap(-1, 5 * BLOCK)
    memory[:] = os.urandom(5 * BLOCK)
    whole = memoryview(memory)
    pieces = [whole, whole[: 3 * BLOCK + 7], whole[: 4 * BLOCK], whole[1 : 4 * BLOCK], b"rest"]
    assert written(tmp_path / "file", pieces) == b"".join(pieces)
    assert puts[:2] == [(5 * BLOCK, BLOCK), (3 * BLOCK, 6 * BLOCK)]


def test_a_file_system_that_opens_no_such_file_has_a_plain_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = os.open

    def opened(path: Path, flags: int, mode: int = 0o777) -> int:
        found = plain(path, flags & ~uncached._DIRECT, mode)
        if flags & uncached._DIRECT:
            os.close(found)  # it is made, and then refused
            raise OSError(errno.EINVAL, "no direct writing")
        return found

    monkeypatch.setattr(os, "open", opened)
    assert written(tmp_path / "file", PIECES[4]) == b"".join(PIECES[4])


def test_a_file_system_that_refuses_the_first_write_has_a_plain_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, refused = os.pwrite, []

    def put(file: int, content: memoryview, place: int) -> int:
        if not refused:
            refused.append(place)
            raise OSError(errno.EINVAL, "no direct writing")
        return plain(file, content, place)

    monkeypatch.setattr(os, "pwrite", put)
    if not uncached._DIRECT:
        pytest.skip("this system has no writing past the cache")
    assert written(tmp_path / "file", PIECES[4]) == b"".join(PIECES[4])
    assert refused == [BLOCK]


def test_what_is_written_in_parts_is_written_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, content, place: plain(file, content[:BLOCK], place))
    assert written(tmp_path / "file", PIECES[4]) == b"".join(PIECES[4])


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    file = UncachedFile(tmp_path / "file", BLOCK)
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space left"):
        file.write(memoryview(bytes(3 * BLOCK)))
    file.close()
    file.close()


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        UncachedFile(tmp_path / "file", BLOCK)
    assert (tmp_path / "file").read_bytes() == b"mine"
