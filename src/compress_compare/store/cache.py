"""Copies of files of an object store on this machine: whole ones, shared by all processes, and parts of others.

The folder is bounded: what was not used for longest goes first. A whole file is one whose hash was compared. A file of
which only parts are here belongs to one process, which holds a lock on it; what a killed process leaves is removed.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from io import BufferedReader
from pathlib import Path

from ..errors import StoreError, UserError
from ..readers.partial import PartialFile
from .files import held, try_lock
from .objects import compare
from .storage import ProjectStorage

BLOCK = 1 << 20
"""Bytes that are brought together."""

LIMIT = 20 << 30
PART = ".part"

Fetch = Callable[[str, list[tuple[int, int]]], list[bytes]]
"""Brings the bytes of several ranges of a file."""


class Cache:
    """The copies of one user.

    Args:
        folder: where they lie; made when something comes.
        fetch: brings bytes.
        limit: bytes that may lie there; what is in use is not counted against it.
    """

    def __init__(self, folder: Path, fetch: Fetch, *, limit: int | None = None) -> None:
        given = os.environ.get("COMPRESS_COMPARE_CACHE_BYTES", "")
        self._folder = folder
        self._limit = limit if limit is not None else int(given) if given.isdecimal() else LIMIT
        self._fetch = fetch
        self._storage = ProjectStorage(folder)
        self._parts: dict[str, CachedFile] = {}
        self._lock = threading.Lock()

    def path(self, digest: str) -> Path | None:
        """Where a whole file lies, if it is here."""
        path = self._folder / digest[:2] / digest
        with suppress(OSError):
            os.utime(path)
            return path
        return None

    def part(self, digest: str, num_bytes: int) -> CachedFile:
        """A file of which parts may be here."""
        with self._lock:
            found = self._parts.get(digest)
            if found is None or found.is_gone:
                with self._storage.told(needed=num_bytes):
                    self._make_room(num_bytes)
                    found = CachedFile(self._folder / digest[:2], digest, num_bytes=num_bytes, fetch=self._fetch)
                self._parts[digest] = found
            return found

    def forget(self, digest: str) -> None:
        """Remove a whole file that turned out to be damaged, and parts of it."""
        with self._lock:
            self._parts.pop(digest, None)
            (self._folder / digest[:2] / digest).unlink(missing_ok=True)

    def close(self) -> None:
        """Keep what has come completely, for the next process; the rest goes when nobody reads it any more."""
        with self._lock:
            for one in self._parts.values():
                if one.is_complete:
                    with suppress(StoreError, OSError):
                        one.whole()
            self._parts.clear()

    def _make_room(self, num_bytes: int) -> None:
        """Remove what was not used for longest, until so many bytes fit."""
        found: list[tuple[float, int, Path]] = []
        for path in self._folder.glob("??/*"):
            with suppress(OSError):
                if path.name.endswith(PART):
                    _remove_abandoned(path)
                status = path.stat()
                found.append((status.st_mtime, status.st_blocks * 512, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total + num_bytes <= self._limit:
                return
            if not path.name.endswith(PART):
                with suppress(OSError):
                    path.unlink()
                    self._parts.pop(path.name, None)
                    total -= size


class CachedFile(PartialFile):
    """A file of an object store, of which this process has brought some blocks.

    Args:
        folder: where it lies.
        digest: its SHA-256.
        num_bytes: of the whole file.
        fetch: brings bytes.
    """

    def __init__(self, folder: Path, digest: str, *, num_bytes: int, fetch: Fetch) -> None:
        super().__init__(digest, num_bytes)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._target = folder / digest
        self._path = folder / f"{digest}.{secrets.token_hex(4)}{PART}"
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._descriptor, num_bytes)
        self._held = held(self._path)
        self._here = bytearray(-(-num_bytes // BLOCK))
        self._fetch = fetch
        self._lock = threading.Lock()
        self._is_whole = False
        self._asked_to = -1
        self._ahead: threading.Thread | None = None

    def __del__(self) -> None:
        for name in ("_descriptor", "_held"):
            if name in self.__dict__:
                os.close(self.__dict__[name])
        if "_path" in self.__dict__:
            with suppress(OSError):
                self._path.unlink()

    @property
    def is_complete(self) -> bool:
        """Whether all of it is here."""
        return all(self._here)

    @property
    def is_gone(self) -> bool:
        """Whether somebody has removed it: as a whole file, it was old."""
        return self._is_whole and not self._target.exists()

    def need(self, start: int, stop: int) -> None:
        """Bring the blocks with these bytes, those that are not here; neighbors come together.

        Of a file that is read from one end to the other, as much again is brought while this is worked on.
        """
        self._bring(start, stop)
        goes_on, self._asked_to = start == self._asked_to, stop
        then = min(stop + min(stop - start, AHEAD), self.num_bytes)
        if goes_on and then > stop and (self._ahead is None or not self._ahead.is_alive()):
            self._ahead = threading.Thread(target=self._bring_early, args=(stop, then), daemon=True)
            self._ahead.start()

    def _bring_early(self, start: int, stop: int) -> None:
        with suppress(UserError, OSError):  # whoever needs it asks again, and is told
            self._bring(start, stop)

    def _bring(self, start: int, stop: int) -> None:
        first, last = start // BLOCK, -(-stop // BLOCK)
        with self._lock:
            missing = [place for place in range(first, last) if not self._here[place]]
            if not missing:
                return
            ranges = [(place * BLOCK, min((place + 1) * BLOCK, self.num_bytes)) for place in missing]
            for at in range(0, len(ranges), BATCH):
                batch = ranges[at : at + BATCH]
                with ProjectStorage(self._path.parent).told(needed=len(batch) * BLOCK):
                    for (begin, _), content in zip(batch, self._fetch(self.name, batch), strict=True):
                        os.pwrite(self._descriptor, content, begin)
                for begin, _ in batch:
                    self._here[begin // BLOCK] = 1

    def open(self) -> BufferedReader:
        """A file of the whole length, with what has been brought so far; to be closed."""
        return os.fdopen(os.open(self._target if self._is_whole else self._path, os.O_RDONLY | os.O_CLOEXEC), "rb")

    def whole(self) -> Path:
        """Bring all of it, compare its hash, and keep it for all processes.

        Raises:
            StoreError: ``artifact.hash_mismatch``.
        """
        self.need(0, self.num_bytes)
        with self._lock:
            if not self._is_whole:
                with self.open() as file:
                    compare(self.name, hashlib.file_digest(file, "sha256").hexdigest())
                self._path.replace(self._target)
                self._is_whole = True
        return self._target


AHEAD = 32 << 20
"""Bytes that are brought before they are asked for."""
BATCH = 64
"""Blocks that are brought with one call."""


def _remove_abandoned(path: Path) -> None:
    descriptor = try_lock(path)
    if descriptor is not None:
        path.unlink()
        os.close(descriptor)
