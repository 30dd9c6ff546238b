"""Schema versions. A new database has the newest one; an older file is brought up by the ordered functions below.

The list is append-only: a released migration never changes. Each runs in the transaction that also records its version.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from ..errors import StoreError
from . import schema

Migration = Callable[[sa.Connection], None]

FIRST_VERSION = 1
MIGRATIONS: tuple[Migration, ...] = ()
"""``MIGRATIONS[i]`` brings version ``i + 1`` to version ``i + 2``."""


def newest_version() -> int:
    """The version that this code reads and writes."""
    return FIRST_VERSION + len(MIGRATIONS)


def migrate(connection: sa.Connection) -> None:
    """Create the tables, or bring an older database to the newest version.

    Raises:
        StoreError: ``store.too_new`` if the database was written by a newer version of this tool.
    """
    if not sa.inspect(connection).has_table(schema.meta.name):
        schema.metadata.create_all(connection)
        connection.execute(schema.revisions.insert().values(number=0))
        connection.execute(schema.meta.insert().values(name="schema_version", value=str(newest_version())))
        return
    version = current_version(connection)
    if version > newest_version():
        raise StoreError(
            "store.too_new",
            "This project was written by a newer version of Compress and Compare.",
            detail=f"Its schema has version {version}; this installation knows up to {newest_version()}.",
            hint="Update with: pip install --upgrade compress-compare",
        )
    for migration in MIGRATIONS[version - FIRST_VERSION :]:
        migration(connection)
        version += 1
        connection.execute(
            schema.meta.update().where(schema.meta.c.name == "schema_version").values(value=str(version))
        )


def current_version(connection: sa.Connection) -> int:
    """The version recorded in the database."""
    query = sa.select(schema.meta.c.value).where(schema.meta.c.name == "schema_version")
    return int(connection.execute(query).scalar_one())
