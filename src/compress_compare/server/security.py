"""Three independent gates before any route: whom the request is meant for, who sent it, whether they have the token.

A loopback address is no boundary: every page that a browser shows can send requests to it. Each gate stops such a page
alone, and the tests take each away in turn.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import UserError
from .keys import Keys
from .login import enter, sign_in
from .router import API, PUBLIC

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class BadHost(UserError):
    """The request names another host, or none that can be relied on."""

    status = 421


class Forbidden(UserError):
    """The request comes from another site."""

    status = 403


class Unauthorized(UserError):
    """The request carries neither the token nor a cookie that stands for it."""

    status = 401


def hosts(port: int) -> frozenset[str]:
    """The only Host values that this server answers to."""
    return frozenset({f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"})


class HostGate:
    """Refuses what was not sent to this server by name and port: DNS rebinding, forwarded and ambiguous requests."""

    def __init__(self, app: ASGIApp, *, allowed: Iterable[str]) -> None:
        self.app = app
        self.allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request with exactly one, allowed, Host and a path; the rest is 421."""
        if scope["type"] != "lifespan":
            named = Headers(scope=scope).getlist("host")
            if len(named) != 1 or named[0] not in self.allowed or not scope["path"].startswith("/"):
                raise BadHost(
                    "host.not_allowed",
                    "This server answers only to its own loopback address.",
                    detail="The Host header is missing, repeated, or names another host or port.",
                    hint="Open the address that the server printed.",
                )
        await self.app(scope, receive, send)


class OriginGate:
    """Refuses what another site makes a browser send.

    Browsers say where an unsafe request comes from (Origin, Sec-Fetch-Site) and no page can change that. A request with
    neither header comes from no browser. Pages may link to this one: navigation is let through, but not to the API.
    """

    def __init__(self, app: ASGIApp, *, allowed: Iterable[str]) -> None:
        self.app = app
        self.allowed = frozenset(f"http://{host}" for host in allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what this server's own pages or programs send; the rest is 403."""
        if scope["type"] != "lifespan" and not self._welcome(scope):
            raise Forbidden(
                "origin.not_allowed",
                "This request comes from another site.",
                detail="Origin or Sec-Fetch-Site names another origin than this server's own.",
                hint="Use the page that this server serves, or a program that sends the token as bearer.",
            )
        await self.app(scope, receive, send)

    def _welcome(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        sites = set(headers.getlist("sec-fetch-site"))
        origins = headers.getlist("origin")
        unsafe = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if unsafe:
            return sites <= {"same-origin"} and len(origins) <= 1 and set(origins) <= self.allowed
        return not scope["path"].startswith("/api/") or sites <= {"same-origin", "none"}


class TokenGate:
    """Refuses whoever has neither the token nor the cookie; only the paths in `PUBLIC` are open.

    The token may stand in the address of the first page load. There it becomes a cookie and leaves the address at once.
    """

    def __init__(self, app: ASGIApp, *, keys: Keys) -> None:
        self.app = app
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is public or admitted; answer pages with the way to sign in, and the rest with 401."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and scope["path"] in PUBLIC):
            return await self.app(scope, receive, send)
        page = scope["type"] == "http" and scope["method"] == "GET" and not scope["path"].startswith(f"{API}/")
        admitted = self.keys.admits(Headers(scope=scope))
        if page and (response := enter(scope, self.keys, admitted=admitted)):
            return await response(scope, receive, send)
        if admitted:
            return await self.app(scope, receive, send)
        if page and "text/html" in Headers(scope=scope).get("accept", ""):
            return await sign_in(scope)(scope, receive, send)
        raise Unauthorized(
            "auth.required",
            "This needs the server's token.",
            detail="The request carries no token or cookie, or one that is not valid (any more).",
            hint="Open the address that the server printed, or send 'Authorization: Bearer TOKEN'.",
        )
