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

import psutil

PATIENCE_S = 20.0
"""Without any work; a copy of a process with other threads may wait for a lock that nobody releases."""

LOOK_S = 1.0

NUMBER = struct.Struct("=d")


def in_processes(work: Callable[[], list[float]], count: int) -> list[list[float]]:
    """What a measurement returns in each of some processes, one after the other; nothing if one does not answer.

    Args:
        work: measures; must use one thread.
        count: of processes.
    """
    found: list[list[float]] = []
    for _ in range(count):
        times = _copied(work)
        if not times:
            return []
        found.append(times)
    return found


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
        content = _read(reading, process)
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


def _read(reading: int, process: int) -> bytes:
    """All that a process writes; nothing once it has stopped working."""
    content, used, since = b"", 0.0, time.monotonic()
    while time.monotonic() - since < PATIENCE_S:
        if select.select([reading], [], [], LOOK_S)[0]:
            part = os.read(reading, 1 << 16)
            if not part:
                return content
            content += part
        elif (now := _used(process)) > used:
            used, since = now, time.monotonic()
    return b""


def _used(process: int) -> float:
    """Seconds of processor time that a process has used; 0 for one that is gone."""
    try:
        times = psutil.Process(process).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)
