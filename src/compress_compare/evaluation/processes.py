"""The same measurement in several short processes: what differs from one to the next is part of the uncertainty.

Each process is a copy of this one (``fork``), so a model need not be importable or stored. What the copies share, such
as the addresses of libraries, does not vary between them.
"""

from __future__ import annotations

import os
import select
import signal
import struct
import time
import warnings
from collections.abc import Callable
from contextlib import suppress

PATIENCE_S = 120.0
"""For one process; a copy of a process with other threads may wait for a lock that nobody releases."""

NUMBER = struct.Struct("=d")


def in_processes(work: Callable[[], list[float]], count: int) -> list[list[float]]:
    """What a measurement returns in each of some processes, one after the other.

    Where processes cannot be copied, or a copy does not answer, this process measures itself.

    Args:
        work: measures; must use one thread.
        count: of processes; for one, this process measures.
    """
    if count == 1 or not hasattr(os, "fork"):
        return [work() for _ in range(count)]
    return [_copied(work) or work() for _ in range(count)]


def _copied(work: Callable[[], list[float]]) -> list[float]:
    """What a copy of this process measures; nothing if it fails."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of processes with several threads
        process = os.fork()
    if process == 0:
        _answer(work, writing)
    os.close(writing)
    try:
        content = _read(reading)
    finally:
        os.close(reading)
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    whole = len(content) - len(content) % NUMBER.size
    return [value for (value,) in NUMBER.iter_unpack(content[:whole])]


def _answer(work: Callable[[], list[float]], writing: int) -> None:
    """Measure and end, whatever happens, without what a process does at its end: it is that of the first one."""
    try:
        content = b"".join(map(NUMBER.pack, work()))
        while content:
            content = content[os.write(writing, content) :]
    finally:
        os._exit(0)


def _read(reading: int) -> bytes:
    content, deadline = b"", time.monotonic() + PATIENCE_S
    while (left := deadline - time.monotonic()) > 0 and select.select([reading], [], [], left)[0]:
        part = os.read(reading, 1 << 16)
        if not part:
            return content
        content += part
    return b""
