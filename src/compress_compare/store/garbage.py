"""Files that nothing names: what killed processes were writing, and what they had put in place without a row for it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from . import schema
from .artifacts import Artifacts
from .finished import FOLDER
from .objects import StoredObject, age, size
from .staging import abandoned

KEPT_S = 24 * 3600.0
"""How long garbage is left where it is, should somebody miss it."""


LOOKED = "looked_for_garbage"


@dataclass(frozen=True)
class Garbage:
    """What belongs to nothing.

    Args:
        count: of files and folders.
        num_bytes: in all of them.
        models: that were deleted, and cannot be restored any more.
    """

    count: int
    num_bytes: int
    models: int = 0


def counted(connection: sa.Connection, artifacts: Artifacts) -> Garbage:
    """What there is of it now."""
    found = [*_left(artifacts), *_cut_off(artifacts), *_unnamed(connection, artifacts)]
    return Garbage(len(found), sum(one.num_bytes for one in found))


def collect(connection: sa.Connection, artifacts: Artifacts, *, older_than: float) -> Garbage:
    """Remove it; the caller holds the lock of writers, so that nothing is put in place meanwhile.

    Args:
        connection: that writes.
        artifacts: of the project.
        older_than: seconds since it was last written.
    """
    count = num_bytes = 0
    kinds = (
        (_remove, _left(artifacts)),
        (artifacts.abandon, _cut_off(artifacts)),
        (artifacts.delete, _unnamed(connection, artifacts)),
    )
    for remove, found in kinds:
        for one in list(found):
            if one.age >= older_than:
                connection.execute(sa.select(1))  # the lock is held as long as this answers
                with suppress(OSError):
                    remove(one.name)
                    count, num_bytes = count + 1, num_bytes + one.num_bytes
    return Garbage(count, num_bytes)


def is_due(connection: sa.Connection) -> bool:
    """Whether nobody has looked for it for a day: reading the names of all objects takes time in a large project."""
    found = connection.execute(sa.select(schema.meta.c.value).where(schema.meta.c.name == LOOKED)).scalar()
    return found is None or not found.isdigit() or not 0 <= time.time() - int(found) < KEPT_S


def looked(connection: sa.Connection) -> None:
    """Remember that somebody has looked just now."""
    connection.execute(schema.meta.delete().where(schema.meta.c.name == LOOKED))
    connection.execute(schema.meta.insert().values(name=LOOKED, value=str(int(time.time()))))


def _left(artifacts: Artifacts) -> Iterator[StoredObject]:
    """What killed processes were writing, and what they kept of operations with which nobody went on for a day."""
    unfinished = artifacts.root / FOLDER
    stopped = [one for one in unfinished.iterdir() if age(one) >= KEPT_S] if unfinished.is_dir() else ()
    for path in (*abandoned(artifacts.root), *stopped):
        yield StoredObject(str(path), size(path), age(path))


def _cut_off(artifacts: Artifacts) -> Iterator[StoredObject]:
    """Uploads with which nobody went on for a day: others may be under way, or be gone on with."""
    return (one for one in artifacts.unfinished() if one.age >= KEPT_S)


def _remove(path: str) -> None:
    if Path(path).is_dir() and not Path(path).is_symlink():
        shutil.rmtree(path)
    else:
        Path(path).unlink()


def _unnamed(connection: sa.Connection, artifacts: Artifacts) -> Iterator[StoredObject]:
    """Objects that no row names."""
    tables = (schema.files, schema.datasets, schema.outputs, schema.kept_files)
    named = set(connection.execute(sa.union(*(sa.select(table.c.sha256) for table in tables))).scalars())
    named |= artifacts.sources(named)
    return (one for one in artifacts.listed() if one.name.rpartition("/")[2] not in named)
