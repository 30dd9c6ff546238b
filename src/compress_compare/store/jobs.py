"""Jobs: pieces of work with a state, a progress and a reason when they fail."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa

from ..errors import Conflict, NotFound
from ..records import Job
from . import schema
from .models import now

ENDED = ("done", "failed", "cancelled", "interrupted")


def create(connection: sa.Connection, kind: str) -> Job:
    """Queue a job."""
    job = Job(str(uuid.uuid4()), kind, "queued", 0.0, "", None, now(), None)
    connection.execute(schema.jobs.insert().values({name: getattr(job, name) for name in job.__dataclass_fields__}))
    return job


def update(connection: sa.Connection, id: str, **changes: Any) -> Job:
    """Change the state, progress, message or reason of a job that has not ended.

    Raises:
        NotFound: ``job.unknown``.
        Conflict: ``state.ended``.
    """
    job = one(connection, id)
    if job.state in ENDED:
        raise Conflict("state.ended", f"The job has ended: it is {job.state}.")
    if changes.get("state") in ENDED:
        changes["finished_at"] = now()
    connection.execute(schema.jobs.update().where(schema.jobs.c.id == id).values(**changes))
    return one(connection, id)


def one(connection: sa.Connection, id: str) -> Job:
    """The job with this id.

    Raises:
        NotFound: ``job.unknown``.
    """
    row = connection.execute(sa.select(schema.jobs).where(schema.jobs.c.id == id)).mappings().first()
    if row is None:
        raise NotFound("job.unknown", f"There is no job {id[:40]!r}.")
    return Job(**row)


def listed(connection: sa.Connection) -> list[Job]:
    """All jobs, newest first."""
    query = sa.select(schema.jobs).order_by(schema.jobs.c.created_at.desc(), schema.jobs.c.id)
    return [Job(**row) for row in connection.execute(query).mappings()]
