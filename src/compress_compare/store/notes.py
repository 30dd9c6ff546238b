"""Tags and notes."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from .. import checks
from ..records import check_name
from . import origin, schema
from .database import rows
from .drafts import check_note


def set_tags(connection: sa.Connection, key: int, tags: Iterable[str]) -> None:
    """Replace the tags of a model; repeated ones count once."""
    unique = list(dict.fromkeys(check_name(tag, "tag") for tag in checks.texts(tags, "Tags")))
    connection.execute(schema.tags.delete().where(schema.tags.c.model_key == key))
    if unique:
        values = [{"model_key": key, "tag": tag, "position": i} for i, tag in enumerate(unique)]
        connection.execute(schema.tags.insert(), values)


def set_note(connection: sa.Connection, key: int, text: str) -> None:
    """Replace the note of a model; an empty text removes it."""
    connection.execute(schema.notes.delete().where(schema.notes.c.model_key == key))
    if check_note(text):
        connection.execute(
            schema.notes.insert().values(model_key=key, text=text, origin_key=origin.key_of_now(connection))
        )


def tags_by_model(connection: sa.Connection) -> dict[int, list[str]]:
    """The tags of every tagged model by model key."""
    table = schema.tags
    query = sa.select(table.c.model_key, table.c.tag).order_by(table.c.model_key, table.c.position)
    found: dict[int, list[str]] = {}
    for key, tag in rows(connection, query):
        found.setdefault(key, []).append(tag)
    return found


def tags_of(connection: sa.Connection, key: int) -> tuple[str, ...]:
    """The tags of one model in the order given."""
    table = schema.tags
    query = sa.select(table.c.tag).where(table.c.model_key == key).order_by(table.c.position)
    return tuple(tag for (tag,) in rows(connection, query))


def note_of(connection: sa.Connection, key: int) -> str:
    """The note of one model, or an empty text."""
    return str(connection.execute(sa.select(schema.notes.c.text).where(schema.notes.c.model_key == key)).scalar() or "")
