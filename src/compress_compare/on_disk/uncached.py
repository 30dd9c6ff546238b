"""A file that is written past the cache of the system: what is written once and is large needs no place there.

Pages of the cache cost several times what the disk costs, and push out what others need.
"""

from __future__ import annotations

import errno
import mmap
import os
from pathlib import Path

import numpy as np

BLOCK = 4096
"""Bytes of which places and lengths are multiples, as writing past the cache demands."""
_BUFFER = 1 << 24
_DIRECT = getattr(os, "O_DIRECT", 0)


class UncachedFile:
    """A new file. Where the file system has no such writing, it is written as any other.

    Args:
        path: must not exist.
        start: bytes that are left free at the beginning, a multiple of `BLOCK`.
    """

    def __init__(self, path: Path, start: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            self._file = os.open(path, flags | _DIRECT, 0o666)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            path.unlink(missing_ok=True)  # some systems make it first
            self._file = os.open(path, flags, 0o666)
        self._memory = mmap.mmap(-1, _BUFFER)
        self._buffer = np.frombuffer(self._memory, np.uint8)
        self._filled, self._place = 0, start

    def write(self, content: memoryview) -> None:
        """Append bytes: from where they are as far as they stand on boundaries in memory and file, else by a copy."""
        if not self._filled and _stands_on_a_boundary(content):
            size = len(content) - len(content) % BLOCK
            self._append(content[:size])
            content = content[size:]
        while len(content):
            part = content[: _BUFFER - self._filled]
            end = self._filled + len(part)
            self._buffer[self._filled : end] = np.frombuffer(part, np.uint8)  # lets other threads run meanwhile
            self._filled, content = end, content[len(part) :]
            if end == _BUFFER:
                self._empty()

    def finish(self, beginning: bytes) -> None:
        """Write what is left and the beginning, and see to it that all is on the disk."""
        self._through_the_cache()
        self._empty()
        self._put(memoryview(beginning), 0)
        os.fsync(self._file)
        self.close()

    def close(self) -> None:
        """Let the file go, whatever was written."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _empty(self) -> None:
        self._append(memoryview(self._memory)[: self._filled])
        self._filled = 0

    def _append(self, content: memoryview) -> None:
        try:
            self._put(content, self._place)
        except OSError as error:
            if error.errno != errno.EINVAL or not self._through_the_cache():
                raise
            self._put(content, self._place)
        self._place += len(content)

    def _put(self, content: memoryview, place: int) -> None:
        while len(content):
            written = os.pwrite(self._file, content, place)
            content, place = content[written:], place + written

    def _through_the_cache(self) -> bool:
        """Write as to any other file from here on; whether that is new."""
        if not _DIRECT:
            return False
        import fcntl

        flags = fcntl.fcntl(self._file, fcntl.F_GETFL)
        fcntl.fcntl(self._file, fcntl.F_SETFL, flags & ~_DIRECT)
        return bool(flags & _DIRECT)


def _stands_on_a_boundary(content: memoryview) -> bool:
    return len(content) >= BLOCK and np.frombuffer(content, np.uint8).ctypes.data % BLOCK == 0
