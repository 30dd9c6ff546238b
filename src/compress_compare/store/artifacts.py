"""The artifact store: files addressed by the SHA-256 of their content, never changed once written.

A file is written to ``staging/``, synced and hashed, and renamed into ``objects/`` in the transaction that inserts the
row which names it, before that is committed: a row never exists without its object.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa

from ..errors import StoreError
from ..readers.regular import open_regular, unreadable
from . import location
from .staging import Staging, prepare
from .storage import ProjectStorage

REPAIR = "Log the same again, or look for a copy with: compress-compare doctor PROJECT --repair --from FOLDER"


class Artifacts:
    """The objects of one project.

    Args:
        storage: its place.
    """

    def __init__(self, storage: ProjectStorage) -> None:
        self._storage = storage
        self._objects = storage.root / location.OBJECTS
        if not storage.read_only:
            with suppress(OSError):  # a full disk has no room for them, and what is there can still be read
                prepare(storage.root)

    @contextmanager
    def staging(self) -> Iterator[Staging]:
        """Files on their way in; what is not published by the end is forgotten.

        Raises:
            StoreError: ``store.read_only``, ``storage.*``.
        """
        staging = Staging(self._storage)
        try:
            yield staging
        finally:
            staging.close()

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
                hint=REPAIR,
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
                hint=REPAIR,
            )
        return path

    @contextmanager
    def believed(self, digest: str) -> Iterator[None]:
        """Read an object without looking at its hash first; if that fails, say whether it has changed.

        Raises:
            StoreError: ``artifact.hash_mismatch``, or ``artifact.unreadable`` if it is as it was stored.
        """
        try:
            yield
        except (pa.ArrowException, OSError, ValueError) as error:
            self.verify(digest)
            raise StoreError(
                "artifact.unreadable",
                "A stored file cannot be read, though it is as it was stored.",
                detail=f"objects/{digest[:2]}/{digest}: {type(error).__name__}",
                hint="Log it again.",
            ) from error

    def _path(self, digest: str) -> Path:
        return self._objects / digest[:2] / digest
