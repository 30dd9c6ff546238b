"""Checkpoints opened for reading piece by piece, after a look at whether they are still what was logged."""

from __future__ import annotations

import datetime
from pathlib import Path

from ..readers import checkpoint as readers
from ..readers.partial import File, PartialFile
from ..readers.weights import Weights
from ..records import Checkpoint, StoredFile
from .artifacts import Artifacts


class Opener:
    """Opens the checkpoints of one project.

    A file that was not touched since it was logged is believed. Any other (changed, restored from a backup) is read
    whole once and its hash compared, and again only after the next touch.
    """

    def __init__(self, artifacts: Artifacts) -> None:
        self._artifacts = artifacts
        self._verified: set[tuple[str, int]] = set()

    def open(self, checkpoint: Checkpoint, *, logged_at: str) -> Weights:
        """The tensors of a checkpoint.

        Args:
            checkpoint: as recorded.
            logged_at: when, ISO 8601.

        Raises:
            StoreError: ``artifact.missing``, ``artifact.hash_mismatch``.
            InvalidValue: ``model.*`` for a format that cannot be read.
        """
        since = int(datetime.datetime.fromisoformat(logged_at).timestamp() * 1e9)
        files = {file.name: self._checked(file, since) for file in checkpoint.files}
        return readers.read(checkpoint.format, files)

    def _checked(self, file: StoredFile, since: int) -> File:
        path = self._artifacts.opened(file.sha256)
        if not isinstance(path, Path):
            return self._sized(path, file)
        status = path.stat()
        untouched = status.st_size == file.num_bytes and max(status.st_mtime_ns, status.st_ctime_ns) < since
        known = (file.sha256, status.st_mtime_ns)
        if not untouched and known not in self._verified:
            self._artifacts.verify(file.sha256)
            self._verified.add(known)
        return path

    def _sized(self, found: PartialFile, file: StoredFile) -> PartialFile:
        """One that is elsewhere is believed if it has its length: nobody writes there but who knows the hash."""
        if found.num_bytes != file.num_bytes:
            self._artifacts.check(file.sha256)
        return found
