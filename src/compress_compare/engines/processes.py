"""Processes by id and start time, so that a recycled id is never taken for the process that had it before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PAGE = 4096 if sys.platform == "win32" else os.sysconf("SC_PAGE_SIZE")
REAP_S = 5.0


def identity(pid: int) -> str:
    """``pid:start time``."""
    return f"{pid}:{_started(pid)}"


def alive(process: str) -> bool:
    """Whether the process with this identity still runs; a zombie does not."""
    pid, _, started = process.partition(":")
    return pid.isdigit() and started != "" and _started(int(pid)) == started


def kill_group(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to the process group that ``pid`` leads, whether or not its leader still lives."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def reap(process: str) -> None:
    """Kill the group of the process with this identity, if it still runs, and wait until it is gone."""
    if not alive(process):
        return
    kill_group(int(process.partition(":")[0]))
    deadline = time.monotonic() + REAP_S
    while alive(process) and time.monotonic() < deadline:
        time.sleep(0.02)


def resident(pid: int) -> int:
    """Bytes that the process has in memory; 0 where that cannot be told."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, ValueError, IndexError):
        return 0


def virtual() -> int:
    """Bytes of address space of this process; 0 where that cannot be told."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * PAGE
    except (OSError, ValueError, IndexError):
        return 0


def total_memory() -> int:
    """Bytes of the machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * PAGE


def _started(pid: int) -> str:
    """When the process started, in the system's own words; empty if it does not run."""
    stat = Path(f"/proc/{pid}/stat")
    if not Path("/proc/self/stat").exists():
        return _started_by_ps(pid)
    try:
        fields = stat.read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def _started_by_ps(pid: int) -> str:
    command = ["/bin/ps", "-o", "lstart=,state=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    return "" if answer.rpartition(" ")[2].startswith("Z") else answer.rpartition(" ")[0].strip()
