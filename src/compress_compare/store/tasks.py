"""What each root's models are about: the import path of its task, as the user's own program named it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from ..records import JSON
from . import schema


@dataclass(frozen=True)
class TaskRow:
    """A task: where its function is, what it is called with, and where its module is looked for."""

    path: str
    options: Mapping[str, JSON]
    folders: Sequence[str]


def remember(connection: sa.Connection, root: str, task: TaskRow) -> None:
    """Record the task of a root, in place of what was recorded."""
    connection.execute(schema.tasks.delete().where(schema.tasks.c.root == root))
    options, folders = json.dumps(task.options, sort_keys=True), json.dumps(list(task.folders))
    connection.execute(schema.tasks.insert().values(root=root, path=task.path, options=options, folders=folders))


def of_root(connection: sa.Connection, root: str) -> TaskRow | None:
    """The task recorded for a root."""
    row = connection.execute(sa.select(schema.tasks).where(schema.tasks.c.root == root)).first()
    return None if row is None else TaskRow(row.path, json.loads(row.options), json.loads(row.folders))


def roots(connection: sa.Connection) -> list[str]:
    """The roots with a task."""
    return list(connection.execute(sa.select(schema.tasks.c.root).order_by(schema.tasks.c.root)).scalars())
