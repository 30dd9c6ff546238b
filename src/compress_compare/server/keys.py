"""The token that opens the server, and the cookie that stands for it in a browser."""

from __future__ import annotations

import hmac
import secrets
import time

from starlette.datastructures import Headers

MIN_TOKEN = 22
"""Characters of URL-safe base64 that hold 128 bits."""
INVITATION_S = 60.0


def new_token() -> str:
    """A fresh token of 256 random bits."""
    return secrets.token_urlsafe(32)


class Keys:
    """The token, and the cookie value that stands for it in a browser until the end of the sessions or of the server.

    Args:
        token: at least 128 bits as URL-safe base64.
        port: part of the cookie's name, since browsers share cookies between ports.

    Raises:
        ValueError: if the token is too short.
    """

    def __init__(self, token: str, port: int) -> None:
        if len(token) < MIN_TOKEN:
            raise ValueError(f"A token needs at least {MIN_TOKEN} characters, so that it can hold 128 bits.")
        self.token = token
        self._session = new_token()
        self._invitation: tuple[str, float] | None = None
        self.cookie = f"compress_compare_{port}"

    @property
    def session(self) -> str:
        """The cookie's value. It is not the token, and tells nothing about it."""
        return self._session

    def end_sessions(self) -> None:
        """Make all cookies given out so far worthless."""
        self._session = new_token()

    def invitation(self) -> str:
        """A key for one page load within a minute, for the browser's command line, which every user may see."""
        self._invitation = (new_token(), time.monotonic() + INVITATION_S)
        return self._invitation[0]

    def opens(self, key: str) -> bool:
        """Whether this is the token, or the invitation, which then is used up."""
        if _same(key, self.token):
            return True
        if self._invitation is None or not _same(key, self._invitation[0]):
            return False
        _, until = self._invitation
        self._invitation = None
        return time.monotonic() < until

    def admits(self, headers: Headers) -> bool:
        """Whether a request carries the token as bearer, or the session's cookie."""
        bearers = [value[7:] for value in headers.getlist("authorization") if value[:7].lower() == "bearer "]
        if bearers:
            return len(bearers) == 1 and _same(bearers[0], self.token)
        return any(_same(value, self._session) for value in _cookies(headers, self.cookie))


def _cookies(headers: Headers, name: str) -> list[str]:
    pairs = (pair.strip().partition("=") for line in headers.getlist("cookie") for pair in line.split(";"))
    return [value for key, _, value in pairs if key == name]


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
