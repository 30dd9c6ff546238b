"""Request bodies of bounded size, read in bounded time: pieces of files, and JSON, which is strictly parsed first."""

from __future__ import annotations

import asyncio

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import TooLarge, UserError
from . import strict_json
from .router import API, within
from .security import SAFE_METHODS

LIMIT = 10_000_000
"""Bytes."""
PATIENCE = 30.0
"""Seconds in which a body must have come."""
JSON_TYPES = frozenset({"application/json", "application/json;charset=utf-8"})
BYTES = frozenset({"application/octet-stream"})
OBJECTS = f"{API}/objects/"
"""Below which files are sent, piece by piece."""


class UnsupportedMedia(UserError):
    """The body is not plain JSON."""

    status = 415


class TooSlow(UserError):
    """The body did not arrive in time."""

    status = 408


class Bodies:
    """Reads the body of every unsafe request, refuses all but small, strict JSON, and hands it on in one piece."""

    def __init__(self, app: ASGIApp, *, limit: int = LIMIT) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check and buffer the body; what the client sends after it passes through."""
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        binary = scope["method"] == "PUT" and within(scope["path"]).startswith(OBJECTS)
        _check_type(headers, has_body_by_nature=scope["method"] != "DELETE", allowed=BYTES if binary else JSON_TYPES)
        if _declared(headers) > self.limit:
            raise self._too_large()
        try:
            async with asyncio.timeout(PATIENCE):
                body = await self._read(receive)
        except TimeoutError as error:
            raise TooSlow("body.too_slow", f"The body did not arrive within {PATIENCE:.0f} s.") from error
        if body and not binary:
            await to_thread.run_sync(strict_json.loads, body)
        pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return pending.pop() if pending else await receive()

        await self.app(scope, replay, send)

    async def _read(self, receive: Receive) -> bytes:
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            chunk = message.get("body", b"")
            chunks.append(chunk)
            size += len(chunk)
            if size > self.limit:
                raise self._too_large()
            more = message.get("more_body", False)
        return b"".join(chunks)

    def _too_large(self) -> TooLarge:
        return TooLarge("body.too_large", f"The body is larger than {self.limit:,} bytes.", hint="Send less at a time.")


def _check_type(headers: Headers, *, has_body_by_nature: bool, allowed: frozenset[str]) -> None:
    """Refuse any body but JSON, or a piece of a file where one is taken.

    A form or a plain text is what another site can send without asking first.
    """
    types = [value.replace(" ", "").lower() for value in headers.getlist("content-type")]
    has_body = has_body_by_nature or _declared(headers) > 0 or "transfer-encoding" in headers
    if has_body and not (len(types) == 1 and types[0] in allowed):
        if allowed is BYTES:
            raise UnsupportedMedia("body.type", "The body must be application/octet-stream.")
        raise UnsupportedMedia(
            "body.type",
            "The body must be JSON.",
            hint="Send it with 'Content-Type: application/json'; {} will do if empty.",
        )
    if headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMedia("body.encoding", "The body must not be compressed.")


def _declared(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else LIMIT + 1
