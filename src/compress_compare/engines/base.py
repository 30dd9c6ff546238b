"""The interface of engines, which run one piece of work per worker and report its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

LOG = "log"
STEP = "step.json"
RESULT = "result.json"
HEARTBEAT = "heartbeat.json"
THERE = "it is there already"
"""The message of a job whose model somebody else has made meanwhile."""


@dataclass(frozen=True)
class Limits:
    """The limits of a worker.

    Args:
        memory: bytes of resident memory that it may use; ``None`` for no limit.
        heartbeat: seconds without a heartbeat after which it counts as lost.
        grace: seconds between asking a worker to end and killing it.
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
        folder: a folder for this job only, with the request in ``step.json``, the worker's ``heartbeat.json`` and
            ``result.json``, and its output in ``log``.
        request: the work to do, as JSON data; see `worker`.
    """

    id: str
    folder: Path
    request: Mapping[str, Any]


@dataclass(frozen=True)
class Running:
    """Unfinished work: the share that is done, from 0 to 1, and a message."""

    progress: float
    message: str


@dataclass(frozen=True)
class Outcome:
    """Finished work.

    Args:
        state: how the work ended.
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
        """Start the work and return a handle that `reap` understands in another process."""

    def poll(self, id: str) -> Running | Outcome:
        """Return the state of a job's work. The engine forgets it once it has returned an outcome."""

    def cancel(self, id: str) -> None:
        """Ask the work to end, and kill it after the grace period. `poll` returns the outcome."""

    def reap(self, handle: str) -> None:
        """End the work that a dead supervisor left running."""

    def close(self) -> None:
        """End all work."""
