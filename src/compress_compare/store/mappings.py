"""What the columns of imported tables are, kept with the project: text by the names of the columns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

import sqlalchemy as sa

from . import schema


def _name(columns: Iterable[str]) -> str:
    """The row of ``meta`` for tables with these columns, in any order."""
    return f"mapping {hashlib.sha256(json.dumps(sorted(columns)).encode()).hexdigest()}"


def kept(connection: sa.Connection, columns: Iterable[str]) -> str | None:
    """What was kept for tables with these columns."""
    query = sa.select(schema.meta.c.value).where(schema.meta.c.name == _name(columns))
    found = connection.execute(query).scalar()
    return None if found is None else str(found)


def keep(connection: sa.Connection, columns: Iterable[str], *, text: str) -> None:
    """Keep it, in the place of what was kept for these columns."""
    name = _name(columns)
    connection.execute(schema.meta.delete().where(schema.meta.c.name == name))
    connection.execute(schema.meta.insert().values(name=name, value=text))
