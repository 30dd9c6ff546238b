"""A project in three numbers, for a list of projects."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from . import models, schema


@dataclass(frozen=True)
class Summary:
    """How large a project is, and how old.

    Args:
        num_models: models, without those that are archived.
        num_archived: those that are.
        changed_at: when a model was last logged or changed, or a job ended, ISO 8601; ``None`` for an empty project.
    """

    num_models: int
    num_archived: int
    changed_at: str | None


def summary(connection: sa.Connection) -> Summary:
    """The three numbers."""
    columns = (schema.models.c.created_at, schema.history.c.at, schema.jobs.c.finished_at)
    times = [connection.execute(sa.select(sa.func.max(column))).scalar() for column in columns]
    return Summary(models.count(connection), len(models.archived(connection)), max(filter(None, times), default=None))
