"""A server for several projects: their list at ``/``, and each below ``/p/NAME/`` as if it were alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

from anyio import to_thread
from fastapi import FastAPI, Request
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ..page.built import STATIC
from . import login
from .app import Reach, bare, gates, project_app
from .identity import caller
from .keys import Keys
from .pages import Interface
from .projects import ManyProjects, OpenProjects
from .router import API, Router, check_routes, needs
from .routes import OF_MANY
from .routes.health import router as health

PREFIX = "/p/"
PAGE = "/projects.html"

router = Router(prefix=API, include_in_schema=False)


@router.post("/logout", status_code=204)
@needs("read")
async def logout(request: Request, response: Response) -> None:
    """Make every cookie given out so far for the caller's token worthless."""
    keys: Keys = request.app.state.keys
    keys.end_sessions(caller(request.scope))
    response.delete_cookie(keys.cookie, path="/", httponly=True, samesite="strict")


def create_hub(
    place: ManyProjects, *, token: str, port: int, static: Path | None = None, reach: Reach | None = None
) -> FastAPI:
    """The whole server for several projects, without a socket.

    Args:
        place: where the projects are.
        token: as for `app.create_app`.
        port: likewise.
        static: likewise.
        reach: likewise.
    """
    reach = reach or Reach()
    keys = Keys(token, port, named=reach.named, proxy=reach.proxy)
    projects = OpenProjects(place, partial(project_app, keys=keys, static=static, import_from=reach.import_from))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        projects.end_streams()
        await to_thread.run_sync(projects.close)

    app = bare(lifespan, [*gates(keys, port, public=reach.public), Middleware(Dispatch, projects=projects)])
    app.state.projects, app.state.keys = projects, keys
    interface = Interface(static or STATIC, page=PAGE)
    routers = (*OF_MANY, router, health, login.router)
    app.router.routes[:] = [
        *(route for one in routers for route in one.routes),
        Route("/{path:path}", interface.serve, methods=["GET"]),
    ]
    check_routes(app.router.routes)
    return app


class Dispatch:
    """Hands what is below ``/p/NAME/`` to the application of that project, which sees it as if it were alone."""

    def __init__(self, app: ASGIApp, *, projects: OpenProjects) -> None:
        self.app = app
        self.projects = projects

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on to a project, or to the list of them."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            return await self.app(scope, receive, send)
        name, slash, rest = scope["path"].removeprefix(PREFIX).partition("/")
        app = await to_thread.run_sync(self.projects.app, name)
        if not slash:
            return await RedirectResponse(f"{PREFIX}{quote(name)}/", status_code=307)(scope, receive, send)
        path = f"/{rest}"
        await app({**scope, "path": path, "raw_path": quote(path).encode()}, receive, send)
