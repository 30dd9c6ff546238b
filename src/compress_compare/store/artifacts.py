"""The artifact store: files addressed by the SHA-256 of their content, never changed once written.

A file is written to ``staging/``, synced and hashed, and put among the objects in the transaction that inserts the
row which names it, before that is committed: a row never exists without its object.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa

from ..errors import StorageError, StoreError
from ..readers.partial import File
from .directory import DirectoryObjects
from .objects import Objects, StoredObject
from .parts import PartReader
from .staging import Staging, prepare
from .storage import ProjectStorage


class Artifacts:
    """The objects of one project.

    Args:
        storage: the place on this machine that new files come through.
        objects: where they are; in the same place, if not given.
    """

    def __init__(self, storage: ProjectStorage, objects: Objects | None = None) -> None:
        self._storage = storage
        self._objects = objects or DirectoryObjects(storage)
        if not storage.read_only:
            with suppress(OSError, StorageError):  # a full or failing disk; what is there can still be read
                prepare(storage)

    @property
    def root(self) -> Path:
        """The folder that new files come through."""
        return self._storage.root

    @contextmanager
    def staging(self) -> Iterator[Staging]:
        """Files on their way in; what is not published by the end is forgotten.

        Raises:
            StoreError: ``store.read_only``, ``storage.*``.
        """
        staging = Staging(self._storage, self._objects)
        try:
            yield staging
        finally:
            staging.close()

    def path(self, digest: str) -> Path:
        """Where the object lies on this machine, all of it.

        Raises:
            StoreError: ``artifact.missing`` if it is not there, or something else than a file is.
            InvalidValue: ``input.permission``.
        """
        return self._objects.path(digest)

    def verify(self, digest: str) -> Path:
        """Like ``path``, after reading the whole object and comparing its hash.

        Raises:
            StoreError: ``artifact.hash_mismatch`` if its content has changed.
            InvalidValue: ``input.permission``.
        """
        return self._objects.verify(digest)

    def check(self, digest: str) -> None:
        """Pass if what is stored is what it was; a copy of it on this machine does not count.

        Raises:
            StoreError: ``artifact.missing``, ``artifact.hash_mismatch``.
            InvalidValue: ``input.permission``.
        """
        self._objects.check(digest)

    def opened(self, digest: str) -> File:
        """The object, to be read piece by piece.

        Raises:
            StoreError: ``artifact.missing``.
        """
        return self._objects.opened(digest)

    def table(self, digest: str) -> Path | io.RawIOBase:
        """The object as Arrow reads it: of one that is elsewhere, the parts that are asked for.

        Raises:
            StoreError: ``artifact.missing``.
        """
        file = self._objects.opened(digest)
        return file if isinstance(file, Path) else PartReader(file)

    def listed(self) -> Iterator[StoredObject]:
        """All that lies there."""
        return self._objects.listed()

    def sources(self, digests: Collection[str]) -> set[str]:
        """The objects that hold parts of these."""
        return self._objects.sources(digests)

    def delete(self, name: str) -> None:
        """Remove an object, or what else stands there."""
        self._objects.delete(name)

    def unfinished(self) -> Iterator[StoredObject]:
        """Uploads that are under way, or were cut off."""
        return self._objects.unfinished()

    def abandon(self, name: str) -> None:
        """Remove what is there of one of these."""
        self._objects.abandon(name)

    @property
    def results(self) -> Objects:
        """Where results of comparisons of activations are kept."""
        return self._objects

    def close(self) -> None:
        """Release what is kept open."""
        self._objects.close()

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
