"""What ``disk.c`` noted, and what of it a disk may hold after the power is gone.

The disk is as forgetful as POSIX lets it be. Content is there once its file was synced. A name (of a new file, a new
folder, a rename, a removal) is there once the folder that holds it was synced. Of all else, any writes may be there or
not, each torn at a sector, and the names may be there up to any moment, in their order.
"""

from __future__ import annotations

import enum
import random
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

SECTOR = 512
HERE = Path(__file__).parent


def build(folder: Path) -> Path:
    """Compile ``disk.c``; returns the shared library."""
    library = folder / "disk.so"
    command = ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(HERE / "disk.c"), "-ldl", "-lpthread"]
    subprocess.run(command, check=True, capture_output=True)
    return library


class Kind(enum.IntEnum):
    """What a process did."""

    WRITE = 1
    TRUNCATE = 2
    SYNC = 3
    MADE = 4
    RENAMED = 5
    REMOVED = 6
    FOLDER = 7


@dataclass(frozen=True)
class Note:
    """One call: ``file`` is the inode, ``second`` where a rename led."""

    kind: Kind
    file: int
    offset: int
    path: PurePosixPath
    second: PurePosixPath
    data: bytes


def read(path: Path) -> Iterator[Note]:
    """The notes of a file, in their order."""
    with path.open("rb") as file:
        while head := file.read(48):
            kind, inode, offset, size, path_size, second_size = struct.unpack("<6q", head)
            names = [PurePosixPath(file.read(n).decode()) for n in (path_size, second_size)]
            yield Note(Kind(kind), inode, offset, *names, file.read(size))


@dataclass
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Writes; a truncation has no data."""

    def sync(self) -> None:
        for write in self.pending:
            _apply(self.durable, *write)
        self.pending.clear()

    def after_loss(self, draw: random.Random, share: float) -> bytes:
        content = bytearray(self.durable)
        for offset, data in self.pending:
            if draw.random() < share:
                torn = data and draw.random() < 0.2 and len(data) > SECTOR
                _apply(content, offset, data[: SECTOR * draw.randrange(1, len(data) // SECTOR + 1)] if torn else data)
        return bytes(content)


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    size = offset + len(data or b"")
    if len(content) < size:
        content.extend(bytes(size - len(content)))
    if data is None:
        del content[offset:]
    else:
        content[offset:size] = data


_Names = dict[PurePosixPath, "_File | None"]
"""A folder has no file."""


class Disk:
    """A disk that holds one folder and is told what is done to it."""

    def __init__(self) -> None:
        self._files: dict[int, _File] = {}
        self._names: _Names = {}
        self._pending: list[tuple[Note, _File | None]] = []

    def take(self, note: Note) -> None:
        """What was done next."""
        match note.kind:
            case Kind.WRITE:
                self._file(note).pending.append((note.offset, note.data))
            case Kind.TRUNCATE:
                self._file(note).pending.append((note.offset, None))
            case Kind.SYNC if note.file in self._files:
                self._files[note.file].sync()
            case Kind.SYNC:
                self._sync_folder(note.path)
            case Kind.MADE:
                self._files[note.file] = _File()
                self._pending.append((note, self._files[note.file]))
            case Kind.FOLDER:
                self._files.pop(note.file, None)
                self._pending.append((note, None))
            case _:
                self._pending.append((note, self._files.get(note.file)))

    def write_out(self, folder: Path, root: PurePosixPath, draw: random.Random, *, share: float) -> None:
        """Write what a power loss may leave of ``root`` to ``folder``.

        Args:
            folder: to write to.
            root: what it stands for.
            draw: of what was not synced.
            share: how much of it is there.
        """
        names = dict(self._names)
        for change in self._pending[: round(draw.uniform(0, share) * len(self._pending))]:
            _rename(names, *change)
        folder.mkdir()
        for path in sorted(names):
            above = [one for one in path.parents if root in one.parents]
            if root in path.parents and all(one in names for one in above):
                target, file = folder / path.relative_to(root), names[path]
                if file is None:
                    target.mkdir(exist_ok=True)
                else:
                    target.write_bytes(file.after_loss(draw, share))

    def _file(self, note: Note) -> _File:
        return self._files.setdefault(note.file, _File())

    def _sync_folder(self, folder: PurePosixPath) -> None:
        kept = []
        for note, file in self._pending:
            if folder in (note.path.parent, note.second.parent):
                _rename(self._names, note, file)
            else:
                kept.append((note, file))
        self._pending = kept


def _rename(names: _Names, note: Note, file: _File | None) -> None:
    """One change of names."""
    if note.kind == Kind.RENAMED:
        names.pop(note.path, None)
        names[note.second] = file
    elif note.kind == Kind.REMOVED:
        names.pop(note.path, None)
    else:
        names[note.path] = file
