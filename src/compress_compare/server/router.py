"""Routers that refuse a route without an access rule, and the check that nothing slipped past them."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Literal, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Route, WebSocketRoute

from .identity import caller
from .roles import Role

API = "/api/v1"
PUBLIC = frozenset({"/healthz", "/login", "/login.css", "/login.js"})
"""All that answers without a token. The token gate knows this set and no other."""

Access = Role | Literal["public"]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
_RULE = "__access_rule__"


class UndeclaredAccess(RuntimeError):
    """A route does not say who may call it."""


_PROJECT = re.compile(r"/p/[^/]+(?=/)")


def within(path: str) -> str:
    """A path without the place of one of several projects in front of it: ``/p/NAME/api/…`` → ``/api/…``."""
    return _PROJECT.sub("", path, count=1) if path.startswith("/p/") else path


def needs(role: Role) -> Callable[[Endpoint], Endpoint]:
    """Declare the role that an endpoint needs."""

    def declare(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _RULE, role)
        return endpoint

    return declare


def public(endpoint: Endpoint) -> Endpoint:
    """Declare that an endpoint answers to anyone; its path must also stand in `PUBLIC`."""
    setattr(endpoint, _RULE, "public")
    return endpoint


def access_rule(route: BaseRoute) -> Access:
    """The access rule of a route.

    Raises:
        UndeclaredAccess: if it has none, is a mount, or its rule and `PUBLIC` contradict each other.
    """
    path = getattr(route, "path", repr(route))
    rule = getattr(route.endpoint, _RULE, None) if isinstance(route, Route | WebSocketRoute) else None
    if rule is None:
        raise UndeclaredAccess(f"{path} declares no access rule: decorate its endpoint with needs or public.")
    if (rule == "public") != (path in PUBLIC):
        raise UndeclaredAccess(f"{path} is declared {rule!r}, but the public paths are exactly {sorted(PUBLIC)}.")
    access: Access = rule
    return access


def check_routes(routes: Iterable[BaseRoute]) -> None:
    """Raise `UndeclaredAccess` for the first route without a valid access rule."""
    for route in routes:
        access_rule(route)


class GuardedRoute(APIRoute):
    """A route that looks at the role of the caller before anything of the request is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        handle, rule = super().get_route_handler(), access_rule(self)

        async def guarded(request: Request) -> Response:
            if rule != "public":
                caller(request.scope).check(rule)
            return await handle(request)

        return guarded


class Router(APIRouter):
    """An `APIRouter` on which an undeclared route fails while its module is imported."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=GuardedRoute, **options)

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Add a route, then check the access rule of its endpoint."""
        super().add_api_route(path, endpoint, **options)
        access_rule(self.routes[-1])

    def add_route(self, path: str, endpoint: Callable[..., Any], *args: Any, **options: Any) -> None:
        """Add a plain route, then check the access rule of its endpoint."""
        super().add_route(path, endpoint, *args, **options)
        access_rule(self.routes[-1])

    def add_api_websocket_route(self, path: str, endpoint: Callable[..., Any], *args: Any, **options: Any) -> None:
        """Add a WebSocket route, then check the access rule of its endpoint."""
        super().add_api_websocket_route(path, endpoint, *args, **options)
        access_rule(self.routes[-1])
