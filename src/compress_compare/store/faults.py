"""What SQLite reports, in sentences: a full disk is not a corrupt project."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from ..errors import StoreError
from .lock import busy
from .storage import RESERVE, ProjectStorage, not_writable

FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
SYNC = (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC)
LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
UNREACHABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM)


@contextmanager
def told(path: Path, storage: ProjectStorage) -> Iterator[None]:
    """Turn what SQLite raises inside into sentences.

    Args:
        path: of the database.
        storage: the place of its project.

    Raises:
        StoreError: ``store.corrupt``, ``store.busy``, ``store.read_only``.
        StorageError: ``storage.full``, ``storage.failed``, ``storage.sync_failed``.
    """
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        if not isinstance(cause, sqlite3.Error):
            raise
        found = _sentence(path, storage, cause)
        if found is None:
            raise
        raise found from error
    except OSError as error:
        raise storage.failure(error.errno, error) from error


def corrupt(name: str, cause: object) -> StoreError:
    """The error for a database file that SQLite cannot read."""
    return StoreError(
        "store.corrupt",
        "The project database cannot be read.",
        detail=f"{name}: {cause}.",
        hint="Restore it from a backup; the files in objects/ are untouched.",
    )


def code_of(error: sqlite3.Error) -> int:
    """The extended result code; 0 where there is none."""
    return getattr(error, "sqlite_errorcode", 0) or 0


def _sentence(path: Path, storage: ProjectStorage, error: sqlite3.Error) -> StoreError | None:
    code = code_of(error)
    kind = code & 0xFF
    if code in SYNC:
        return storage.sync_failed()
    if code in FULL:
        return storage.full(RESERVE)
    if kind in LOCKED:
        return busy("another program", 0)
    if kind == sqlite3.SQLITE_READONLY:
        return not_writable(storage.root)
    if kind in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        return _unreachable(path, storage, error)
    missing = kind == sqlite3.SQLITE_ERROR and str(error).startswith(("no such table", "no such column", "malformed"))
    return corrupt(path.name, error) if kind in CORRUPT or missing else None


def _unreachable(path: Path, storage: ProjectStorage, error: sqlite3.Error) -> StoreError:
    """SQLite does not say what the system said; room for a small write tells the most frequent cause."""
    if storage.free() < RESERVE or code_of(error) == sqlite3.SQLITE_IOERR_WRITE:
        return storage.full(RESERVE)
    found = storage.failure(errno.EIO, error)
    if isinstance(found, StoreError):
        found.detail = f"{path.name}: {error}."
        return found
    return corrupt(path.name, error)
