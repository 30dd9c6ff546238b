"""Files on their way into the artifact store: written, synced, hashed, then put in place with the rows that name them.

Each caller has a folder of its own below ``staging/`` and holds a lock on it while it lives, so that what a killed
process has left is told from work in progress.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..readers.regular import open_regular
from ..records import StoredFile
from . import elsewhere, location
from .files import held, try_lock
from .objects import Objects
from .storage import RESERVE, ProjectStorage

CHUNK = 1 << 20


@dataclass(frozen=True)
class _Staged:
    path: Path
    whole: Any
    """What is known of the object that was there already, if its content is right."""
    is_new: bool = False
    """Whether it was brought there early, and was not there before."""

    stays: Path | None = None
    """The file that stays where it is, if what was staged only says where that is."""


class Staging:
    """Files that one call is about to store.

    Args:
        storage: the place that they come through.
        objects: where they go to.
    """

    def __init__(self, storage: ProjectStorage, objects: Objects) -> None:
        self._storage = storage
        self._root = storage.root
        self._objects = objects
        self._folder: Path | None = None
        self._descriptor: int | None = None
        self._staged: dict[str, _Staged] = {}

    def put_bytes(self, name: str, content: bytes) -> StoredFile:
        """Stage ``content``."""
        return self.put(name, lambda file: file.write(content), needed=len(content))

    def put_file(self, name: str, source: Path) -> StoredFile:
        """Stage a copy of ``source``."""

        def copy(file: BinaryIO) -> None:
            with source.open("rb") as reader:
                while chunk := reader.read(CHUNK):
                    file.write(chunk)

        return self.put(name, copy, needed=source.stat().st_size)

    def refer(self, name: str, source: Path) -> StoredFile:
        """Stage where ``source`` is and what it holds; it stays there.

        Raises:
            InvalidValue: ``checkpoint.reference`` for a project whose files lie elsewhere.
        """
        if not self._objects.refers:
            raise elsewhere.refused(source.name)
        with open_regular(source) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            num_bytes = file.tell()
        if digest not in self._staged:
            with self._storage.told():
                pointer = self._own_folder() / secrets.token_hex(16)
                with pointer.open("xb") as note:
                    note.write(elsewhere.content(source))
                    note.flush()
                    self._storage.sync(note.fileno())
            self._staged[digest] = _Staged(pointer, None, stays=source)
        return StoredFile(name, digest, num_bytes)

    def put(self, name: str, write: Callable[[BinaryIO], object], *, needed: int = 0) -> StoredFile:
        """Stage what ``write`` writes to the binary file that it is given.

        Args:
            name: as recorded.
            write: is given the file.
            needed: how many bytes it will take, if that is known.

        Raises:
            StorageError: ``storage.full``, ``storage.sync_failed``.
        """
        with self._storage.told(needed=needed or RESERVE):
            staged = self._own_folder() / secrets.token_hex(16)
            descriptor = os.open(staged, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "w+b") as file:
                    write(file)
                    file.flush()
                    self._storage.sync(file.fileno())
                    file.seek(0)
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                    num_bytes = file.tell()
            except BaseException:
                with suppress(OSError):
                    staged.unlink()
                raise
        known = self._staged.get(digest)
        if self._objects.early:
            is_new = self._objects.put(digest, staged) or (known is not None and known.is_new)
            self._staged[digest] = _Staged(staged, None, is_new)
        else:
            self._staged[digest] = _Staged(staged, self._objects.there(digest, num_bytes))
        if known is not None:
            known.path.unlink(missing_ok=True)
        return StoredFile(name, digest, num_bytes)

    def path(self, digest: str) -> Path | None:
        """Where a staged file lies now."""
        found = self._staged.get(digest)
        return None if found is None else found.stays or found.path

    def publish(self, digests: Collection[str], *, like: Mapping[str, Sequence[str]] | None = None) -> list[str]:
        """Put staged files in their place; the caller holds the lock of writers. What is damaged there is replaced.

        Args:
            digests: of the files.
            like: for some of them, stored files that may hold the same tensors, which are not stored again.

        Returns:
            Those that were not there before.
        """
        wanted = list(dict.fromkeys(digests))
        with self._storage.told():
            staged = [(digest, self._staged[digest]) for digest in wanted]
            made = [digest for digest, one in staged if self._put(digest, one, like=(like or {}).get(digest, ()))]
            self._objects.settle(wanted)
        return list(dict.fromkeys([*made, *(digest for digest, one in staged if one.is_new)]))

    def _put(self, digest: str, one: _Staged, *, like: Sequence[str]) -> bool:
        if one.stays is not None:
            return self._objects.refer(digest, one.path)
        return self._objects.put(digest, one.path, whole=one.whole, like=like)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for work in progress, gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self._own_folder()) as folder:
            yield Path(folder).resolve()

    def close(self) -> None:
        """Forget what was not published."""
        if self._folder is not None:
            for staged in self._staged.values():
                with suppress(OSError):
                    staged.path.unlink()
            try:
                self._folder.rmdir()
            except OSError:
                shutil.rmtree(self._folder, ignore_errors=True)
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._folder = self._descriptor = None

    def _own_folder(self) -> Path:
        if self._folder is None:
            self._storage.check()
            prepare(self._storage)
            folder = self._root / location.STAGING / secrets.token_hex(16)
            folder.mkdir(mode=0o700)
            self._descriptor, self._folder = held(folder), folder
        return self._folder


def prepare(storage: ProjectStorage) -> None:
    """Make the folders that files come into."""
    for name in (location.OBJECTS, location.STAGING):
        storage.make_folders(storage.root / name)


def abandoned(root: Path) -> Iterator[Path]:
    """What killed processes have left below ``staging/``."""
    folder = root / location.STAGING
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        descriptor = try_lock(path)
        if descriptor is not None:
            os.close(descriptor)
            yield path
