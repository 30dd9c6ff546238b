"""Everything about one model."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ..records import Change, LineageStep, Model, Reference
from . import checkpoints, history, instances, metrics, models, notes, origin, schema

_KEEP = {
    "references": schema.model_references.c.model_key,
    "tags": schema.tags.c.model_key,
    "notes": schema.notes.c.model_key,
    "files": schema.files.c.model_key,
    "outputs": schema.outputs.c.model_key,
    "history": schema.history_models.c.model_key,
}
_HELD = sa.select(*(sa.exists().where(column == sa.bindparam("key")).label(name) for name, column in _KEEP.items()))
"""Which tables say something about a model: most say nothing, and one question is cheaper than six."""


def model(connection: sa.Connection, id: str) -> Model:
    """Gather what was logged about a model.

    Raises:
        NotFound: ``model.unknown``.
    """
    chain = models.lineage_of(connection, id)
    row = chain[-1]
    held = _held(connection, row.key)
    return Model(
        id=row.id,
        base=chain[-2].id if len(chain) > 1 else None,
        operation=row.operation,
        step=row.step,
        created_at=row.created_at,
        lineage=tuple(LineageStep(link.id, link.operation) for link in chain),
        references=_references(connection, row.key) if held.references else (),
        metrics=metrics.of_model(connection, row.key),
        tags=notes.tags_of(connection, row.key) if held.tags else (),
        note=notes.note_of(connection, row.key) if held.notes else "",
        checkpoint=checkpoints.of_model(connection, row.key) if held.files else None,
        datasets=instances.datasets_of(connection, row.key) if held.outputs else (),
        replicate=row.replicate,
        archived_at=row.archived_at,
        corrections=_corrections(connection, row.key) if held.history else (),
        origin=origin.of_key(connection, row.origin_key),
    )


def _held(connection: sa.Connection, key: int) -> Any:
    return connection.execute(_HELD, {"key": key}).one()


def _references(connection: sa.Connection, key: int) -> tuple[Reference, ...]:
    return tuple(reference for _, reference in models.references(connection, key))


def _corrections(connection: sa.Connection, key: int) -> tuple[Change, ...]:
    found = history.listed(connection, key=key, action="correct")
    return tuple(change for change in found if change.undone_by is None)
