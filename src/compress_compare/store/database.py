"""The connection factory: many readers, one writer at a time over all threads and processes.

SQLite runs in WAL mode with synchronous FULL. Writers queue on a lock file, so none ever meets "database is locked";
readers wait for nobody and write nothing. What goes wrong below comes out as a sentence.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa

from . import location, migrations, schema
from .connections import copied, create_private, reading, writing
from .faults import told
from .lock import WriterLock, busy
from .storage import ProjectStorage, writable

WAIT_S = 10.0
"""How long a writer waits for another one."""

Connection = sa.Connection
"""What is read and written through, for those outside who hand it on."""


class Database:
    """A project's database.

    Args:
        path: of the SQLite file; created, or brought to the newest schema version, when opened.
        storage: the place of the project; one that can be written as far as the system lets us, if not given.
        wait: seconds that a writer waits for another one.
    """

    def __init__(self, path: Path, storage: ProjectStorage | None = None, *, wait: float = WAIT_S) -> None:
        self.storage = storage or ProjectStorage(path.parent, read_only=not writable(path.parent, path.name))
        self.wait = wait
        self._path = path
        self._lock = WriterLock(path.with_name(location.WRITER_LOCK))
        self._thread_lock = RLock()
        self._writing: sa.Connection | None = None
        self._undo: list[Callable[[], object]] = []
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._readers = reading(path, self.storage)
        self._writer = writing(path)
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that sees one consistent state. Inside ``write`` it is the writing one.

        Raises:
            StoreError: ``store.corrupt``, ``storage.*``.
        """
        if self._writing is not None and self._thread_lock.acquire(blocking=False):
            try:
                if self._writing is not None:
                    yield self._writing
                    return
            finally:
                self._thread_lock.release()
        with told(self._path, self.storage), self._readers.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(
        self, *, counter: Literal["number", "jobs"] = "number", wait: float | None = None
    ) -> Iterator[sa.Connection]:
        """The writing connection: committed at the end, rolled back on an error. Nested uses join the outer one.

        What fails inside a nested use and is caught outside of it leaves the rest of the outer one as it is.

        Args:
            counter: which revision grows: that of the project, or that of its jobs.
            wait: seconds for another writer, if not those of this database.

        Raises:
            StoreError: ``store.busy``, ``store.read_only``, ``storage.*``.
        """
        self.storage.check()
        with self._this_thread(wait):
            if self._writing is not None:
                with self._undone(), self._writing.begin_nested():
                    yield self._writing
                return
            with self._transaction(wait) as connection:
                self._writing = connection
                try:
                    with self._undone():
                        yield connection
                        _count(connection, counter)
                finally:
                    self._writing = None
                    self._undo.clear()

    def on_rollback(self, undo: Callable[[], object]) -> None:
        """Have something called, still under the lock, if what is being written now is not kept."""
        self._undo.append(undo)

    def close(self) -> None:
        """Release all connections."""
        self._readers.dispose()
        self._writer.dispose()
        if self._copy is not None:
            self._copy.cleanup()

    def _prepare(self) -> None:
        """Create the tables or bring them up, if that is needed at all: opening a project waits for no writer."""
        if self._path.exists() and self._path.stat().st_size:
            with self.read() as connection:
                if not migrations.needed(connection):
                    return
                if self.storage.read_only:
                    self._read_copy(connection)
                    return
        self.storage.check()
        create_private(self._path)
        with self._this_thread(), self._transaction() as connection:
            migrations.migrate(connection)

    def _read_copy(self, connection: sa.Connection) -> None:
        """Read an older project that may not be written from a copy of its database, which is brought up instead."""
        self._copy = tempfile.TemporaryDirectory(prefix="compress-compare-", ignore_cleanup_errors=True)
        path = Path(self._copy.name) / self._path.name
        copied(connection, path)
        engine = writing(path)
        with engine.connect() as own, own.begin():
            migrations.migrate(own)
        engine.dispose()
        self._readers.dispose()
        self._readers = reading(path, ProjectStorage(path.parent))

    @contextmanager
    def _this_thread(self, wait: float | None = None) -> Iterator[None]:
        wait = self.wait if wait is None else wait
        if not self._thread_lock.acquire(timeout=wait):
            raise busy("another thread of this process", wait)
        try:
            yield
        finally:
            self._thread_lock.release()

    @contextmanager
    def _transaction(self, wait: float | None = None) -> Iterator[sa.Connection]:
        with (
            told(self._path, self.storage),
            self._lock.held(self.wait if wait is None else wait),
            self._writer.connect() as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def _undone(self) -> Iterator[None]:
        """Undo what was registered inside, if that fails. A failed commit is not undone: it may have succeeded."""
        known = len(self._undo)
        try:
            yield
        except BaseException:
            while len(self._undo) > known:
                self._undo.pop()()
            raise


def _count(connection: sa.Connection, counter: str) -> None:
    table = schema.revisions
    if not connection.execute(table.update().values({counter: table.c[counter] + 1})).rowcount:
        connection.execute(table.insert().values({"number": 0, counter: 1}))


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
