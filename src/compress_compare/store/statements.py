"""Compiled statements, shared by all projects that a process has opened: compiling takes longer than most queries."""

from __future__ import annotations

from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.util import LRUCache

_KEPT = 1_000


class _Shared(LRUCache[Any, Any]):
    """SQLAlchemy keeps a statement for one dialect object, of which each project has its own; here it is for all that
    would write it alike.
    """

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_alike(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_alike(key), value)


_SHARED = _Shared(_KEPT)


def sharing(engine: sa.Engine) -> sa.Engine:
    """The same connections, which compile a statement only if no others of this process have."""
    return engine.execution_options(compiled_cache=_SHARED)


def _alike(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *rest = key
    version, escapes = dialect.server_version_info, getattr(dialect, "_backslash_escapes", None)
    return dialect.name, dialect.driver, version, escapes, *rest


def kind(connection: sa.Connection) -> str:
    """The name of a kind of database and of its driver."""
    return f"{connection.dialect.name}+{connection.dialect.driver}"


def dialect(kind: str) -> sa.Dialect:
    """One that belongs to no connection."""
    return sa.make_url(f"{kind}://").get_dialect()()


@cache
def definitions(metadata: sa.MetaData, kind: str) -> tuple[str, ...]:
    """What makes all tables and their indexes in a database of this kind, in an order in which each can be made."""
    made = list[str]()

    def note(definition: sa.schema.ExecutableDDLElement, *_: object, **__: object) -> None:
        made.append(str(definition.compile(dialect=dialect(kind))))

    metadata.create_all(sa.create_mock_engine(f"{kind}://", note), checkfirst=False)
    return tuple(made)
