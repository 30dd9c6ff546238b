"""What PostgreSQL reports, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from ..errors import Conflict, InvalidValue, NotFound, StorageError, StoreError, UserError
from .address import ServerAddress
from .lock import busy

LOST = ("08", "57P")
"""Classes of codes for a server that went away."""


@contextmanager
def told(address: ServerAddress) -> Iterator[None]:
    """Turn what PostgreSQL raises inside into sentences.

    Raises:
        StoreError: ``store.unreachable``, ``store.denied``, ``store.lost``, ``store.busy``, ``store.corrupt``,
            ``store.read_only``, ``store.many_connections``.
        StorageError: ``storage.full``.
        NotFound: ``store.no_database``.
    """
    try:
        yield
    except sa.exc.TimeoutError as error:
        raise _many(address) from error
    except (sa.exc.DBAPIError, UnicodeEncodeError) as error:
        found = sentence(address, error)
        if found is None:
            raise
        raise found from error


def sentence(address: ServerAddress, error: Exception) -> UserError | None:
    """The sentence for an error; None for one that is a mistake of ours."""
    if isinstance(error, UnicodeEncodeError):
        return InvalidValue("text.unicode", "A text holds half of a sign, which cannot be stored.")
    cause = getattr(error, "orig", error)
    code, words = getattr(cause, "sqlstate", None) or "", str(cause)
    if code == "55P03":
        return busy("another program", 0)
    if code in ("53100", "53200"):
        return StorageError("storage.full", f"The database server {address.server} has no room.", detail=_first(words))
    if code == "53300" or "too many clients" in words or "remaining connection slots" in words:
        return _many(address)
    if code == "25006":
        return _read_only(address, "The server takes no writes: it is a copy of another one.")
    if code == "42501":
        return _read_only(address, _first(words))
    if code in ("42P01", "42703", "3F000", "XX001", "XX002"):
        return StoreError(
            "store.corrupt",
            "The tables of this project are damaged.",
            detail=_first(words),
            hint="Restore the database from a backup; stored files are untouched.",
        )
    if "NUL" in words and not code:
        return InvalidValue("text.nul", "A text holds a NUL, which cannot be stored.")
    if code in ("40001", "40P01"):
        return Conflict("store.conflict", "Another writer came in between.", hint="Do it again.")
    if not code and "connection failed" in words:
        return _not_connected(address, words)
    if code.startswith(LOST) or getattr(error, "connection_invalidated", False) or (not code and _is_lost(cause)):
        return StoreError(
            "store.lost",
            f"The connection to the database server {address.server} was lost.",
            detail="Whether the last write was stored is not known.",
            hint="Do the same again: what is there already changes nothing.",
        )
    return None


def _not_connected(address: ServerAddress, words: str) -> UserError:
    user = address.url.username or "this user"
    if "no password supplied" in words:
        return StoreError(
            "store.denied",
            f"The database server {address.server} asks for a password.",
            hint="Put it into the environment variable PGPASSWORD, or into the file ~/.pgpass.",
        )
    if "authentication failed" in words or "no pg_hba.conf entry" in words:
        return StoreError(
            "store.denied",
            f"The database server {address.server} does not let {user!r:.80} in.",
            detail=_first(words),
            hint="Check user and password.",
        )
    if f'database "{address.url.database}" does not exist' in words:
        return NotFound(
            "store.no_database",
            f"There is no database {address.url.database!r:.80} on {address.server}.",
            hint=f"Make it there with: createdb {address.url.database}",
        )
    return StoreError(
        "store.unreachable",
        f"The database server {address.server} cannot be reached.",
        detail=_first(words),
        hint="Check the address, and whether the server runs.",
    )


def _is_lost(cause: object) -> bool:
    return type(cause).__name__ == "OperationalError"


def _read_only(address: ServerAddress, detail: str) -> StoreError:
    return StoreError(
        "store.read_only",
        f"The project {address.project!r} can only be read by this user.",
        detail=detail,
        hint="Ask for the right to write, or open it with read_only=True.",
    )


def _many(address: ServerAddress) -> StoreError:
    return StoreError(
        "store.many_connections",
        f"The database server {address.server} takes no more connections.",
        hint="Close some, or allow more there: max_connections.",
    )


def _first(words: str) -> str:
    """The first line of what the server says, without the address in front."""
    line = next(iter(words.strip().splitlines()), "")
    return line.removeprefix("connection failed: ")[:300]
