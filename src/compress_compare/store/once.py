"""Calls that are done exactly once: the answer is kept with what was written, and given again to whoever repeats it."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ..errors import Conflict
from . import schema
from .models import now

PREFIX = "call/"
"""Of their names in the table ``meta``."""
KEPT = 20_000
"""Calls that are remembered; when there are more, the older half is forgotten."""
LOOK = 256
"""Of so many calls, one looks how many there are."""


@dataclass
class Once:
    """One call.

    Args:
        is_new: whether it has not been done before.
        answer: what was answered, or what is to be kept, as JSON data.
    """

    is_new: bool
    answer: Any = None


def find(connection: sa.Connection, key: str, *, fingerprint: str) -> Once:
    """What is known of a call.

    Raises:
        Conflict: ``state.idempotency`` if another call had this key.
    """
    table = schema.meta
    found = connection.execute(sa.select(table.c.value).where(table.c.name == PREFIX + key)).scalar()
    if found is None:
        return Once(is_new=True)
    _, known, answer = found.split("|", 2)
    if known != fingerprint:
        raise Conflict(
            "state.idempotency", "Another call was made with this key before.", hint="Choose a new key for each call."
        )
    return Once(is_new=False, answer=json.loads(answer))


def keep(connection: sa.Connection, key: str, *, fingerprint: str, answer: Any) -> None:
    """Remember what a call was answered."""
    table = schema.meta
    value = f"{now()}|{fingerprint}|{json.dumps(answer, ensure_ascii=False)}"
    connection.execute(table.insert().values(name=PREFIX + key, value=value))
    if zlib.crc32(key.encode()) % LOOK:  # counting reads all of them
        return
    mine = table.c.name.startswith(PREFIX, autoescape=True)
    if (connection.execute(sa.select(sa.func.count()).where(mine)).scalar() or 0) > KEPT:
        middle = connection.execute(
            sa.select(table.c.value).where(mine).order_by(table.c.value).offset(KEPT // 2).limit(1)
        )
        connection.execute(table.delete().where(mine, table.c.value < middle.scalar_one()))
