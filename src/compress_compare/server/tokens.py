"""Named tokens: who may use the servers of this user, as what, and until when. Only their hashes are kept.

They stand with the user who serves, never in a project: whoever sends a project would otherwise choose who may open it.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ..errors import Conflict, InvalidValue, NotFound, StoreError
from ..records import check_name
from ..store.files import lock, write_atomically
from ..store.user_folders import settings
from .roles import Role, role

FILE = "tokens.json"
PREFIX = "cct_"
"""What every token begins with, so that it is recognized where it should not be."""
_SPAN = re.compile(r"([1-9]\d{0,4})([hdwy])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class NamedToken:
    """What is known of a token. The token itself is not.

    Args:
        name: by which it is listed and revoked.
        user: who has it.
        role: what it may do.
        sha256: of the token.
        created: when, ISO 8601.
        expires: until when it is valid; ``None`` for ever.
        revoked: since when it is not valid any more.
    """

    name: str
    user: str
    role: Role
    sha256: str
    created: str
    expires: str | None = None
    revoked: str | None = None

    def state(self, now: datetime.datetime) -> str:
        """``valid``, ``expired`` or ``revoked``."""
        if self.revoked is not None:
            return "revoked"
        ended = self.expires is not None and datetime.datetime.fromisoformat(self.expires) <= now
        return "expired" if ended else "valid"


class Tokens:
    """The tokens that a user has made.

    Args:
        folder: where they are kept; that of this user's settings if not given.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or settings()
        self._seen: tuple[int, int, int] | None = None
        self._known: dict[str, NamedToken] = {}

    def create(self, name: str, kind: str, *, user: str = "", expires: str | None = None) -> str:
        """Make a token, and return it. It cannot be shown again.

        Args:
            name: that no valid token has.
            kind: its role.
            user: who has it; ``name`` if not given.
            expires: after how long it ends: ``12h``, ``30d``, ``8w``, ``1y``; ``None`` for never.

        Raises:
            InvalidValue: ``name.invalid``, ``token.role``, ``token.expires``.
            Conflict: ``token.exists``.
        """
        check_name(name, "token")
        now = _now()
        token = PREFIX + secrets.token_urlsafe(32)
        until = None if expires is None else (now + _span(expires)).isoformat()
        made = NamedToken(
            name, check_name(user or name, "user"), role(kind), digest(token), created=now.isoformat(), expires=until
        )
        with self._writing():
            known = self._read()
            if any(one.name == name and one.state(now) == "valid" for one in known):
                raise Conflict(
                    "token.exists", f"There is a token {name!r} already.", hint="Revoke it, or choose another name."
                )
            self._write([*known, made])
        return token

    def listed(self) -> list[NamedToken]:
        """All tokens, those that ended included, in the order in which they were made."""
        return self._read()

    def revoke(self, name: str) -> NamedToken:
        """End a token now, also for servers that are running.

        Raises:
            NotFound: ``token.unknown``.
        """
        now = _now()
        with self._writing():
            known = self._read()
            found = [one for one in known if one.name == name and one.state(now) == "valid"]
            if not found:
                raise NotFound(
                    "token.unknown",
                    f"There is no valid token {name[:80]!r}.",
                    hint="List them with: compress-compare token list",
                )
            ended = replace(found[0], revoked=now.isoformat())
            self._write([ended if one is found[0] else one for one in known])
        return ended

    def find(self, token: str) -> NamedToken | None:
        """What is known of a token, valid or not. The file is read again after every change."""
        return self.of_digest(digest(token))

    def of_digest(self, sha256: str) -> NamedToken | None:
        """What is known of the token with this hash."""
        try:
            status = (self._folder / FILE).stat()
        except OSError:
            self._seen, self._known = None, {}
            return None
        seen = (status.st_mtime_ns, status.st_size, status.st_ino)
        if seen != self._seen:
            self._known = {one.sha256: one for one in self._read()}
            self._seen = seen
        return self._known.get(sha256)

    def _read(self) -> list[NamedToken]:
        try:
            content = (self._folder / FILE).read_bytes()
        except FileNotFoundError:
            return []
        try:
            return [NamedToken(**one) for one in json.loads(content)["tokens"]]
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(
                "token.file",
                f"The file of the tokens, {FILE}, is damaged.",
                hint="Remove it from your settings; all tokens are then void.",
            ) from error

    def _write(self, tokens: list[NamedToken]) -> None:
        content = json.dumps({"tokens": [asdict(one) for one in tokens]}, indent=1)
        write_atomically(self._folder / FILE, content.encode())

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._folder / f"{FILE}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            lock(descriptor, wait=True)
            yield
        finally:
            os.close(descriptor)


def digest(token: str) -> str:
    """The hash under which a token is kept. It has 256 random bits, so that no slower hash is needed."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _span(text: str) -> datetime.timedelta:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise InvalidValue("token.expires", f"{text[:40]!r} is no length of time.", hint="Write 12h, 30d, 8w or 1y.")
    number = int(found[1])
    return (
        datetime.timedelta(days=365 * number) if found[2] == "y" else datetime.timedelta(**{_UNITS[found[2]]: number})
    )


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
