"""A real server on a real socket in a thread of the test, and clients for it."""

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from compress_compare.project import Project
from compress_compare.server.app import create_app
from compress_compare.server.hub import create_hub
from compress_compare.server.keys import new_token
from compress_compare.server.serving import Server, config, listen

TOOL = [sys.executable, "-c", "from compress_compare.cli import main; main()"]
EXPECTED = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; style-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class MissingHeader(AssertionError):
    """A response without one of the headers that every response must carry."""


class Checked:
    """Raises when the application sends a response without the security headers, whatever the test is about."""

    def __init__(self, app, missing):
        self.app, self.missing = app, missing

    async def __call__(self, scope, receive, send):
        async def check(message):
            if message["type"] == "http.response.start":
                sent = {name.decode(): value.decode() for name, value in message["headers"]}
                wrong = [name for name, value in EXPECTED.items() if sent.get(name) != value]
                if "cache-control" not in sent or (
                    scope["path"].startswith("/api/") and sent["cache-control"] != "no-store"
                ):
                    wrong.append("cache-control")
                if wrong:
                    self.missing.append((scope["path"], wrong))
                    raise MissingHeader(f"{scope['path']}: {wrong}")
            await send(message)

        await self.app(scope, receive, check)


@dataclass
class Running:
    app: object
    port: int
    token: str
    missing: list = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def client(self, **options) -> httpx.Client:
        """Without a token."""
        return httpx.Client(base_url=self.address, timeout=60, **options)

    def raw(self, request: bytes) -> bytes:
        """Send bytes as they are; return all that comes back until the server closes or is silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(request)
            received = b""
            while not _complete(received) and (chunk := connection.recv(65536)):
                received += chunk
            return received

    def status(self, *lines: str, body: bytes = b"") -> int:
        """Send a request of these lines as they are; return the status of the answer."""
        received = self.raw("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return int(received.split(b" ", 2)[1])


@contextmanager
def running(
    project: Project,
    *,
    static=None,
    token: str | None = None,
    without: str | None = None,
    change: Callable = lambda app: None,
    reach=None,
) -> Iterator[Running]:
    """Serve a project, or a place with several, on a free port.

    Args:
        without: the class name of a middleware to leave out.
        change: called with the application before it starts.
    """
    with listen(0) as listener:
        token = token or new_token()
        port = listener.getsockname()[1]
        make = create_app if isinstance(project, Project) else create_hub
        app = make(project, token=token, port=port, static=static, reach=reach)
        before = len(app.user_middleware)
        app.user_middleware = [part for part in app.user_middleware if part.cls.__name__ != without]
        assert len(app.user_middleware) == before - (without is not None)
        change(app)
        server = Running(app, port, token)
        checked = app if without else Checked(app, server.missing)
        ready = threading.Event()
        uvicorn_server = Server(config(checked), started=ready.set, stopping=stopping_of(app))
        thread = threading.Thread(target=uvicorn_server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        assert ready.wait(60)
        try:
            yield server
        finally:
            uvicorn_server.should_exit = True
            thread.join(10)
            assert not thread.is_alive()
            assert server.missing == []


def stopping_of(app):
    return app.state.projects.end_streams if hasattr(app.state, "projects") else app.state.context.feed.close


@contextmanager
def served(directory, *options, cwd=None):
    """A server process, started in the folder ``cwd``, and the line that it printed."""
    command = [*TOOL, "serve", str(directory), "--no-browser", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd)
    try:
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def _complete(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
    return bool(end) and length is not None and len(body) >= int(length[1])


def wait_until(condition: Callable[[], bool], seconds: float = 180) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


@contextmanager
def asked(project: Project, static) -> Iterator[httpx.Client]:
    """A client of a project that is served with a page, which stands in the folder ``static``."""
    (static / "index.html").write_text("<p>page</p>")
    with running(project, static=static) as server, server.client(headers=server.bearer) as client:
        yield client
