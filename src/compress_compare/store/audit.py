"""Who did what in a project, the newest first: models that were logged, changes, notes, views and jobs."""

from __future__ import annotations

import json

import pyarrow as pa
import sqlalchemy as sa

from . import origin, schema
from .database import rows

COLUMNS = ("at", "user", "token", "host", "action", "about")


def listed(connection: sa.Connection, *, limit: int) -> pa.Table:
    """A row for each thing that was done: when (ISO 8601), by whom, with which token, from where, what, and to what."""
    found: list[tuple[str, int | None, str, str]] = []
    models, jobs = schema.models, schema.jobs
    logged = sa.select(models.c.created_at, models.c.origin_key, models.c.id).order_by(models.c.key.desc()).limit(limit)
    found += [(at, key, "log", id) for at, key, id in rows(connection, logged)]
    queued = (
        sa.select(jobs.c.created_at, jobs.c.origin_key, jobs.c.kind, jobs.c.title, jobs.c.model)
        .where(jobs.c.parent.is_(None))
        .order_by(jobs.c.position.desc())
        .limit(limit)
    )
    found += [
        (at, key, f"job: {kind}", title or model or "") for at, key, kind, title, model in rows(connection, queued)
    ]
    found += _changes(connection, limit)
    newest = sorted(found, key=lambda row: row[0], reverse=True)[:limit]
    known = {key: origin.of_key(connection, key) for key in {row[1] for row in newest}}
    columns: dict[str, list[str]] = {name: [] for name in COLUMNS}
    for at, key, action, about in newest:
        who = known[key]
        said = (at, "", "", "") if who is None else (at, who.user, who.token, who.host)
        for name, value in zip(COLUMNS, (*said, action, about), strict=True):
            columns[name].append(value)
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def _changes(connection: sa.Connection, limit: int) -> list[tuple[str, int | None, str, str]]:
    history, about = schema.history, schema.history_models
    query = sa.select(history.c.number, history.c.at, history.c.origin_key, history.c.action, history.c.new)
    found = rows(connection, query.order_by(history.c.number.desc()).limit(limit))
    names: dict[int, list[str]] = {}
    if found:
        of = sa.select(about.c.number, about.c.model).where(about.c.number >= found[-1][0]).order_by(about.c.model_key)
        for number, id in rows(connection, of):
            names.setdefault(number, []).append(id)
    return [
        (at, key, action, ", ".join(names.get(number, [])) or str(json.loads(new)["said"].get("view", "")))
        for number, at, key, action, new in found
    ]
