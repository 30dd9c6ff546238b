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
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from .. import project as projects
from ..errors import UserError
from .app import create_app
from .context import AppContext
from .headers import HEADERS
from .keys import new_token
from .lock import claimed
from .problems import problem

HOST = "127.0.0.1"
PORT = 8787
PORTS_TRIED = 20
BACKLOG = 128
"""Connections that wait to be accepted. When no file can be opened any more, asyncio tries that many times a second."""
QUIET_S = 60.0

logger = logging.getLogger(__name__)


def serve(
    path: str | Path,
    *,
    port: int | None = None,
    open_browser: bool = True,
    announce: Callable[[str], object],
    view: str = "",
) -> None:
    """Serve the project in ``path`` on this machine alone until interrupted.

    Args:
        path: of the project's directory.
        port: to listen on; 0 for any free one. If not given, 8787 or the next free one.
        open_browser: whether to open the page in the browser.
        announce: called once with the address that opens the page, as soon as it does.
        view: what the page shows first, as the part of its address from ``#`` on; empty for the overview.

    Raises:
        NotFound: ``project.unknown``.
        StoreError: ``server.running`` if another process serves this project, ``store.*`` if it cannot be read.
        UserError: ``port.in_use`` or ``port.not_allowed``.
    """
    with projects.open(path, create=False) as project, claimed(project.path), listen(port) as listener:
        token, number = new_token(), listener.getsockname()[1]
        app = create_app(project, token=token, port=number)
        context: AppContext = app.state.context

        def started() -> None:
            announce(f"http://{HOST}:{number}/?token={token}{view}")
            if open_browser:
                address = f"http://{HOST}:{number}/?token={context.keys.invitation()}{view}"
                threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

        server = Server(config(app), started=started, stopping=context.feed.close)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            return


def listen(port: int | None) -> socket.socket:
    """A socket on the loopback address.

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
            listener.bind((HOST, candidate))
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
