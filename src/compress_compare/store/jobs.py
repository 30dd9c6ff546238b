"""Jobs: pieces of work with a state, a progress and a reason when they fail. Writers use ``write(counter="jobs")``."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa

from ..errors import Conflict, NotFound
from ..records import Job
from . import origin, schema
from .models import now

ENDED = ("done", "failed", "cancelled", "interrupted")
_COLUMNS = [schema.jobs.c[field.name] for field in fields(Job)]


@dataclass(frozen=True)
class Draft:
    """A job to be queued.

    Args:
        kind: ``recipe`` or ``operation``.
        request: what is to be done, as JSON data.
        title: for people.
        model: id of the model that it makes.
        parent: id of the job that it is a part of.
    """

    kind: str
    request: Mapping[str, Any]
    title: str = ""
    model: str | None = None
    parent: str | None = None


@dataclass(frozen=True)
class JobEntry:
    """A job as its supervisor sees it.

    Args:
        id: of the job.
        kind: ``recipe`` or ``operation``.
        state: of the job.
        parent: the job that it is a part of.
        model: the model that it makes.
        cancel: whether somebody asked to cancel it.
        owner: the process that runs it.
        handle: what runs it there.
        request: what is to be done, as JSON text.
    """

    id: str
    kind: str
    state: str
    parent: str | None
    model: str | None
    cancel: bool
    owner: str
    handle: str
    request: str


def revision(connection: sa.Connection) -> int:
    """A number that grows with every change to a job by any process."""
    return int(connection.execute(sa.select(schema.revisions.c.jobs)).scalar() or 0)


def create(connection: sa.Connection, drafts: Sequence[Draft], *, owner: str) -> list[str]:
    """Queue jobs in order; returns their ids."""
    position = connection.execute(sa.select(sa.func.max(schema.jobs.c.position))).scalar() or 0
    created_at, origin_key = now(), origin.key_of_now(connection) if drafts else None
    rows = [
        {
            "position": position + 1 + index,
            "id": str(uuid.uuid4()),
            "parent": draft.parent,
            "kind": draft.kind,
            "title": draft.title,
            "state": "queued",
            "progress": 0.0,
            "message": "",
            "model": draft.model,
            "request": json.dumps(draft.request),
            "attempts": 0,
            "cancel": False,
            "owner": owner,
            "handle": "",
            "created_at": created_at,
            "origin_key": origin_key,
        }
        for index, draft in enumerate(drafts)
    ]
    if rows:
        connection.execute(schema.jobs.insert(), rows)
    return [str(row["id"]) for row in rows]


def update(connection: sa.Connection, id: str, **changes: Any) -> Job:
    """Change columns of a job that has not ended, e.g. its state, progress, message, reason or error.

    Raises:
        NotFound: ``job.unknown``.
        Conflict: ``state.ended``.
    """
    job = one(connection, id)
    if job.state in ENDED:
        raise _ended(job)
    state = changes.get("state")
    if state in ENDED:
        changes["finished_at"] = max(now(), job.started_at or "")  # the clock may have been set back since
    if state == "running" and job.state == "queued":
        changes |= {"started_at": now(), "attempts": job.attempts + 1}
    if "error" in changes and changes["error"] is not None:
        changes["error"] = json.dumps(changes["error"])
    connection.execute(schema.jobs.update().where(schema.jobs.c.id == id).values(**changes))
    return one(connection, id)


def cancel(connection: sa.Connection, id: str) -> Job:
    """Cancel a job that waits, and ask for the end of one that runs; the same for its parts.

    Raises:
        NotFound: ``job.unknown``.
        Conflict: ``state.ended``.
    """
    job = one(connection, id)
    if job.state in ENDED:
        raise _ended(job)
    mine = (schema.jobs.c.id == id) | (schema.jobs.c.parent == id)
    waiting = mine & (schema.jobs.c.state == "queued")
    ended = {"state": "cancelled", "message": "cancelled", "finished_at": now()}
    connection.execute(schema.jobs.update().where(waiting).values(**ended))
    running = mine & (schema.jobs.c.state == "running")
    connection.execute(schema.jobs.update().where(running).values(cancel=True))
    return one(connection, id)


def retry(connection: sa.Connection, id: str, *, owner: str) -> Job:
    """Queue a job again that ended without success. Parts of it that were not done are forgotten: it makes new ones.

    Raises:
        NotFound: ``job.unknown``.
        Conflict: ``state.not_ended`` or ``state.done``.
    """
    job = one(connection, id)
    if job.state not in ENDED:
        raise Conflict("state.not_ended", f"The job is {job.state}.", hint="Cancel it first.")
    if job.state == "done":
        raise Conflict("state.done", "The job is done; there is nothing to repeat.")
    fresh = {"state": "queued", "progress": 0.0, "message": "", "reason": None, "error": None, "cancel": False}
    again = {**fresh, "owner": owner, "handle": "", "started_at": None, "finished_at": None}
    connection.execute(schema.jobs.delete().where(schema.jobs.c.parent == id, schema.jobs.c.state != "done"))
    connection.execute(schema.jobs.update().where(schema.jobs.c.id == id).values(**again))
    return one(connection, id)


def adopt(connection: sa.Connection, ids: Sequence[str], *, owner: str) -> None:
    """Give jobs to another supervisor."""
    for id in ids:
        connection.execute(schema.jobs.update().where(schema.jobs.c.id == id).values(owner=owner))


def one(connection: sa.Connection, id: str) -> Job:
    """The job with this id.

    Raises:
        NotFound: ``job.unknown``.
    """
    row = connection.execute(sa.select(*_COLUMNS).where(schema.jobs.c.id == id)).mappings().first()
    if row is None:
        raise NotFound("job.unknown", f"There is no job {id[:40]!r}.")
    return _job(row)


def request(connection: sa.Connection, id: str) -> str:
    """What a job is to do, as JSON text.

    Raises:
        NotFound: ``job.unknown``.
    """
    one(connection, id)
    return str(connection.execute(sa.select(schema.jobs.c.request).where(schema.jobs.c.id == id)).scalar_one())


def listed(connection: sa.Connection, *, limit: int | None = None) -> list[Job]:
    """Jobs, newest first."""
    query = sa.select(*_COLUMNS).order_by(schema.jobs.c.position.desc()).limit(limit)
    return [_job(row) for row in connection.execute(query).mappings()]


def running_elsewhere(connection: sa.Connection, *, owner: str) -> list[tuple[str, str]]:
    """The models that jobs of other owners are making, each with its owner."""
    table = schema.jobs.c
    query = sa.select(table.model, table.owner).where(
        table.state == "running", table.kind == "operation", table.owner != owner, table.model.is_not(None)
    )
    return [(str(model), str(other)) for model, other in connection.execute(query)]


def entries(connection: sa.Connection, *, states: Iterable[str], owner: str | None = None) -> list[JobEntry]:
    """The jobs in some states, in the order of queueing, of one owner or of all."""
    columns = [schema.jobs.c[field.name] for field in fields(JobEntry)]
    query = sa.select(*columns).where(schema.jobs.c.state.in_(list(states))).order_by(schema.jobs.c.position)
    if owner is not None:
        query = query.where(schema.jobs.c.owner == owner)
    return [JobEntry(*row) for row in connection.execute(query)]


def states_of_parts(connection: sa.Connection, parent: str) -> dict[str, int]:
    """State → how many parts of a job are in it."""
    query = sa.select(schema.jobs.c.state, sa.func.count()).where(schema.jobs.c.parent == parent)
    return {row[0]: row[1] for row in connection.execute(query.group_by(schema.jobs.c.state))}


def _ended(job: Job) -> Conflict:
    return Conflict("state.ended", f"The job has ended: it is {job.state}.", hint="Reload the list of jobs.")


def _job(row: sa.RowMapping) -> Job:
    error = row["error"]
    return Job(**{**row, "error": None if error is None else json.loads(error)})
