"""A project's database in one SQLite file.

SQLite runs in WAL mode with synchronous FULL. Writers queue on a lock file, so none ever meets "database is locked".
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import sqlalchemy as sa

from . import location, migrations
from .connections import copied, create_private, reading, writing
from .database import WAIT_S, Database
from .faults import told
from .lock import WriterLock
from .storage import ProjectStorage, writable

POLL_S = 0.25


class EmbeddedDatabase(Database):
    """A database in a file.

    Args:
        path: of the SQLite file; created, or brought to the newest schema version, when opened.
        storage: the place of the project; one that can be written as far as the system lets us, if not given.
        wait: seconds that a writer waits for another one.
    """

    def __init__(self, path: Path, storage: ProjectStorage | None = None, *, wait: float = WAIT_S) -> None:
        super().__init__(
            storage or ProjectStorage(path.parent, read_only=not writable(path.parent, path.name)), wait=wait
        )
        self._path = path
        self._lock = WriterLock(path.with_name(location.WRITER_LOCK))
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._readers = reading(path, self.storage)
        self._writer = writing(path)
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Release all connections."""
        self._readers.dispose()
        self._writer.dispose()
        if self._copy is not None:
            self._copy.cleanup()

    def defer_foreign_keys(self, connection: sa.Connection) -> None:
        """Let what is written now refer to what comes later in the same transaction."""
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")

    def faults(self, connection: sa.Connection) -> list[str]:
        """What SQLite finds when it reads the whole file."""
        return [line for line in connection.exec_driver_sql("PRAGMA integrity_check").scalars() if line != "ok"]

    def rebuild_indexes(self, connection: sa.Connection) -> None:
        """Make indexes anew from the tables."""
        connection.exec_driver_sql("REINDEX")

    def copy(self, connection: sa.Connection, path: Path) -> None:
        """Write what a connection sees into a new SQLite file."""
        copied(connection, path)

    def wait_for_change(self, timeout: float) -> None:
        """Wait a little: a file tells nobody, and its readers look again."""
        time.sleep(min(timeout, POLL_S))

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
        self.storage.let_read(self._path)
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

    def _told(self) -> AbstractContextManager[None]:
        return told(self._path, self.storage)

    @contextmanager
    def _transaction(self, wait: float | None = None) -> Iterator[sa.Connection]:
        with (
            self._told(),
            self._lock.held(self.wait if wait is None else wait),
            self._writer.connect() as connection,
            connection.begin(),
        ):
            yield connection
