"""The tasks that a project names, and with which of them a recipe runs."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Conflict
from ..recipes.recipe import Recipe
from ..records import TaskPath
from ..store import models, tasks
from ..store.database import Connection

RUN_LOCALLY = "Run a recipe that names the task once from the command line: compress-compare run RECIPE."


@dataclass(frozen=True)
class AskedTask:
    """A task that a project names: of which root, and whether its user lets it run on this machine."""

    root: str
    task: TaskPath
    allowed: bool


def task_of(connection: Connection, recipe: Recipe, *, trusted: bool) -> TaskPath:
    """The task that a recipe runs with, recorded for its root if the recipe may say so."""
    root = root_or(connection, recipe.base)
    recorded = tasks.of_root(connection, root)
    if recipe.task is None:
        return known_task(connection, root)
    same = recorded is not None and (recorded.path, recorded.options) == (recipe.task.path, recipe.task.options)
    if not same and (recorded is not None or not trusted):
        raise Conflict(
            "config.other_task" if trusted or recorded is not None else "config.no_task",
            f"The models of {root[:80]!r} are not known to belong to the task {recipe.task.path[:80]!r}.",
            detail=f"Recorded is {recorded.path} with options {dict(recorded.options)}." if recorded else "",
            hint="Name another base, or leave the task out." if recorded else RUN_LOCALLY,
        )
    if trusted:
        task = recipe.task
        tasks.remember(connection, root, tasks.TaskRow(task.path, task.options, task.folders))
        return task
    return known_task(connection, root)


def root_or(connection: Connection, base: str) -> str:
    """The root of a model; its own id if it is not there yet."""
    rows = list(models.by_ids(connection, [base]))
    return models.lineage(connection, rows[0])[0].id if rows else base


def root_of(connection: Connection, id: str) -> str:
    """The id of the root that a model was made from.

    Raises:
        NotFound: ``model.unknown``.
    """
    return models.lineage(connection, models.one(connection, id))[0].id


def known_task(connection: Connection, root: str, *, lacking: str = "new models cannot be evaluated") -> TaskPath:
    """The task that is recorded for a root.

    Args:
        connection: to the project.
        root: id.
        lacking: what is impossible without a task, for the message.

    Raises:
        Conflict: ``config.no_task``.
    """
    recorded = tasks.of_root(connection, root)
    if recorded is None:
        raise Conflict("config.no_task", f"No task is attached to {root[:80]!r}: {lacking}.", hint=RUN_LOCALLY)
    return TaskPath(recorded.path, recorded.options, tuple(recorded.folders))
