"""The database of a project: many readers, and one writer at a time over all threads and processes.

What both kinds of database do alike. Readers wait for nobody and write nothing. What goes wrong below comes out as a
sentence.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from operator import itemgetter
from pathlib import Path
from threading import RLock
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa

from . import schema, statements
from .lock import busy
from .storage import ProjectStorage

WAIT_S = 10.0
"""How long a writer waits for another one."""

Connection = sa.Connection
"""What is read and written through, for those outside who hand it on."""

Counter = Literal["number", "jobs"]
"""Which revision grows."""


class Database(ABC):
    """A project's database.

    Args:
        storage: the place of the project.
        wait: seconds that a writer waits for another one.
    """

    _readers: sa.Engine
    """Connections of which each sees one consistent state."""

    def __init__(self, storage: ProjectStorage, *, wait: float = WAIT_S) -> None:
        self.storage = storage
        self.wait = wait
        self._thread_lock = RLock()
        self._writing: sa.Connection | None = None
        self._undo: list[Callable[[], object]] = []

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
        with self._told(), self._readers.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, *, counter: Counter = "number", wait: float | None = None) -> Iterator[sa.Connection]:
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
                        self._announce(connection, counter)
                finally:
                    self._writing = None
                    self._undo.clear()

    def on_rollback(self, undo: Callable[[], object]) -> None:
        """Have something called, still under the lock, if what is being written now is not kept."""
        self._undo.append(undo)

    @abstractmethod
    def close(self) -> None:
        """Release all connections."""

    @abstractmethod
    def defer_foreign_keys(self, connection: sa.Connection) -> None:
        """Let what is written now refer to what comes later in the same transaction."""

    @abstractmethod
    def faults(self, connection: sa.Connection) -> list[str]:
        """A sentence for each fault of the database itself. Reads all of it."""

    @abstractmethod
    def rebuild_indexes(self, connection: sa.Connection) -> None:
        """Make indexes anew from the tables."""

    @abstractmethod
    def copy(self, connection: sa.Connection, path: Path) -> None:
        """Write what a connection sees into a new SQLite file."""

    @abstractmethod
    def wait_for_change(self, timeout: float) -> None:
        """Return when something may have been written by any process, or after so many seconds."""

    @abstractmethod
    def _told(self) -> AbstractContextManager[None]:
        """Turn what the database raises inside into sentences."""

    @abstractmethod
    def _transaction(self, wait: float | None = None) -> AbstractContextManager[sa.Connection]:
        """A transaction of the only writer; it waits for another one no longer than so many seconds."""

    def is_connected(self, _pid: int, _host: str) -> bool | None:
        """Whether a process of another machine is connected; None where nobody can say."""
        return None

    def _announce(self, connection: sa.Connection, counter: Counter) -> None:  # noqa: B027 - SQLite has no listeners
        """Tell those who listen that something is being written."""

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
    if not connection.execute(_one_more(counter)).rowcount:
        connection.execute(schema.revisions.insert().values({"number": 0, counter: 1}))


@cache
def _one_more(counter: str) -> sa.Update:
    table = schema.revisions
    return table.update().values({counter: table.c[counter] + 1})


def insert_rows(
    connection: sa.Connection, table: sa.Table, *, names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows of plain numbers and texts: by their place or by columns, whatever the driver is fastest with.

    Args:
        connection: that writes.
        table: what gets the rows.
        names: of the columns.
        rows: the values of each, in the order of the names.
    """
    if connection.dialect.positional:
        text, in_order = _by_place(statements.kind(connection), table, tuple(names))
        connection.exec_driver_sql(text, list(map(in_order, rows)))
    elif len(rows) < MANY:
        connection.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in rows])
    else:
        kinds = [table.c[name].type.python_type for name in names]
        columns = (
            [None if value is None else kind(value) for value in column]
            for kind, column in zip(kinds, zip(*rows, strict=True), strict=True)
        )
        connection.execute(_by_column(table, tuple(names)), {f"all_{k}": each for k, each in enumerate(columns)})


MANY = 32
"""Rows from which one array for each column is faster than a statement for each row, in PostgreSQL and its client."""


@cache
def _by_column(table: sa.Table, names: tuple[str, ...]) -> sa.Insert:
    arrays = [sa.bindparam(f"all_{k}", type_=sa.ARRAY(table.c[name].type)) for k, name in enumerate(names)]
    given = sa.func.unnest(*arrays).table_valued(*names).render_derived()
    return table.insert().from_select(list(names), sa.select(*given.c), include_defaults=False)


@cache
def _by_place(
    kind: str, table: sa.Table, names: tuple[str, ...]
) -> tuple[str, Callable[[Sequence[Any]], tuple[Any, ...]]]:
    """The statement, and what puts the values of a row in its order."""
    compiled: Any = table.insert().compile(dialect=statements.dialect(kind), column_keys=list(names))
    places = [names.index(name) for name in compiled.positiontup]
    return str(compiled), itemgetter(*places) if len(places) > 1 else tuple


def rows(
    connection: sa.Connection, query: sa.Select[Any], values: Mapping[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    """All rows as plain tuples straight from the driver, for bulk reads of numbers and text.

    Args:
        connection: that reads.
        query: what to read.
        values: of its parameters.
    """
    result = connection.execute(query, values)
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
