"""Other tools' SQLite files, read only and within bounds."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..errors import InvalidValue
from .files import head

MAGIC = b"SQLite format 3\0"
_STEPS = 10_000_000
_MAX_ROUNDS = 2_000
"""Times ``_STEPS`` instructions of SQLite: a file that takes more is not one that a tool has written."""


def is_database(path: Path) -> bool:
    """Whether a file begins as SQLite's do."""
    return path.is_file() and head(path, len(MAGIC)) == MAGIC


class OtherDatabase:
    """A database file that is only read.

    Args:
        connection: open and read-only.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.tables = frozenset(name for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'"))

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self._connection.execute(query, values).fetchall()

    def columns(self, table: str) -> frozenset[str]:
        """The names of a table's columns."""
        return frozenset(name for (name,) in self.rows("SELECT name FROM pragma_table_info(?)", table))


@contextmanager
def opened(path: Path) -> Iterator[OtherDatabase]:
    """Open a database, also one that another program writes or that lies on a medium that cannot be written.

    Raises:
        InvalidValue: ``import.database`` if it is damaged, cut or no database, also while it is read.
    """
    try:
        connection = _connected(path)
        try:
            yield OtherDatabase(connection)
        finally:
            connection.close()
    except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
        raise InvalidValue(
            "import.database",
            f"{path.name!r} cannot be read as a SQLite database.",
            detail=f"{error}"[:200],
            hint="Check that the file is complete; a copy of a running database needs its -wal file beside it.",
        ) from error


def _connected(path: Path) -> sqlite3.Connection:
    address = f"file:{quote(str(path.resolve()))}?mode=ro"
    # Of a database with a log that nobody has open, SQLite would make that log and its index beside it.
    is_quiet = head(path, 20)[18:20] == b"\2\2" and not path.resolve().with_name(f"{path.resolve().name}-wal").exists()
    connection = sqlite3.connect(f"{address}&immutable=1" if is_quiet else address, uri=True)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        connection = sqlite3.connect(f"{address}&immutable=1", uri=True)
    connection.execute("PRAGMA trusted_schema = OFF")
    rounds = [0]

    def stop() -> bool:
        rounds[0] += 1
        return rounds[0] > _MAX_ROUNDS

    connection.set_progress_handler(stop, _STEPS)
    return connection


def tables(path: Path) -> Set[str]:
    """The names of the tables in a file; none if it is no database or cannot be read."""
    if not is_database(path):
        return frozenset()
    try:
        with opened(path) as database:
            return database.tables
    except InvalidValue:
        return frozenset()
