"""What every engine is: something that runs one piece of work per worker and says what has become of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

LOG = "log"
STEP = "step.json"
RESULT = "result.json"
HEARTBEAT = "heartbeat.json"


@dataclass(frozen=True)
class Limits:
    """What a worker may take.

    Args:
        memory: bytes it may have resident; ``None``: no limit but the machine's.
        heartbeat: seconds without a sign of life after which it is taken for lost.
        grace: seconds between asking a worker to end and making it.
        log: bytes of output that are kept.
    """

    memory: int | None = None
    heartbeat: float = 30.0
    grace: float = 5.0
    log: int = 1_000_000


@dataclass(frozen=True)
class Work:
    """One piece of work.

    Args:
        id: of the job.
        folder: of the job alone: the request goes there as ``step.json``, the worker writes ``heartbeat.json`` and
            ``result.json``, and what it prints ends up in ``log``.
        request: what to do, as JSON data; see `worker`.
    """

    id: str
    folder: Path
    request: Mapping[str, Any]


@dataclass(frozen=True)
class Running:
    """Work that goes on: share done from 0 to 1, and what it does now."""

    progress: float
    message: str


@dataclass(frozen=True)
class Outcome:
    """Work that has ended.

    Args:
        state: how.
        reason: why it failed, in short: ``worker_lost(signal 9)``, ``no_result``, ``out_of_memory``, ``raised``,
            ``exit_code(3)``, or the code of a user error.
        error: why it failed, in full: ``code``, ``title``, ``detail``, ``hint``.
        message: one line about the result.
    """

    state: Literal["done", "failed", "cancelled"]
    reason: str | None = None
    error: Mapping[str, str] | None = None
    message: str = ""


class Engine(Protocol):
    """Runs work, at most ``slots`` pieces at a time. Used from one thread."""

    slots: int

    def submit(self, work: Work) -> str:
        """Start it; returns a handle that `reap` understands in another process."""

    def poll(self, id: str) -> Running | Outcome:
        """How the work of a job is doing. After an outcome the engine has forgotten it."""

    def cancel(self, id: str) -> None:
        """Ask it to end; it ends after the grace period in any case. `poll` tells when."""

    def reap(self, handle: str) -> None:
        """End what another supervisor, now dead, has left running."""

    def close(self) -> None:
        """End all work."""
