"""The keys that open the server: its own token, named ones, and the cookies that stand for them in a browser."""

from __future__ import annotations

import datetime
import hmac
import secrets
import time

from starlette.datastructures import Headers
from starlette.types import Scope

from .identity import Identity, ProxyIdentity, Unauthorized, owner
from .tokens import NamedToken, Tokens

MIN_TOKEN = 22
"""Characters of URL-safe base64 that hold 128 bits."""
INVITATION_S = 60.0
MAX_SESSIONS = 10_000
"""Of named tokens; the oldest one ends when there are more."""


def new_token() -> str:
    """A fresh token of 256 random bits."""
    return secrets.token_urlsafe(32)


class Keys:
    """Who may enter, and the cookies that stand for tokens in a browser until they end or the server does.

    Args:
        token: of whoever started the server: at least 128 bits as URL-safe base64.
        port: part of the cookie's name, since browsers share cookies between ports.
        named: the named tokens; none if not given.
        proxy: how a proxy says who calls; no proxy is believed if not given.

    Raises:
        ValueError: if the token is too short.
    """

    def __init__(
        self, token: str, port: int, *, named: Tokens | None = None, proxy: ProxyIdentity | None = None
    ) -> None:
        if len(token) < MIN_TOKEN:
            raise ValueError(f"A token needs at least {MIN_TOKEN} characters, so that it can hold 128 bits.")
        self.token = token
        self._owner = owner()
        self._named = named
        self._proxy = proxy
        self._session = new_token()
        self._sessions: dict[str, str] = {}
        self._invitation: tuple[str, float] | None = None
        self.cookie = f"compress_compare_{port}"

    @property
    def session(self) -> str:
        """The cookie's value for the server's own token. It is not the token, and tells nothing about it."""
        return self._session

    def secrets(self) -> list[str]:
        """All that must not be told."""
        return [self.token, self._session, *self._sessions]

    def session_of(self, identity: Identity) -> str:
        """A cookie's value that stands for a caller."""
        if not identity.sha256:
            return self._session
        value = new_token()
        self._sessions[value] = identity.sha256
        while len(self._sessions) > MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        return value

    def end_sessions(self, identity: Identity | None = None) -> None:
        """Make the cookies given out so far for a caller worthless; of the server's own token if not given."""
        if identity is None or not identity.sha256:
            self._session = new_token()
        else:
            self._sessions = {value: one for value, one in self._sessions.items() if one != identity.sha256}

    def invitation(self) -> str:
        """A key for one page load within a minute, for the browser's command line, which every user may see."""
        self._invitation = (new_token(), time.monotonic() + INVITATION_S)
        return self._invitation[0]

    def opens(self, key: str) -> Identity | None:
        """Whom this token, or the invitation, which then is used up, lets in.

        Raises:
            Unauthorized: ``auth.expired``, ``auth.revoked``.
        """
        if (found := self._by_token(key)) is not None:
            return found
        if self._invitation is None or not _same(key, self._invitation[0]):
            return None
        _, until = self._invitation
        self._invitation = None
        return self._owner if time.monotonic() < until else None

    def identify(self, scope: Scope) -> Identity | None:
        """Who calls, by a token as bearer, by what a proxy says, or by the session's cookie.

        Raises:
            Unauthorized: ``auth.expired``, ``auth.revoked`` for a token that is not valid any more; ``auth.proxy``,
                ``auth.unknown_user`` for an identity that is not believed.
        """
        headers = Headers(scope=scope)
        named = None if self._proxy is None else self._proxy.identify(scope)
        bearers = [value[7:] for value in headers.getlist("authorization") if value[:7].lower() == "bearer "]
        if bearers:
            return self._by_token(bearers[0]) if len(bearers) == 1 else None
        if named is not None:
            return named
        for value in _cookies(headers, self.cookie):
            if _same(value, self._session):
                return self._owner
            if (found := self._by_session(value)) is not None:
                return found
        return None

    def _by_token(self, key: str) -> Identity | None:
        if _same(key, self.token):
            return self._owner
        known = None if self._named is None else self._named.find(key)
        return None if known is None else _valid(known)

    def _by_session(self, value: str) -> Identity | None:
        sha256 = self._sessions.get(value)
        known = None if sha256 is None or self._named is None else self._named.of_digest(sha256)
        try:
            return None if known is None else _valid(known)
        except Unauthorized:
            del self._sessions[value]
            return None


def _valid(known: NamedToken) -> Identity:
    state = known.state(datetime.datetime.now(datetime.UTC))
    if state != "valid":
        since = known.revoked if state == "revoked" else known.expires
        raise Unauthorized(
            f"auth.{state}",
            f"The token {known.name!r} is {state}.",
            detail=f"Since {(since or '')[:16].replace('T', ' ')} UTC.",
            hint="Ask whoever runs the server for a new one: compress-compare token create",
        )
    return Identity(known.user, known.name, known.role, known.sha256)


def _cookies(headers: Headers, name: str) -> list[str]:
    pairs = (pair.strip().partition("=") for line in headers.getlist("cookie") for pair in line.split(";"))
    return [value for key, _, value in pairs if key == name]


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
