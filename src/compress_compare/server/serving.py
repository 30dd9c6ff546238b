"""Running the application: the socket, the address, the browser, and a prompt end."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from .. import project as projects
from ..errors import InvalidValue, UserError
from ..importers.addresses import server_of
from .app import Reach, create_app
from .headers import HEADERS
from .hub import create_hub
from .identity import read_proxy
from .keys import Keys, new_token
from .lock import claimed
from .places import LOOPBACK, public_url
from .problems import problem
from .projects import place_of
from .tokens import Tokens

HOST = "127.0.0.1"
PORT = 8787
PORTS_TRIED = 20
BACKLOG = 128
"""Connections that wait to be accepted. When no file can be opened any more, asyncio tries that many times a second."""
QUIET_S = 60.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServerOptions:
    """How a server is reached by more than the user of this machine, and what it shows first.

    Args:
        view: what the page shows first, as the part of its address from ``#`` on; empty for the overview.
        public: addresses that a proxy or a tunnel gives it, e.g. ``https://models.example.org``.
        host: the address of this machine to listen on.
        identity: path of a file that says how an authenticating proxy names who calls; see ``identity.read_proxy``.
        artifacts: where the files of projects that are made in a database go.
        import_from: addresses of servers that imports may ask, e.g. ``http://127.0.0.1:5000``; none if not given.
    """

    view: str = ""
    public: Sequence[str] = ()
    host: str = HOST
    identity: str | Path | None = None
    artifacts: str | None = None
    import_from: Sequence[str] = ()

    def reach(self) -> Reach:
        """What that means for the gates.

        Raises:
            InvalidValue: ``url.public``, ``config.identity``, ``config.private``, ``host.not_public``,
                ``import.address``.
        """
        if self.host not in LOOPBACK and not self.public:
            raise InvalidValue(
                "host.not_public",
                "A server that listens beyond this machine needs the address by which others reach it.",
                hint="Add --public-url https://…, and a proxy with TLS in front of it; see docs/guide/team.md.",
            )
        proxy = None if self.identity is None else read_proxy(Path(self.identity))
        asked = frozenset(server_of(one) for one in self.import_from)
        return Reach(tuple(public_url(one) for one in self.public), Tokens(), proxy, asked)


def serve(
    path: str | Path,
    *,
    port: int | None = None,
    open_browser: bool = True,
    announce: Callable[[str], object],
    options: ServerOptions | None = None,
) -> None:
    """Serve the project in ``path`` until interrupted.

    Args:
        path: of the project's directory, or its address on a database server, where others may serve it, too.
        port: to listen on; 0 for any free one. If not given, 8787 or the next free one.
        open_browser: whether to open the page in the browser.
        announce: called once with the address that opens the page, as soon as it does.
        options: who else may enter, and what is shown first; named tokens may, at this machine's own address, and the
            overview, if not given.

    Raises:
        NotFound: ``project.unknown``.
        StoreError: ``server.running`` if another process serves this project, ``store.*`` if it cannot be read.
        UserError: ``port.in_use`` or ``port.not_allowed``, and what ``ServerOptions.reach`` raises.
    """
    options = options or ServerOptions()
    reach = options.reach()
    with (
        projects.open(path, create=False) as project,
        claimed(project.path) if project.address is None else nullcontext(),
        listen(port, options.host) as listener,
    ):
        token, number = new_token(), listener.getsockname()[1]
        app = create_app(project, token=token, port=number, reach=reach)
        shown = _Shown(announce, open_browser, options.view)
        _run(app, listener, shown=shown, stopping=app.state.context.feed.close)


def serve_all(
    location: str | Path,
    *,
    port: int | None = None,
    open_browser: bool = True,
    announce: Callable[[str], object],
    options: ServerOptions | None = None,
) -> None:
    """Serve several projects until interrupted: their list at ``/``, each below ``/p/NAME/``.

    Args:
        location: a directory with a project in each of its folders, or the address of a database with projects in it;
            more may come while it is served.
        port: as for ``serve``, like the other arguments.
        open_browser: likewise.
        announce: likewise.
        options: likewise.

    Raises:
        NotFound: ``projects.unknown``.
        UserError: as ``serve``, and for a database that cannot be reached.
    """
    options = options or ServerOptions()
    reach, place = options.reach(), place_of(str(location), options.artifacts)
    with listen(port, options.host) as listener:
        token, number = new_token(), listener.getsockname()[1]
        app = create_hub(place, token=token, port=number, reach=reach)
        shown = _Shown(announce, open_browser, options.view)
        _run(app, listener, shown=shown, stopping=app.state.projects.end_streams)


@dataclass(frozen=True)
class _Shown:
    announce: Callable[[str], object]
    open_browser: bool
    view: str


def _run(app: FastAPI, listener: socket.socket, *, shown: _Shown, stopping: Callable[[], object]) -> None:
    keys: Keys = app.state.keys
    number = listener.getsockname()[1]

    def started() -> None:
        shown.announce(f"http://{HOST}:{number}/?token={keys.token}{shown.view}")
        if shown.open_browser:
            address = f"http://{HOST}:{number}/?token={keys.invitation()}{shown.view}"
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    server = Server(config(app), started=started, stopping=stopping)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        return


def listen(port: int | None, host: str = HOST) -> socket.socket:
    """A socket on an address of this machine, the loopback one if none is given.

    Raises:
        UserError: ``port.in_use`` or ``port.not_allowed``.
    """
    candidates = range(PORT, PORT + PORTS_TRIED) if port is None else [port]
    for candidate in candidates:
        # asyncio sends small packets at once (TCP_NODELAY) only where the protocol is named
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(socket.SOMAXCONN)
        except PermissionError as error:
            listener.close()
            raise UserError(
                "port.not_allowed", f"Port {candidate} is reserved by the system.", hint="Use one from 1024 on."
            ) from error
        except OSError:
            listener.close()
            continue
        return listener
    raise UserError(
        "port.in_use",
        f"Port {port} is in use." if port is not None else f"The ports {PORT} to {PORT + PORTS_TRIED - 1} are in use.",
        hint="Choose another with --port, or --port 0 for any free one.",
    )


def config(app: object) -> uvicorn.Config:
    """How the application runs: strict HTTP/1.1, nothing logged that a client sends, no trust in proxies."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=Protocol,
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        backlog=BACKLOG,
    )


