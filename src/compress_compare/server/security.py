"""Three independent gates before any route: whom the request is meant for, who sent it, whether they have the token.

A loopback address is no boundary: every page that a browser shows can send requests to it. Each gate stops such a page
alone, and the tests take each away in turn.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import UserError
from ..store import origin
from .identity import Unauthorized
from .keys import Keys
from .login import enter, sign_in
from .places import Origins
from .router import API, PUBLIC, within

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class BadHost(UserError):
    """The request names another host, or none that can be relied on."""

    status = 421


class Forbidden(UserError):
    """The request comes from another site."""

    status = 403


class HostGate:
    """Refuses what was not sent to this server by name and port: DNS rebinding, forwarded and ambiguous requests."""

    def __init__(self, app: ASGIApp, *, allowed: Origins) -> None:
        self.app = app
        self.allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request with exactly one, allowed, Host and a path; the rest is 421."""
        if scope["type"] != "lifespan":
            named = Headers(scope=scope).getlist("host")
            if len(named) != 1 or named[0] not in self.allowed or not scope["path"].startswith("/"):
                raise BadHost(
                    "host.not_allowed",
                    "This server answers only to its own addresses.",
                    detail="The Host header is missing, repeated, or names another host or port.",
                    hint="Open the address that the server printed, or name this one with --public-url.",
                )
            scope["secure_place"] = any(one.startswith("https:") for one in self.allowed[named[0]])
        await self.app(scope, receive, send)


class OriginGate:
    """Refuses what another site makes a browser send.

    Browsers say where an unsafe request comes from (Origin, Sec-Fetch-Site) and no page can change that. A request with
    neither header comes from no browser. Pages may link to this one: navigation is let through, but not to the API.
    """

    def __init__(self, app: ASGIApp, *, allowed: Origins) -> None:
        self.app = app
        self.allowed: Mapping[str, frozenset[str]] = allowed

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
            own = self.allowed.get(headers.get("host", ""), frozenset())
            return sites <= {"same-origin"} and len(origins) <= 1 and set(origins) <= own
        return not within(scope["path"]).startswith("/api/") or sites <= {"same-origin", "none"}


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
        page = scope["type"] == "http" and scope["method"] == "GET" and not within(scope["path"]).startswith(f"{API}/")
        found = self.keys.identify(scope)
        if page and (response := enter(scope, self.keys, admitted=found is not None)):
            return await response(scope, receive, send)
        if found is not None:
            scope["identity"] = found
            with origin.acting(found.user, found.token):
                return await self.app(scope, receive, send)
        if page and "text/html" in Headers(scope=scope).get("accept", ""):
            return await sign_in(scope)(scope, receive, send)
        raise Unauthorized(
            "auth.required",
            "This needs the server's token.",
            detail="The request carries no token or cookie, or one that is not valid (any more).",
            hint="Open the address that the server printed, or send 'Authorization: Bearer TOKEN'.",
        )
