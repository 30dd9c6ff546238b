"""Files that nothing names: what killed processes were writing, and what they had put in place without a row for it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from . import location, schema
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


def counted(connection: sa.Connection, root: Path) -> Garbage:
    """What there is of it now."""
    paths = list(_found(connection, root))
    return Garbage(len(paths), sum(map(_size, paths)))


def collect(connection: sa.Connection, root: Path, *, older_than: float) -> Garbage:
    """Remove it; the caller holds the lock of writers, so that nothing is put in place meanwhile.

    Args:
        connection: that writes.
        root: of the project.
        older_than: seconds since it was last written.
    """
    count = num_bytes = 0
    for path in list(_found(connection, root)):
        if _age(path) < older_than:
            continue
        size = _size(path)
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
            count, num_bytes = count + 1, num_bytes + size
    return Garbage(count, num_bytes)


def is_due(connection: sa.Connection) -> bool:
    """Whether nobody has looked for it for a day: reading the names of all objects takes time in a large project."""
    found = connection.execute(sa.select(schema.meta.c.value).where(schema.meta.c.name == LOOKED)).scalar()
    return found is None or not found.isdigit() or not 0 <= time.time() - int(found) < KEPT_S


def looked(connection: sa.Connection) -> None:
    """Remember that somebody has looked just now."""
    connection.execute(schema.meta.delete().where(schema.meta.c.name == LOOKED))
    connection.execute(schema.meta.insert().values(name=LOOKED, value=str(int(time.time()))))


def _found(connection: sa.Connection, root: Path) -> Iterator[Path]:
    yield from abandoned(root)
    tables = (schema.files, schema.datasets, schema.outputs, schema.kept_files)
    named = set(connection.execute(sa.union(*(sa.select(table.c.sha256) for table in tables))).scalars())
    objects = root / location.OBJECTS
    for folder in sorted(objects.iterdir()) if objects.is_dir() else ():
        if folder.is_dir() and not folder.is_symlink():
            yield from (path for path in sorted(folder.iterdir()) if path.name not in named)


def _age(path: Path) -> float:
    with suppress(OSError):
        return time.time() - path.lstat().st_mtime
    return 0.0


def _size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    total = 0
    with suppress(OSError):
        total += path.lstat().st_size if not path.is_dir() else 0
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                total += Path(folder, name).lstat().st_size
    return total