class Server(uvicorn.Server):
    """Tells when it can be reached, and ends endless responses before it waits for the others."""

    def __init__(
        self, config: uvicorn.Config, *, started: Callable[[], object], stopping: Callable[[], object]
    ) -> None:
        super().__init__(config)
        self._on_start = started
        self._on_stop = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        asyncio.get_running_loop().set_exception_handler(_Quiet())
        await super().startup(sockets)
        if self.started:
            self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell, then stop."""
        self._on_stop()
        await super().shutdown(sockets)


class _Quiet:
    """Tells once a minute, not at every try, that no more connections can be opened."""

    def __init__(self) -> None:
        self._told = -QUIET_S

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in (errno.EMFILE, errno.ENFILE):
            loop.default_exception_handler(context)
        elif loop.time() - self._told >= QUIET_S:
            self._told = loop.time()
            logger.warning("no more connections can be opened by this process: %s", error.strerror)


class Protocol(H11Protocol):
    """HTTP/1.1 that ends incomplete requests, and answers malformed ones with a problem document."""

    patience = 30.0
    """Seconds from the first byte of a request, or from the connection, to the last byte of the request."""
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Go on waiting until the request is whole."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._stop_waiting()
        elif self._deadline is None:
            self._deadline = asyncio.get_running_loop().call_later(self.patience, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def send_400_response(self, msg: str) -> None:
        """Answer and close. The message is a constant: nothing that was sent is repeated."""
        response = problem(UserError("request.malformed", "This is not a valid HTTP request.", detail=msg))
        fixed = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
        headers = [*response.raw_headers, *fixed, (b"cache-control", b"no-store"), (b"connection", b"close")]
        start = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
        for event in (start, h11.Data(data=bytes(response.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
