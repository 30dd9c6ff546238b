"""The application: routes, gates in front of them, and the headers and problems around everything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from anyio import to_thread
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from ..page.built import STATIC
from ..page.payloads import Payloads
from ..page.recent import RecentBehaviors
from ..page.snapshot import Snapshots
from ..project import Project
from . import login, openapi, routes
from .body import Bodies
from .context import AppContext
from .events import Feed
from .headers import SecurityHeaders
from .jobs import JobQueue
from .keys import Keys
from .pages import Interface
from .problems import Problems, invalid, refused
from .progress import Watches, Watching
from .router import check_routes
from .security import HostGate, OriginGate, TokenGate, hosts
from .uploads import Uploads

"""Where the build of the interface puts its files."""


def create_app(project: Project, *, token: str, port: int, static: Path | None = None) -> FastAPI:
    """The whole server for one project, without a socket.

    Args:
        project: what it shows.
        token: at least 128 random bits as URL-safe base64; see `keys.new_token`.
        port: where it will listen: the only port that a Host header may name.
        static: the built interface; the one inside this package if not given.

    Raises:
        ValueError: if the token is too short.
        router.UndeclaredAccess: if a route does not say who may call it.
    """
    keys = Keys(token, port)
    work = JobQueue(project)
    watches = Watches()
    feed = Feed(project, jobs=work.revision)
    context = AppContext(
        project, Snapshots(project), feed, keys, RecentBehaviors(project), Payloads(project), work, watches, Uploads()
    )
    app = FastAPI(
        title=openapi.TITLE,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        lifespan=_lifespan(context),
        middleware=middleware(keys, port, watches=watches),
        exception_handlers={RequestValidationError: invalid, HTTPException: refused},
    )
    app.state.context = context
    app.router.routes[:] = all_routes(Interface(static or STATIC))
    check_routes(app.router.routes)
    return app


def all_routes(interface: Interface) -> Sequence[BaseRoute]:
    """Every route, the interface last: it takes what is left."""
    routers = (*routes.ROUTERS, login.router, openapi.router)
    return [
        *(route for router in routers for route in router.routes),
        Route("/{path:path}", interface.serve, methods=["GET"]),
    ]


def middleware(keys: Keys, port: int, *, watches: Watches) -> list[Middleware]:
    """What every request passes, from the outside in.

    Nothing here compresses the responses: on the loopback address that only costs time. The streams of models, which
    are large and the same for everybody, are packed once per revision; see `snapshot`.
    """
    allowed = hosts(port)
    return [
        Middleware(SecurityHeaders),
        Middleware(Problems, keys=keys),
        Middleware(HostGate, allowed=allowed),
        Middleware(OriginGate, allowed=allowed),
        Middleware(TokenGate, keys=keys),
        Middleware(Bodies),
        Middleware(Watching, watches=watches),
    ]


def _lifespan(context: AppContext) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await to_thread.run_sync(context.work.recover)
        yield
        context.feed.close()
        await to_thread.run_sync(context.work.close)
        await to_thread.run_sync(context.uploads.close)

    return lifespan
