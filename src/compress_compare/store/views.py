"""Named views of the page: the part of its address that restores one."""

from __future__ import annotations

import sqlalchemy as sa

from ..errors import InvalidValue, NotFound
from ..records import check_name
from . import history, schema
from .database import rows
from .history import Made

PREFIX = "view/"
"""Of their names in the table ``meta``."""
LONGEST = 200_000
"""Characters of an address: a selection of thousands of models."""
MOST = 500


def listed(connection: sa.Connection) -> dict[str, str]:
    """The address of each view by name, sorted by name."""
    table = schema.meta
    query = sa.select(table.c.name, table.c.value).where(table.c.name.startswith(PREFIX, autoescape=True))
    return dict(sorted((name.removeprefix(PREFIX), value) for name, value in rows(connection, query)))


def save(connection: sa.Connection, name: str, address: str) -> None:
    """Keep an address under a name; one of that name is replaced.

    Args:
        name: 1–256 characters.
        address: what follows the page's own address: ``#/overview?…``.

    Raises:
        InvalidValue: ``name.invalid``; ``view.address`` if it is none of the page's; ``view.too_many``.
    """
    check_name(name, "view")
    if not address.startswith("#/") or len(address) > LONGEST:
        raise InvalidValue(
            "view.address", f"The address of a view starts with '#/' and has at most {LONGEST:,} characters."
        )
    others = listed(connection).keys() - {name}
    if len(others) >= MOST:
        raise InvalidValue("view.too_many", f"A project keeps at most {MOST} views.", hint="Delete one first.")
    _delete(connection, name)
    connection.execute(schema.meta.insert().values(name=PREFIX + name, value=address))
    history.record(connection, Made("save view", {}, {}, {"view": name}, undoable=False))


def delete(connection: sa.Connection, name: str) -> None:
    """Forget a view.

    Raises:
        NotFound: ``view.unknown``.
    """
    if not _delete(connection, name):
        raise NotFound("view.unknown", f"There is no view {name[:80]!r} in this project.")
    history.record(connection, Made("delete view", {}, {}, {"view": name}, undoable=False))


def _delete(connection: sa.Connection, name: str) -> int:
    return connection.execute(schema.meta.delete().where(schema.meta.c.name == PREFIX + name)).rowcount
