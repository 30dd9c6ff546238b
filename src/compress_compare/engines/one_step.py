"""What one operation would make of one model of a project."""

from __future__ import annotations

from collections.abc import Mapping

from .. import operations, records
from ..recipes import identity
from ..recipes.plan import Planned
from ..records import TaskPath
from ..store import models
from ..store.database import Connection
from .tasks import known_task


def one_step(
    connection: Connection,
    base: str,
    *,
    operation: records.Operation,
    id: str | None,
    references: Mapping[str, str],
) -> tuple[Planned, TaskPath]:
    """Return the model that an operation would make, `done` if its id is taken, and the task that measures it.

    Raises:
        NotFound: ``model.unknown``, ``operation.unknown``.
        InvalidValue: ``parameter.*``.
        Conflict: ``config.no_task``.
    """
    checked = operations.from_record(operation)
    record = checked.record()
    parent = models.one(connection, base)
    task = known_task(connection, models.lineage(connection, parent)[0].id)
    for other in references.values():
        models.one(connection, other)
    made = records.check_name(id or identity.readable(base, record, main=checked.main), "model id")
    done = any(models.by_ids(connection, [made]))
    # a second model may make all the difference
    alike = () if references else tuple(_alike(connection, parent, record))
    return Planned(made, base, record, "", dict(references), done=done, alike=alike), task


def _alike(connection: Connection, parent: models.StoredModel, record: records.Operation) -> list[str]:
    """Ids of the models that the same operation has made of the same parent, whatever they are called."""
    return [child.id for child in models.children(connection, [parent.key]) if child.operation == record]
