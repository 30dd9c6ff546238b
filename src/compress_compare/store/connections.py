"""How connections to SQLite are made: for writing, for reading, and for reading where nothing may be written."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

from .faults import FULL, UNREACHABLE, code_of
from .statements import sharing
from .storage import ProjectStorage

BUSY_TIMEOUT_S = 10


def create_private(path: Path) -> None:
    """Make an empty database file that only its owner may read, unless there is one; SQLite's own follow its mode."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def writing(path: Path) -> sa.Engine:
    """Connections that write, in transactions that begin by taking SQLite's own lock."""
    return _engine(lambda: _usual(path), begin="BEGIN IMMEDIATE")


def reading(path: Path, storage: ProjectStorage) -> sa.Engine:
    """Connections that read. Where SQLite has no room for the files that it shares between processes, or may not write
    them, each reads what is there without them.
    """
    if storage.read_only:
        return _engine(lambda: _bare(path), begin="BEGIN", pool=sa.pool.NullPool)
    return _engine(lambda: _somehow(path), begin="BEGIN")


def copied(connection: sa.Connection, path: Path) -> None:
    """Write what a connection sees into a new database file."""
    source = connection.connection.driver_connection
    create_private(path)
    target = sqlite3.connect(path)
    try:
        if isinstance(source, sqlite3.Connection):
            source.backup(target)
    finally:
        target.close()


def _engine(
    connect: Callable[[], sqlite3.Connection], *, begin: str, pool: type[sa.Pool] = sa.pool.QueuePool
) -> sa.Engine:
    engine = sharing(sa.create_engine("sqlite://", creator=connect, poolclass=pool))

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _usual(path: Path) -> sqlite3.Connection:
    return _opened(
        f"{_uri(path)}?mode=rw", ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY")
    )


def _somehow(path: Path) -> sqlite3.Connection:
    try:
        return _usual(path)
    except sqlite3.Error as error:
        if not _is_place(error):
            raise
    return _bare(path)


def _bare(path: Path) -> sqlite3.Connection:
    """A connection for one read that leaves nothing behind."""
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or not log.stat().st_size:
        return _opened(f"{_uri(path)}?immutable=1", ("query_only=ON",))
    try:
        return _opened(f"{_uri(path)}?mode=ro", ("query_only=ON",))
    except sqlite3.Error as error:
        if not _is_place(error):
            raise
    return _copied(path, log)


def _copied(path: Path, log: Path) -> sqlite3.Connection:
    """What a killed writer has left in its log is read from a copy elsewhere."""
    with tempfile.TemporaryDirectory(prefix="compress-compare-") as folder:
        for one in (path, log):
            shutil.copyfile(one, Path(folder) / one.name)
        source = _opened(f"{_uri(Path(folder) / path.name)}?mode=rw", ())
        copy = sqlite3.connect(":memory:", check_same_thread=False)
        source.backup(copy)
        source.close()
    copy.isolation_level = None
    return copy


def _opened(uri: str, pragmas: tuple[str, ...]) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri,
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        for pragma in (*pragmas, "schema_version"):
            connection.execute(f"PRAGMA {pragma}").close()
    except BaseException:
        connection.close()
        raise
    return connection


def _uri(path: Path) -> str:
    return f"file:{quote(str(path))}"


def _is_place(error: sqlite3.Error) -> bool:
    """Whether it is the place that is at fault, and not what stands there."""
    return code_of(error) in FULL or code_of(error) & 0xFF in UNREACHABLE
