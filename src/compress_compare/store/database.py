"""The connection factory: many readers, one writer at a time over all threads and processes.

SQLite runs in WAL mode with synchronous FULL. Writers queue on a lock file, so none ever meets "database is locked".
This is the only file that knows which database is underneath.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa

from ..errors import StoreError
from . import location, migrations, schema
from .files import locked

BUSY_TIMEOUT_S = 30

Connection = sa.Connection
"""What is read and written through, for those outside who hand it on."""


class Database:
    """A project's database.

    Args:
        path: of the SQLite file; created, or brought to the newest schema version, when opened.
    """

    def __init__(self, path: Path) -> None:
        self._lock_path = path.with_name(location.WRITER_LOCK)
        self._thread_lock = threading.RLock()
        self._writing: sa.Connection | None = None
        self._readers = _engine(path, begin="BEGIN")
        self._writer = _engine(path, begin="BEGIN IMMEDIATE")
        try:
            with self._transaction() as connection:
                migrations.migrate(connection)
        except sa.exc.DatabaseError as error:
            self.close()
            raise corrupt(path.name, error) from error
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that sees one consistent state. Inside ``write`` it is the writing one."""
        if self._writing is not None and self._thread_lock.acquire(blocking=False):
            try:
                if self._writing is not None:
                    yield self._writing
                    return
            finally:
                self._thread_lock.release()
        with self._readers.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, *, counter: Literal["number", "jobs"] = "number") -> Iterator[sa.Connection]:
        """The writing connection: committed at the end, rolled back on an error. Nested uses join the outer one.

        Args:
            counter: which revision grows: that of the project, or that of its jobs.
        """
        with self._thread_lock:
            if self._writing is not None:
                yield self._writing
                return
            with self._transaction() as connection:
                self._writing = connection
                try:
                    yield connection
                    connection.execute(schema.revisions.update().values({counter: schema.revisions.c[counter] + 1}))
                finally:
                    self._writing = None

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with ExitStack() as stack:
            stack.enter_context(locked(self._lock_path))
            connection = stack.enter_context(self._writer.connect())
            stack.enter_context(connection.begin())
            yield connection

    def close(self) -> None:
        """Release all connections."""
        self._readers.dispose()
        self._writer.dispose()


def rows(connection: sa.Connection, query: sa.Select[Any]) -> list[tuple[Any, ...]]:
    """All rows as plain tuples straight from the driver, for bulk reads of numbers and text."""
    result = connection.execute(query)
    cursor = result.cursor
    fetched = list(cursor.fetchall()) if cursor is not None else []
    result.close()
    return fetched


def numbers(connection: sa.Connection, query: sa.Select[Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """All rows as one structured array, row by row: no list of tuples for the garbage collector to walk."""
    result = connection.execute(query)
    driver: Any = result.cursor
    found = np.fromiter(driver, dtype=dtype)
    result.close()
    return found


def corrupt(name: str, error: Exception) -> StoreError:
    """The error for a database file that SQLite cannot read."""
    cause = str(getattr(error, "orig", error))
    return StoreError(
        "store.corrupt",
        "The project database cannot be read.",
        detail=f"{name}: {cause}.",
        hint="Restore it from a backup; the files in objects/ are untouched.",
    )


def _engine(path: Path, begin: str) -> sa.Engine:
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_TIMEOUT_S})

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}").close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
