"""Errors as `application/problem+json`: a stable code, a sentence, what exactly, what to do, and an opaque trace id."""

from __future__ import annotations

import json
import logging
import secrets
import traceback
from pathlib import Path
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import InvalidValue, Untrusted, UserError
from .keys import Keys

logger = logging.getLogger(__name__)

_RANGE = ("greater_than", "less_than", "too_long", "too_short", "int_parsing_size")


class MethodNotAllowed(UserError):
    """The route does not answer to this method."""

    status = 405


class Problems:
    """Turns whatever is raised inside into a response that says what to do, and nothing else."""

    def __init__(self, app: ASGIApp, *, keys: Keys) -> None:
        self.app = app
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer an error with a problem, unless a response has begun (then it just ends)."""
        begun = False

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"].endswith(("response.start", "accept"))
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception as error:
            if scope["type"] == "lifespan":
                raise
            response = self._respond(scope, error)
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            elif not begun:
                await response(scope, receive, send)

    def _respond(self, scope: Scope, error: Exception) -> Response:
        if isinstance(error, UserError):
            return problem(error)
        trace_id = secrets.token_hex(8)
        where = f"{scope.get('method', 'websocket')} {scope['path']!a:.300}"
        logger.error("%s failed (trace %s): %s", where, trace_id, self._summary(error))
        return problem(
            UserError(
                "server.internal",
                "The server failed to answer this; it is not your fault.",
                detail=f"The server's log has the cause under trace {trace_id}.",
                hint="Try again; if it happens again, report it with that part of the log.",
            ),
            status=500,
            trace_id=trace_id,
        )

    def _summary(self, error: Exception) -> str:
        """What happened and where, on one line, without the keys, home directories or control characters."""
        frames = traceback.walk_tb(error.__traceback__)
        where = " > ".join(f"{frame.f_globals.get('__name__')}:{line}" for frame, line in list(frames)[-6:])
        text = f"{type(error).__name__}: {error}"
        for secret in (*self.keys.secrets(), str(Path.home())):
            text = text.replace(secret, "***")
        return f"{printable(text)[:1000]} at {where}"


def problem(error: UserError, *, status: int | None = None, trace_id: str | None = None) -> Response:
    """The response for an error that a user can do something about."""
    status = status or error.status
    content: dict[str, Any] = {
        "status": status,
        "code": error.code,
        "title": printable(error.title),
        "detail": printable(error.detail),
        "hint": printable(error.hint),
        "trace_id": trace_id or secrets.token_hex(8),
    }
    if isinstance(error, Untrusted):
        content["task"] = dict(error.task)
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}.get(status)
    return Response(json.dumps(content), status, headers, media_type="application/problem+json")


def printable(text: str) -> str:
    """The text with every character that could steer a terminal or turn the direction of writing replaced."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


async def invalid(_request: Request, error: Exception) -> Response:
    """The response for a parameter or a body that is not as declared: the first thing wrong, by its path."""
    if not isinstance(error, RequestValidationError):
        raise TypeError(type(error))
    return problem(_invalid_value(error.errors()[0]))


async def refused(_request: Request, error: Exception) -> Response:
    """The response for a path or a method that there is not."""
    if not isinstance(error, HTTPException):
        raise TypeError(type(error))
    if error.status_code == 405:
        return problem(MethodNotAllowed("route.method", "This address does not answer to that method."))
    return problem(UserError("request.invalid", "The request cannot be read."), status=error.status_code)


def _invalid_value(first: dict[str, Any]) -> InvalidValue:
    place = ".".join(str(part)[:64] for part in first["loc"])
    kind = str(first["type"])
    if kind == "missing":
        return InvalidValue("param.missing", f"{place} is missing.", hint="Add it.")
    if kind == "extra_forbidden":
        return InvalidValue("param.unknown", f"{place} is not known here.", hint="Check the spelling.")
    code = "param.range" if kind.startswith(_RANGE) or kind.endswith(_RANGE) else "param.type"
    return InvalidValue(code, f"{place} is not allowed.", detail=f"{first['msg']}; found {_shown(first.get('input'))}.")


def _shown(value: object) -> str:
    if isinstance(value, str | int | float | bool | None):
        text = ascii(value)
        return text if len(text) <= 64 else f"{text[:64]}…"
    return type(value).__name__
