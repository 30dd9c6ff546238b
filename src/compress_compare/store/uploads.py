"""Files that come in pieces and go on where they stopped, in ``staging/`` until they are whole, for a day at most."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from ..errors import Conflict, InvalidValue
from . import location
from .files import lock
from .storage import ProjectStorage

_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_digest(text: str) -> str:
    """Return ``text`` if it is a SHA-256 as hexadecimal digits.

    Raises:
        InvalidValue: ``object.name``.
    """
    if not _SHA256.fullmatch(text):
        raise InvalidValue("object.name", "A file is named by the SHA-256 of its content: 64 hexadecimal digits.")
    return text


class Upload:
    """A file that is on its way.

    Args:
        storage: the place of the project.
        digest: SHA-256 of the whole file.
    """

    def __init__(self, storage: ProjectStorage, digest: str) -> None:
        self._storage = storage
        self._digest = check_digest(digest)
        self._folder = storage.root / location.STAGING / f"upload-{digest}"

    @property
    def path(self) -> Path:
        """Where it lies until it is whole."""
        return self._folder / "content"

    def size(self) -> int:
        """How many bytes of it are there."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def append(self, content: bytes, *, offset: int) -> int:
        """Add the bytes from ``offset`` on; returns how many there are. What is there already is written again.

        Raises:
            Conflict: ``object.offset`` if bytes before it are missing.
        """
        self._storage.check()
        with self._storage.told(needed=len(content)):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                lock(descriptor, wait=True)
                there = os.fstat(descriptor).st_size
                if offset > there:
                    raise Conflict("object.offset", f"The bytes from {there:,} on are missing.", detail=str(there))
                os.lseek(descriptor, offset, os.SEEK_SET)
                os.ftruncate(descriptor, offset)
                left = memoryview(content)
                while left:
                    left = left[os.write(descriptor, left) :]
                os.utime(self._folder)
                return os.fstat(descriptor).st_size
            finally:
                os.close(descriptor)

    def is_whole(self) -> bool:
        """Whether its content is what its name says."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self._digest

    def forget(self) -> None:
        """Remove it."""
        self.path.unlink(missing_ok=True)
        try:
            self._folder.rmdir()
        except OSError:
            return
