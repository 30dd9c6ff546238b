"""The artifact store: files addressed by the SHA-256 of their content, never changed once written.

A file is written to ``staging/``, synced, hashed and renamed into ``objects/``. Rows that name an object are inserted
only afterwards, so a row never exists without its object.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import StoreError
from ..readers.regular import open_regular, unreadable
from ..records import StoredFile
from . import location
from .files import sync_directory

CHUNK = 1 << 20


class Artifacts:
    """The objects below ``root``."""

    def __init__(self, root: Path) -> None:
        self._objects = root / location.OBJECTS
        self._staging = root / location.STAGING
        for directory in (self._objects, self._staging):
            directory.mkdir(mode=0o700, exist_ok=True)

    def put_bytes(self, name: str, content: bytes) -> StoredFile:
        """Store ``content``."""
        return self.put(name, lambda file: file.write(content))

    def put_file(self, name: str, source: Path) -> StoredFile:
        """Store a copy of ``source``."""

        def copy(file: BinaryIO) -> None:
            with source.open("rb") as reader:
                while chunk := reader.read(CHUNK):
                    file.write(chunk)

        return self.put(name, copy)

    def put(self, name: str, write: Callable[[BinaryIO], object]) -> StoredFile:
        """Store what ``write`` writes to the binary file that it is given."""
        staged = self._staging / secrets.token_hex(16)
        descriptor = os.open(staged, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                num_bytes = file.tell()
            self._publish(staged, digest)
        finally:
            with suppress(FileNotFoundError):
                staged.unlink()
        return StoredFile(name, digest, num_bytes)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for work in progress, gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self._staging) as folder:
            yield Path(folder).resolve()

    def _publish(self, staged: Path, digest: str) -> None:
        target = self._path(digest)
        if target.exists():
            return
        target.parent.mkdir(mode=0o700, exist_ok=True)
        staged.replace(target)
        sync_directory(target.parent)
        sync_directory(self._objects)

    def path(self, digest: str) -> Path:
        """Where the object lies.

        Raises:
            StoreError: ``artifact.missing`` if it is not there, or something else than a file is.
            InvalidValue: ``input.permission``.
        """
        path = self._path(digest)
        try:
            found = path.is_file()
        except PermissionError as error:
            raise unreadable(path, error) from error
        if not found:
            raise StoreError(
                "artifact.missing",
                "A file of this project is missing from its artifact store.",
                detail=f"objects/{digest[:2]}/{digest}",
                hint="Restore it from a backup, or log the model again.",
            )
        return path

    def verify(self, digest: str) -> Path:
        """Like ``path``, after reading the whole object and comparing its hash.

        Raises:
            StoreError: ``artifact.hash_mismatch`` if its content has changed.
            InvalidValue: ``input.permission``.
        """
        path = self.path(digest)
        with open_regular(path) as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
        if actual != digest:
            raise StoreError(
                "artifact.hash_mismatch",
                "A stored file has changed since it was logged.",
                detail=f"Expected SHA-256 {digest}, found {actual}.",
                hint="Restore it from a backup, or log the model again.",
            )
        return path

    def _path(self, digest: str) -> Path:
        return self._objects / digest[:2] / digest
