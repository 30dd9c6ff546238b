"""Work: the tasks that it is done with, and jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..errors import InvalidValue
from .names import JSON


@dataclass(frozen=True)
class TaskPath:
    """The place of a recipe's task; see ``recipes.task.load``.

    Args:
        path: ``package.module:function``.
        options: keyword arguments of the function.
        folders: where Python looks for the module before its own path.

    Raises:
        InvalidValue: ``config.task`` if the path is not written so.
    """

    path: str
    options: Mapping[str, JSON] = field(default_factory=dict)
    folders: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        module, _, name = str(self.path).partition(":")
        if not (name and all(part.isidentifier() for part in (*module.split("."), name))):
            raise unusable_task(str(self.path), "A task is written package.module:function.")


def unusable_task(path: str, reason: str) -> InvalidValue:
    """Return the error for a task that cannot be loaded from its path."""
    return InvalidValue(
        "config.task",
        f"The task {path[:120]!r} cannot be used.",
        detail=reason[:500],
        hint="Write it as package.module:function; the folder of the recipe and the current one are searched.",
    )


JobState = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]


@dataclass(frozen=True)
class Job:
    """A piece of work.

    Args:
        id: made by the project.
        kind: ``recipe`` (a job with parts) or ``operation``.
        state: what has become of it.
        progress: from 0 to 1.
        message: what it does now, or how it ended.
        reason: why it failed, in short, e.g. ``worker_lost(signal 9)``.
        created_at: UTC, ISO 8601.
        finished_at: UTC, ISO 8601.
        title: what it is, for people.
        parent: the job that it is a part of.
        model: the model that it makes.
        started_at: UTC, ISO 8601, of the last attempt.
        attempts: how often it was started.
        error: why it failed, in full: ``code``, ``title``, ``detail`` and ``hint``.
    """

    id: str
    kind: str
    state: JobState
    progress: float
    message: str
    reason: str | None
    created_at: str
    finished_at: str | None
    title: str = ""
    parent: str | None = None
    model: str | None = None
    started_at: str | None = None
    attempts: int = 0
    error: Mapping[str, str] | None = None
