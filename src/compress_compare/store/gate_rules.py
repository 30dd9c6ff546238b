"""The rules of the project's gate, kept with it as they were written."""

from __future__ import annotations

import sqlalchemy as sa

from . import schema

NAME = "gate rules"
"""Of the row of ``meta``."""


def kept(connection: sa.Connection) -> str | None:
    """The text of the rules; ``None`` if none are kept."""
    found = connection.execute(sa.select(schema.meta.c.value).where(schema.meta.c.name == NAME)).scalar()
    return None if found is None else str(found)


def keep(connection: sa.Connection, text: str) -> None:
    """Keep rules in the place of those that were kept; an empty text keeps none."""
    connection.execute(schema.meta.delete().where(schema.meta.c.name == NAME))
    if text:
        connection.execute(schema.meta.insert().values(name=NAME, value=text))
