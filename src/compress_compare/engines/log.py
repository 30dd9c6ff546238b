"""What a worker prints, kept up to a limit and drained beyond it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 16


class LogWriter:
    """Copies a pipe to a file in a thread of its own until the pipe ends.

    Args:
        pipe: what the worker prints to.
        path: of the file; appended to.
        limit: bytes that are kept.
    """

    def __init__(self, pipe: BinaryIO, path: Path, *, limit: int) -> None:
        self._pipe = pipe
        self._path = path
        self._limit = limit
        self._thread = threading.Thread(target=self._copy, daemon=True)
        self._thread.start()

    def finish(self, timeout: float) -> None:
        """Wait for the end of the pipe; a process that escaped may hold it open, so not for ever."""
        self._thread.join(timeout)

    def _copy(self) -> None:
        left, dropped = self._limit, 0
        with self._pipe, self._path.open("ab", buffering=0) as file:
            while chunk := self._pipe.read1(CHUNK):  # type: ignore[attr-defined]
                kept = chunk[:left]
                left -= len(kept)
                dropped += len(chunk) - len(kept)
                if kept:
                    file.write(kept)
            if dropped:
                file.write(f"\n[the log is capped at {self._limit:,} bytes; {dropped:,} more are left out]\n".encode())


def tail(path: Path, *, limit: int) -> tuple[str, int]:
    """The last ``limit`` bytes of a log as text, and how long it is in all."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - limit))
            return file.read(limit).decode("utf-8", "replace"), size
    except FileNotFoundError:
        return "", 0
