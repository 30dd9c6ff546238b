"""A project's tables in a schema of their own on PostgreSQL, beside those of other projects.

Readers see one snapshot each and wait for nobody. A writing transaction begins by taking the project's advisory lock,
which the server gives in the order of asking and takes back when its holder is gone; so writers of one project take
turns, and those of different projects do not meet.
"""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ..errors import Conflict, InvalidValue, MissingExtra, NotFound, StoreError
from . import migrations, schema
from .address import ARTIFACTS, ServerAddress
from .connections import create_private, writing
from .database import WAIT_S, Counter, Database
from .lock import busy
from .postgres_faults import told
from .statements import sharing
from .storage import ProjectStorage

CONNECT_S = 10
ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""Seconds and tries after which either side gives up one that has vanished, and with it its lock."""

POOLED = 5
MOST = 40
"""Connections of one process to one project: kept, and at most."""


class ServerDatabase(Database):
    """A project on a database server.

    Args:
        address: of the project.
        storage: the place on this machine.
        create: whether it may be made.
        wait: seconds that a writer waits for another one.

    Raises:
        NotFound: ``project.unknown``, ``store.no_database``.
        InvalidValue: ``project.artifacts`` if it is to be made and nothing says where its files go.
        Conflict: ``project.other_artifacts``.
        StoreError: ``store.*``.
    """

    def __init__(
        self, address: ServerAddress, storage: ProjectStorage, *, create: bool = True, wait: float = WAIT_S
    ) -> None:
        super().__init__(storage, wait=wait)
        self.address = address
        self.is_new = False
        self._listener: Any = None
        self._listening = threading.Lock()
        self._is_closed = False
        self._readers = engine(address, isolation="REPEATABLE READ", read_only=True)
        self._writer = engine(address, isolation="READ COMMITTED")
        sa.event.listen(self._writer, "connect", _durable)
        for connections in (self._readers, self._writer):
            sa.event.listen(connections.pool, "checkin", self._let_go)
        try:
            self.artifacts = self._prepare(create)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Release all connections."""
        self._is_closed = True
        self._readers.dispose()
        self._writer.dispose()
        self._stop_listening()

    def on_rollback(self, undo: Callable[[], object]) -> None:
        """Leave it to the garbage collector: with the connection the lock goes, and what is undone then may be what
        another writer has named meanwhile.
        """

    def _let_go(self, _: Any, record: Any) -> None:
        """Close a connection that another thread gives back after the project was closed."""
        if self._is_closed:
            record.close()

    def defer_foreign_keys(self, connection: sa.Connection) -> None:
        """Let what is written now refer to what comes later in the same transaction."""
        connection.exec_driver_sql("SET CONSTRAINTS ALL DEFERRED")

    def faults(self, connection: sa.Connection) -> list[str]:
        """A sentence for each table that cannot be read: the server itself compares checksums, if it keeps them."""
        found = []
        for table in schema.metadata.sorted_tables:
            try:
                with connection.begin_nested():
                    connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()
            except sa.exc.DBAPIError as error:
                found.append(f"The table {table.name!r} cannot be read: {type(error.orig).__name__}.")
        return found

    def rebuild_indexes(self, connection: sa.Connection) -> None:
        """Make indexes anew from the tables."""
        for table in schema.metadata.sorted_tables:
            connection.exec_driver_sql(f'REINDEX TABLE "{table.name}"')

    def copy(self, connection: sa.Connection, path: Path) -> None:
        """Write what a connection sees into a new SQLite file."""
        create_private(path)
        engine = writing(path)
        try:
            with engine.connect() as target, target.begin():
                migrations.migrate(target)
                target.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
                for table in schema.metadata.sorted_tables:
                    target.execute(table.delete())
                    query = sa.select(table)
                    if table is schema.meta:
                        query = query.where(table.c.name != ARTIFACTS)
                    found = [dict(row) for row in connection.execute(query).mappings()]
                    if found:
                        target.execute(table.insert(), found)
        finally:
            engine.dispose()

    def wait_for_change(self, timeout: float) -> None:
        """Return when something was written by any process, or after so many seconds.

        The first call after opening, or after a lost connection, returns at once: nobody listened before.
        """
        import psycopg

        try:
            listener = self._listener
            if listener is None:
                self._begin_to_listen()
                return
            for _ in listener.notifies(timeout=timeout, stop_after=1):
                pass
        except (psycopg.Error, OSError, ValueError):  # also where it is closed meanwhile
            self._stop_listening()
            time.sleep(min(timeout, 1.0))

    def _begin_to_listen(self) -> None:
        import psycopg

        parameters = self._readers.dialect.create_connect_args(self.address.url)[1]
        with self._listening:
            if self._listener is None and not self._is_closed:
                self._listener = psycopg.connect(**parameters, **_parameters(self.address), autocommit=True)
                self._listener.execute(f'LISTEN "{self.address.schema}"')
        if self._is_closed:  # in the meantime, by another thread
            self._stop_listening()

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()

    def is_connected(self, pid: int, host: str) -> bool:
        """Whether a process of any machine is connected. One that this user may not see could be that process."""
        query = sa.text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND (application_name = :name OR query = '<insufficient privilege>')"
        )
        with self.read() as connection:
            return bool(connection.execute(query, {"name": client_name(pid, host)}).scalar())

    def _announce(self, connection: sa.Connection, counter: Counter) -> None:
        connection.execute(sa.select(sa.func.pg_notify(self.address.schema, counter)))

    def _told(self) -> AbstractContextManager[None]:
        return told(self.address)

    @contextmanager
    def _transaction(self, wait: float | None = None) -> Iterator[sa.Connection]:
        with self._told(), self._writer.connect() as connection, connection.begin():
            self._take_turn(connection, self.wait if wait is None else wait)
            yield connection

    def _take_turn(self, connection: sa.Connection, wait: float) -> None:
        """Take the lock of the project's writers; the server takes it back at the end of the transaction."""
        key = lock_key(self.address.schema)
        if wait <= 0:
            if not connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(key))).scalar():
                raise busy(self._holder(key), wait)
            return
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {max(int(wait * 1000), 1)}")
        try:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
        except sa.exc.DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != "55P03":
                raise
            raise busy(self._holder(key), wait) from error

    def _holder(self, key: int) -> str:
        """Who has the lock, in words."""
        query = sa.text(
            "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
            "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid::bigint = :high "
            "AND l.objid::bigint = :low "
            "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        unsigned = key % (1 << 64)
        with self._readers.connect() as connection:
            name = connection.execute(query, {"high": unsigned >> 32, "low": unsigned % (1 << 32)}).scalar()
        return str(name) if name else "another process"

    def _prepare(self, create: bool) -> str:
        """Create the tables or bring them up, if that is needed at all; returns where the files are."""
        with self.read() as connection:
            is_new, needed = not _exists(connection), migrations.needed(connection)
            if not needed:
                return self._artifacts(connection)
        if is_new and not create:
            raise NotFound(
                "project.unknown",
                f"There is no project {self.address.project!r} in the database {self.address.url.database!r}.",
                hint="Make it with cc.open(url, artifacts=…) in Python.",
            )
        if self.storage.read_only:
            raise StoreError(
                "store.too_old",
                f"The project {self.address.project!r} was written by an older version, and is to be left as it is.",
                hint="Open it once for writing: that brings its tables up.",
            )
        if is_new and self.address.artifacts is None:
            raise InvalidValue(
                "project.artifacts",
                "A new project on a database server needs a place for its files.",
                hint="Say it once: cc.open(url, artifacts='s3://bucket/prefix'), or a folder that all can reach.",
            )
        with self._this_thread(), self._transaction() as connection:
            return self._migrated(connection)

    def _migrated(self, connection: sa.Connection) -> str:
        if not _exists(connection):
            if not connection.execute(sa.text("SELECT current_schema()")).scalar():
                connection.exec_driver_sql(f'CREATE SCHEMA "{self.address.schema}"')
            migrations.migrate(connection)
            for name, table in connection.execute(sa.text(_FOREIGN_KEYS)).all():
                connection.exec_driver_sql(f'ALTER TABLE {table} ALTER CONSTRAINT "{name}" DEFERRABLE')
            connection.execute(schema.meta.insert().values(name=ARTIFACTS, value=self.address.artifacts))
            self.is_new = True
        migrations.migrate(connection)
        return self._artifacts(connection)

    def _artifacts(self, connection: sa.Connection) -> str:
        query = sa.select(schema.meta.c.value).where(schema.meta.c.name == ARTIFACTS)
        known = str(connection.execute(query).scalar_one())
        if self.address.artifacts not in (None, known):
            raise Conflict(
                "project.other_artifacts",
                f"The files of the project {self.address.project!r} are elsewhere: {known}",
                hint="Leave artifacts out, or move the files there first.",
            )
        return known


_FOREIGN_KEYS = (
    "SELECT conname, conrelid::regclass::text FROM pg_constraint "
    "WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
)


def client_name(pid: int, host: str) -> str:
    """What the server knows a process by."""
    return f"process {pid} on {host}"[:63]


def lock_key(name: str) -> int:
    """The number of the lock of a schema, as a signed integer of 64 bits."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)


def _exists(connection: sa.Connection) -> bool:
    query = sa.text("SELECT to_regclass('meta') IS NOT NULL AND current_schema() IS NOT NULL")
    return bool(connection.execute(query).scalar())


def engine(address: ServerAddress, *, isolation: str, read_only: bool = False) -> sa.Engine:
    """Connections to a project's schema, made when they are needed.

    Raises:
        MissingExtra: if psycopg is not installed.
    """
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise MissingExtra("psycopg", purpose="A project on PostgreSQL", extra="postgres") from error
    made = sa.create_engine(
        address.url,
        connect_args=_parameters(address),
        isolation_level=isolation,
        pool_pre_ping=True,
        pool_size=POOLED,
        max_overflow=MOST - POOLED,
    )
    made = sharing(made)
    return made.execution_options(postgresql_readonly=True) if read_only else made


def _parameters(address: ServerAddress) -> dict[str, Any]:
    """What each connection says: the schema that is meant, who it is, and when a silent peer is given up."""
    said = {"search_path": f'"{address.schema}"', **{f"tcp_{name}": value for name, value in ALIVE.items()}}
    given = address.url.query.get("options", "")
    options = " ".join([str(given), *(f"-c {name}={value}" for name, value in said.items())]).strip()
    name = client_name(os.getpid(), socket.gethostname())
    return {"application_name": name, "connect_timeout": CONNECT_S, "options": options, **ALIVE}


def _durable(connection: Any, _: Any) -> None:
    """A commit that is acknowledged is on the disk, whatever the server's default is."""
    query = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    connection.execute(query)
    connection.commit()
