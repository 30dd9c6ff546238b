"""Whether what was stored is still what it was."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from ..errors import StoreError
from . import schema
from .artifacts import Artifacts


def damage(connection: sa.Connection, artifacts: Artifacts) -> list[str]:
    """A sentence for each fault of the database and each stored file that is gone or has changed. Reads everything."""
    found = [line for line in connection.exec_driver_sql("PRAGMA integrity_check").scalars() if line != "ok"]
    for name, digest in _named(connection):
        try:
            artifacts.verify(digest)
        except StoreError as error:
            found.append(f"{name}: {error.title} {error.detail}")
    return found


def _named(connection: sa.Connection) -> Iterator[tuple[str, str]]:
    """What each stored file is to a person, and its SHA-256."""
    models, datasets, files, outputs = schema.models, schema.datasets, schema.files, schema.outputs
    for model, name, digest in connection.execute(
        sa.select(models.c.id, files.c.name, files.c.sha256).join_from(files, models)
    ):
        yield f"{name} of {model}", digest
    for dataset, digest in connection.execute(sa.select(datasets.c.name, datasets.c.sha256)):
        yield f"instances of {dataset}", digest
    for model, dataset, digest in connection.execute(
        sa.select(models.c.id, datasets.c.name, outputs.c.sha256).join_from(outputs, models).join(datasets)
    ):
        yield f"outputs of {model} on {dataset}", digest
