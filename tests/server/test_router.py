"""A route that does not say who may call it never gets as far as a running server."""

import pytest
from fastapi import APIRouter, FastAPI
from starlette.routing import Mount, Route

from compress_compare.server.router import PUBLIC, Router, UndeclaredAccess, check_routes, needs, public


async def undeclared() -> None: ...


@needs("read")
async def guarded() -> None: ...


@public
async def open_to_all() -> None: ...


def test_an_undeclared_route_fails_when_it_is_added():
    router = Router()
    with pytest.raises(UndeclaredAccess, match=r"/forgotten declares no access rule"):
        router.get("/forgotten")(undeclared)
    with pytest.raises(UndeclaredAccess):
        router.add_route("/plain", undeclared)
    with pytest.raises(UndeclaredAccess):
        router.websocket("/socket")(undeclared)


def test_a_declared_route_is_added():
    router = Router(prefix="/api")
    router.get("/things")(guarded)
    router.websocket("/socket")(guarded)
    check_routes(router.routes)


def test_public_is_only_what_the_list_says():
    with pytest.raises(UndeclaredAccess, match="the public paths are exactly"):
        Router().get("/mine")(open_to_all)
    with pytest.raises(UndeclaredAccess, match="the public paths are exactly"):
        Router().get("/healthz")(guarded)
    assert sorted(PUBLIC) == ["/healthz", "/login", "/login.css", "/login.js"]


@pytest.mark.parametrize(
    "route",
    [Route("/plain", undeclared), Mount("/files", FastAPI()), Mount("/more", APIRouter())],
    ids=["route", "app", "router"],
)
def test_what_comes_in_another_way_is_found_before_the_start(route):
    with pytest.raises(UndeclaredAccess):
        check_routes([route])
