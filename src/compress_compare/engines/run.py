"""Runs or plans a whole recipe in this process, as the command line does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .. import operations
from ..errors import InvalidValue
from ..recipes.plan import RecipePlan, plan
from ..recipes.recipe import Recipe
from ..recipes.task import load
from ..records import Job
from .base import THERE, Engine
from .queue import Queue
from .supervisor import Supervisor

Progress = Callable[[int, int, str], None]
"""Called with the number of existing models, the number of all models, and a message."""


@dataclass(frozen=True)
class RunReport:
    """The result of running a recipe.

    Args:
        job: of the recipe.
        plan: the plan of the recipe at the start.
        made: ids of the models that this run has made.
        there: how many models of the recipe were there before it came to them.
        failed: the failed jobs.
    """

    job: Job
    plan: RecipePlan
    made: tuple[str, ...]
    there: int
    failed: tuple[Job, ...]


def run_recipe(directory: Path, recipe: Recipe, *, engine: Engine, progress: Progress | None = None) -> RunReport:
    """Make the models of a recipe that a project lacks. Models of an interrupted run are kept and reused.

    Args:
        directory: of the project.
        recipe: written by the user, so the task that it names is imported and run.
        engine: runs the steps; it is closed afterwards.
        progress: called after every change.

    Raises:
        ConfigError, Conflict, InvalidValue: ``config.*``: the recipe cannot be run as it is written.
    """
    queue = Queue(directory)
    supervisor = Supervisor(queue, engine)
    try:
        supervisor.recover()
        before = plan(recipe, queue.known())
        id = queue.submit_recipe(recipe, trusted=True)
        supervisor.run(_Watch(queue, id, before, progress).look if progress else None)
        job, parts = queue.job(id), queue.part_jobs(id)
    finally:
        supervisor.close()
        queue.close()
    if job.error is not None:
        error = job.error
        raise InvalidValue(error["code"], error["title"], detail=error["detail"], hint=error["hint"])
    done = [part for part in reversed(parts) if part.state == "done" and part.model is not None]
    made = tuple(part.model for part in done if part.model is not None and part.message != THERE)
    # another run may have made some since this one planned: those are no parts of it
    missing = len(parts) if parts or job.state == "done" else len(before.remaining)
    there = len(before.models) - missing + len(done) - len(made)
    return RunReport(job, before, made, there, tuple(part for part in reversed(parts) if part.state != "done"))


def plan_recipe(directory: Path | None, recipe: Recipe) -> tuple[RecipePlan, dict[str, int | None]]:
    """What a recipe would make, and the packed size in bytes that each model is predicted to have. Needs torch.

    Args:
        directory: of the project; ``None`` if there is none yet.
        recipe: the user's own: its task is imported for the shapes of its network.

    Raises:
        Untrusted: ``task.untrusted`` if it names none, and that of the project was not allowed.
    """
    from ..recipes import layers
    from ..recipes.predict import packed_sizes

    if directory is None:
        known, path = [], recipe.task
    else:
        queue = Queue(directory)
        try:
            known, path = queue.known(), queue.task(recipe)
            if recipe.task is None:
                queue.trust.check(queue.directory, path)
        finally:
            queue.close()
    planned = plan(recipe, known)
    if path is None:
        raise InvalidValue("config.no_task", "The recipe names no task.", hint="Add: task: package.module:function")
    network = load(path).create()
    layers.check(network, layers.named(recipe))
    return planned, packed_sizes(planned, network, operations=operations.from_record)


class _Watch:
    """Tells the progress of a recipe when it changes."""

    def __init__(self, queue: Queue, id: str, plan: RecipePlan, progress: Progress) -> None:
        self._queue, self._id, self._progress = queue, id, progress
        self._total = len(plan.models)
        self._there = self._total - len(plan.remaining)
        self._seen = -1

    def look(self) -> None:
        revision = self._queue.revision()
        if revision == self._seen:
            return
        self._seen = revision
        parts = self._queue.part_jobs(self._id)
        running = [f"{part.model}: {part.message}" for part in reversed(parts) if part.state == "running"]
        ended = sum(part.state not in ("queued", "running") for part in parts)
        self._progress(self._there + ended, self._total, ", ".join(running) or self._queue.job(self._id).message)
