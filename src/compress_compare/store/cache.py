"""Copies of files of an object store on this machine: whole ones, shared by all processes, and parts of others.

The folder is bounded: what was not used for longest goes first. A whole file is believed like one in the store; whoever
must know compares its hash. A file of which only parts are here belongs to one process, which holds a lock on it; what
a killed process leaves is removed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from io import BufferedReader
from pathlib import Path

from ..errors import UserError
from ..readers.partial import PartialFile
from .files import held, try_lock
from .objects import compare
from .storage import ProjectStorage

BLOCK = 1 << 20
"""Bytes that are brought together."""

LIMIT = 20 << 30
PART = ".part"

Fetch = Callable[[str, int, int], Iterable[bytes]]
"""Brings the bytes of a file from one place to another, in pieces."""


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

    def verified(self, digest: str) -> Path | None:
        """The same, if its hash is right; one that is damaged is removed."""
        path = self.path(digest)
        if path is None or _hash(path) == digest:
            return path
        self.forget(digest)
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
                    with suppress(OSError):
                        one.keep()
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
        self._coming = bytearray(len(self._here))
        self._changed = threading.Condition()
        self._is_streamed = False
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
        if goes_on and then > stop and not self._is_streamed and (self._ahead is None or not self._ahead.is_alive()):
            self._ahead = threading.Thread(target=self._bring_early, args=(stop, then), daemon=True)
            self._ahead.start()

    def _bring_early(self, start: int, stop: int) -> None:
        with suppress(UserError, OSError):  # whoever needs it asks again, and is told
            self._bring(start, stop)

    def stream(self, spans: Sequence[tuple[int, int]], *, is_wanted: Callable[[], bool]) -> None:
        """Bring what somebody will need, in the order of the file and with as few calls as can be.

        What is needed in the meantime is brought by whoever needs it, unless it is on its way; then that is waited for.
        """
        wanted = bytearray(len(self._here))
        for start, stop in spans:
            first, last = start // BLOCK, -(-stop // BLOCK)
            wanted[first:last] = b"\1" * (last - first)
        self._is_streamed = True
        try:
            first = 0
            while is_wanted() and (first := wanted.find(1, first)) >= 0:
                after = wanted.find(0, first)
                after = len(wanted) if after < 0 else after
                claim = self._claimed(first, after, most=STREAMED, wait=False)
                first = after if claim is None else claim.stop
                if claim is not None:
                    self._fetched(claim, is_wanted)
        finally:
            self._is_streamed = False

    def _bring(self, start: int, stop: int) -> None:
        while (claim := self._claimed(start // BLOCK, -(-stop // BLOCK), most=BATCH)) is not None:
            self._fetched(claim)

    def _claimed(self, first: int, last: int, *, most: int, wait: bool = True) -> range | None:
        """Blocks that this thread has to bring: neighbors that neither are here nor on their way. What is on its way is
        waited for, or passed over; ``None`` if nothing is left.
        """
        with self._changed:
            while True:
                free = first
                while free < last and (self._here[free] or self._coming[free]):
                    free += 1
                if free < last:
                    after = free
                    while after < min(last, free + most) and not (self._here[after] or self._coming[after]):
                        after += 1
                    self._coming[free:after] = b"\1" * (after - free)
                    return range(free, after)
                if not wait or self._here.find(0, first, last) < 0:
                    return None
                self._changed.wait()

    def _fetched(self, claim: range, is_wanted: Callable[[], bool] = lambda: True) -> None:
        """Bring blocks; each can be used as soon as it is here."""
        at, end = claim.start * BLOCK, min(claim.stop * BLOCK, self.num_bytes)
        done = claim.start
        try:
            with ProjectStorage(self._path.parent).told(needed=end - at):
                for piece in self._fetch(self.name, at, end):
                    if os.pwrite(self._descriptor, piece, at) != len(piece):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                    at += len(piece)
                    before, done = done, claim.stop if at == end else at // BLOCK
                    if done > before:
                        with self._changed:
                            self._here[before:done] = b"\1" * (done - before)
                            self._changed.notify_all()
                    if not is_wanted():
                        return
        finally:
            with self._changed:
                self._coming[claim.start : claim.stop] = bytes(len(claim))
                self._changed.notify_all()

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
                compare(self.name, _hash(self._path))
            return self._kept()

    def keep(self) -> None:
        """Keep a file that is complete for all processes."""
        with self._lock:
            self._kept()

    def _kept(self) -> Path:
        if not self._is_whole:
            self._path.replace(self._target)
            self._is_whole = True
        return self._target


AHEAD = 32 << 20
"""Bytes that are brought before they are asked for."""
BATCH = 16
"""Blocks that are brought with one call for whoever waits for them."""
STREAMED = 64
"""Blocks that are brought with one call before anybody waits: a store has less to do for fewer calls."""


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove_abandoned(path: Path) -> None:
    descriptor = try_lock(path)
    if descriptor is not None:
        path.unlink()
        os.close(descriptor)
