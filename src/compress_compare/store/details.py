"""Everything about one model."""

from __future__ import annotations

import sqlalchemy as sa

from ..records import LineageStep, Model
from . import checkpoints, history, instances, metrics, models, notes, origin


def model(connection: sa.Connection, id: str) -> Model:
    """Gather what was logged about a model.

    Raises:
        NotFound: ``model.unknown``.
    """
    row = models.one(connection, id)
    chain = models.lineage(connection, row)
    return Model(
        id=row.id,
        base=chain[-2].id if len(chain) > 1 else None,
        operation=row.operation,
        step=row.step,
        created_at=row.created_at,
        lineage=tuple(LineageStep(link.id, link.operation) for link in chain),
        references=tuple(reference for _, reference in models.references(connection, row.key)),
        metrics=metrics.of_model(connection, row.key),
        tags=notes.tags_of(connection, row.key),
        note=notes.note_of(connection, row.key),
        checkpoint=checkpoints.of_model(connection, row.key),
        datasets=instances.datasets_of(connection, row.key),
        replicate=row.replicate,
        archived_at=row.archived_at,
        corrections=tuple(
            change for change in history.listed(connection, key=row.key, action="correct") if change.undone_by is None
        ),
        origin=origin.of_key(connection, row.origin_key),
    )
