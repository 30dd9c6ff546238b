"""Processes by id and start time, so that a recycled id is never taken for the process that had it before."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress

import psutil

REAP_S = 5.0
SAME_S = 1.5
"""Two readings of one process's start lie closer together: the system counts the time of its own start in seconds."""
WORKER = "compress_compare.engines.worker"
LAUNCHER = "compress_compare.engines.launcher"
"""One of the two is part of the command line of every worker."""


def identity(pid: int) -> str:
    """``pid:start``, in seconds since the system started, which setting the clock does not change."""
    started = _started(pid)
    return f"{pid}:" if started is None else f"{pid}:{started:.2f}"


def alive(process: str) -> bool:
    """Whether the process with this identity still runs; a zombie does not."""
    pid, _, text = process.partition(":")
    try:
        expected = float(text)
    except ValueError:
        return False
    started = _started(int(pid)) if pid.isdigit() else None
    return started is not None and abs(started - expected) < SAME_S


def kill_group(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to the process group that ``pid`` leads, whether or not its leader still lives."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def reap(process: str, *, commands: Sequence[str] = (WORKER, LAUNCHER)) -> None:
    """Kill the group of the process with this identity, if it still runs, and wait until it is gone.

    Args:
        process: as a project says, which is data.
        commands: parts of command lines, without any of which it is none of ours.
    """
    if not alive(process):
        return
    line = _command(int(process.partition(":")[0]))
    if not any(command in line for command in commands):
        return
    kill_group(int(process.partition(":")[0]))
    deadline = time.monotonic() + REAP_S
    while alive(process) and time.monotonic() < deadline:
        time.sleep(0.02)


def resident(pid: int) -> int:
    """Bytes that the process has in memory; 0 if it has ended or belongs to someone else."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def virtual() -> int:
    """Bytes of address space of this process."""
    return int(psutil.Process().memory_info().vms)


def total_memory() -> int:
    """Bytes of the machine's memory."""
    return int(psutil.virtual_memory().total)


def _command(pid: int) -> str:
    """The command line of a process; empty if it does not run."""
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except (psutil.Error, ValueError, OverflowError):
        return ""


def _started(pid: int) -> float | None:
    """Seconds from the start of the system to that of the process; none if it does not run."""
    try:
        process = psutil.Process(pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return None
        booted = psutil.boot_time()
        return float(process.create_time() - booted)
    except (psutil.Error, ValueError, OverflowError):
        return None
