"""Stored tables that are read column by column, and the outputs of several models on the same data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from ..errors import NotFound
from . import instances, models, schema
from .artifacts import Artifacts


@dataclass(frozen=True)
class StoredTable:
    """A table in the artifact store."""

    artifacts: Artifacts
    sha256: str

    @cached_property
    def schema(self) -> pa.Schema:
        """Names and types, without reading the data."""
        source = self.artifacts.table(self.sha256)
        with self.artifacts.believed(self.sha256):
            return pq.read_schema(source)

    def read(self, *names: str) -> pa.Table:
        """Some columns."""
        return instances.load(self.artifacts, self.sha256, columns=names)


def outputs(
    connection: sa.Connection, artifacts: Artifacts, *, dataset: str, ids: Sequence[str]
) -> tuple[StoredTable, dict[str, StoredTable]]:
    """A dataset, and what models answered on it or on equal data under another name.

    Raises:
        NotFound: ``dataset.unknown``, ``model.unknown``, or ``outputs.unknown`` saying on which other data a model has
            outputs.
    """
    data = instances.dataset_row(connection, dataset)
    found = {id: StoredTable(artifacts, _sha256(connection, models.one(connection, id), data)) for id in ids}
    return StoredTable(artifacts, data.sha256), found


def answered(connection: sa.Connection, dataset: str) -> list[str]:
    """Ids of the models that have outputs on a dataset, or on equal data under another name, in the order of logging.

    Raises:
        NotFound: ``dataset.unknown``.
    """
    data = instances.dataset_row(connection, dataset)
    query = (
        sa.select(schema.models.c.id, schema.models.c.key)
        .join(schema.outputs, schema.outputs.c.model_key == schema.models.c.key)
        .join(schema.datasets, schema.outputs.c.dataset_key == schema.datasets.c.key)
        .where(schema.datasets.c.fingerprint == data.fingerprint, schema.models.c.archived_at.is_(None))
        .order_by(schema.models.c.key)
        .distinct()
    )
    return list(connection.execute(query).scalars())


def _sha256(connection: sa.Connection, model: models.StoredModel, data: sa.Row[Any]) -> str:
    query = (
        sa.select(schema.datasets.c.name, schema.datasets.c.fingerprint, schema.outputs.c.sha256)
        .join(schema.outputs, schema.outputs.c.dataset_key == schema.datasets.c.key)
        .where(schema.outputs.c.model_key == model.key)
        .order_by(schema.datasets.c.key != data.key, schema.datasets.c.key)
    )
    others = connection.execute(query).all()
    for row in others:
        if row.fingerprint == data.fingerprint:
            return str(row.sha256)
    differing = ", ".join(f"{row.name!r:.40} ({row.fingerprint[:8]})" for row in others[:3])
    raise NotFound(
        "outputs.unknown",
        f"Model {model.id!r:.80} has no outputs on dataset {data.name!r:.80}.",
        detail=f"It answered other data: {differing}, not {data.fingerprint[:8]}; these are not compared."
        if others
        else "",
        hint="Log them with project.log_outputs().",
    )
