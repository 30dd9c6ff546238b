"""Schema versions. A new database has the newest one; an older file is brought up by the ordered functions below.

The list is append-only: a released migration never changes. Each runs in the transaction that also records its version.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from ..errors import StoreError
from . import garbage, schema, second_schema, statements

Migration = Callable[[sa.Connection], None]

FIRST_VERSION = 1
MIGRATIONS: tuple[Migration, ...] = (second_schema.migrate,)
"""``MIGRATIONS[i]`` brings version ``i + 1`` to version ``i + 2``."""

TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
}
"""How a database is asked for the names of its tables."""


def newest_version() -> int:
    """The version that this code reads and writes."""
    return FIRST_VERSION + len(MIGRATIONS)


def needed(connection: sa.Connection) -> bool:
    """Whether ``migrate`` has anything to do.

    Raises:
        StoreError: ``store.too_new``, or ``store.corrupt`` for a database that is not ours.
    """
    names = set(connection.exec_driver_sql(TABLES[connection.dialect.name]).scalars())
    if schema.meta.name not in names:
        if names:
            raise _unknown(f"It has other tables, for example {min(names)!r:.80}.")
        return True
    return _known_version(connection) < newest_version()


def migrate(connection: sa.Connection) -> None:
    """Create the tables, or bring an older database to the newest version.

    Raises:
        StoreError: as `needed`.
    """
    if not needed(connection):
        return
    if not sa.inspect(connection).has_table(schema.meta.name):
        for definition in statements.definitions(schema.metadata, statements.kind(connection)):
            connection.exec_driver_sql(definition)
        connection.execute(schema.revisions.insert().values(number=0))
        connection.execute(schema.meta.insert().values(name="schema_version", value=str(newest_version())))
        garbage.looked(connection)
        return
    version = current_version(connection)
    for migration in MIGRATIONS[version - FIRST_VERSION :]:
        migration(connection)
        version += 1
        connection.execute(
            schema.meta.update().where(schema.meta.c.name == "schema_version").values(value=str(version))
        )


def current_version(connection: sa.Connection) -> int:
    """The version recorded in the database.

    Raises:
        StoreError: ``store.corrupt`` if there is none.
    """
    query = sa.select(schema.meta.c.value).where(schema.meta.c.name == "schema_version")
    found = connection.execute(query).scalar()
    if not isinstance(found, str) or not found.isascii() or not found.isdigit() or int(found) < FIRST_VERSION:
        raise _unknown("It does not say which version of the schema it has.")
    return int(found)


def _known_version(connection: sa.Connection) -> int:
    version = current_version(connection)
    if version > newest_version():
        raise StoreError(
            "store.too_new",
            "This project was written by a newer version of Compress and Compare.",
            detail=f"Its schema has version {version}; this installation knows up to {newest_version()}.",
            hint="Update with: pip install --upgrade compress-compare",
        )
    return version


def _unknown(detail: str) -> StoreError:
    return StoreError(
        "store.corrupt",
        "The project database is not one of Compress and Compare, or it is damaged.",
        detail=detail,
        hint="Restore it from a backup; the files in objects/ are untouched.",
    )
