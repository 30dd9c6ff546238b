"""The application: routes, gates in front of them, and the headers and problems around everything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
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
from .archives import Archives
from .body import Bodies
from .context import AppContext
from .events import Feed
from .headers import SecurityHeaders
from .identity import ProxyIdentity
from .jobs import JobQueue
from .keys import Keys
from .pages import Interface
from .places import PublicURL, origins
from .problems import Problems, invalid, refused
from .progress import Watches, Watching
from .router import check_routes
from .security import HostGate, OriginGate, TokenGate
from .tokens import Tokens
from .uploads import Uploads


@dataclass(frozen=True)
class Reach:
    """Who reaches a server, and where, beside its own token at the loopback address.

    Args:
        public: addresses that a proxy or a tunnel gives it.
        named: tokens of others; none if not given.
        proxy: how an authenticating proxy says who calls; none is believed if not given.
        import_from: the servers that imports may ask, as ``addresses.server_of`` gives them.
    """

    public: Sequence[PublicURL] = ()
    named: Tokens | None = None
    proxy: ProxyIdentity | None = None
    import_from: frozenset[str] = frozenset()


def create_app(
    project: Project, *, token: str, port: int, static: Path | None = None, reach: Reach | None = None
) -> FastAPI:
    """The whole server for one project, without a socket.

    Args:
        project: what it shows.
        token: at least 128 random bits as URL-safe base64; see `keys.new_token`.
        port: where it will listen: the only port that a Host header may name, beside those of public addresses.
        static: the built interface; the one inside this package if not given.
        reach: who else may enter, and where; nobody and nowhere if not given.

    Raises:
        ValueError: if the token is too short.
        router.UndeclaredAccess: if a route does not say who may call it.
    """
    reach = reach or Reach()
    keys = Keys(token, port, named=reach.named, proxy=reach.proxy)
    context = context_of(project, keys, import_from=reach.import_from)
    inner = [Middleware(Watching, watches=context.watches)]
    app = bare(_lifespan(context), [*gates(keys, port, public=reach.public), *inner])
    return _completed(app, context, static)


def project_app(
    project: Project, keys: Keys, *, static: Path | None = None, import_from: frozenset[str] = frozenset()
) -> FastAPI:
    """What answers for one of several projects to whoever has passed the gates; see `hub`."""
    context = context_of(project, keys, import_from=import_from)
    inner = [Middleware(Problems, keys=keys), Middleware(Watching, watches=context.watches)]
    return _completed(bare(_lifespan(context), inner), context, static)


def context_of(project: Project, keys: Keys, *, import_from: frozenset[str] = frozenset()) -> AppContext:
    """What the routes of one project reach."""
    work = JobQueue(project)
    return AppContext(
        project=project,
        snapshots=Snapshots(project),
        feed=Feed(project, jobs=work.revision),
        keys=keys,
        comparisons=RecentBehaviors(project),
        payloads=Payloads(project),
        work=work,
        watches=Watches(),
        uploads=Uploads(),
        archives=Archives(project),
        import_from=import_from,
    )


def bare(lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]], middleware: list[Middleware]) -> FastAPI:
    """An application without routes."""
    return FastAPI(
        title=openapi.TITLE,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        lifespan=lifespan,
        middleware=middleware,
        exception_handlers={RequestValidationError: invalid, HTTPException: refused},
    )


def all_routes(interface: Interface) -> Sequence[BaseRoute]:
    """Every route, the interface last: it takes what is left."""
    routers = (*routes.ROUTERS, login.router, openapi.router)
    return [
        *(route for router in routers for route in router.routes),
        Route("/{path:path}", interface.serve, methods=["GET"]),
    ]


def gates(keys: Keys, port: int, *, public: Sequence[PublicURL] = ()) -> list[Middleware]:
    """What every request passes, from the outside in.

    Nothing here compresses the responses: on the loopback address that only costs time. The streams of models, which
    are large and the same for everybody, are packed once per revision; see `snapshot`.
    """
    allowed = origins(port, public)
    return [
        Middleware(SecurityHeaders),
        Middleware(Problems, keys=keys),
        Middleware(HostGate, allowed=allowed),
        Middleware(OriginGate, allowed=allowed),
        Middleware(TokenGate, keys=keys),
        Middleware(Bodies),
    ]


def _completed(app: FastAPI, context: AppContext, static: Path | None) -> FastAPI:
    app.state.context, app.state.keys = context, context.keys
    app.router.routes[:] = all_routes(Interface(static or STATIC))
    check_routes(app.router.routes)
    return app


def _lifespan(context: AppContext) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await to_thread.run_sync(context.start)
        yield
        context.feed.close()
        await to_thread.run_sync(context.stop)

    return lifespan
