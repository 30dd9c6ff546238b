"""Requests that are watched: one that names itself in a header can be asked how far it is, and cancelled."""

from __future__ import annotations

import re
import threading

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import InvalidValue
from ..progress import Watch, under

HEADER = "x-watch"
_NAME = re.compile(r"[0-9a-f]{16,64}")


class Watches:
    """The watches of requests that are being answered, by the names that the clients chose."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Watch] = {}

    def get(self, name: str) -> Watch | None:
        """The watch of a request; ``None`` when it has been answered, or has not come yet."""
        with self._lock:
            return self._open.get(name)

    def cancel(self, name: str) -> None:
        """End a request at its next step; nothing happens to one that has been answered."""
        with self._lock:
            if name in self._open:
                self._open[name].cancelled = True

    def open(self, name: str) -> Watch:
        """A new watch.

        Raises:
            InvalidValue: ``watch.name``.
        """
        with self._lock:
            if not _NAME.fullmatch(name) or name in self._open:
                raise InvalidValue("watch.name", "A watch is named by 16 to 64 hexadecimal digits that no other has.")
            self._open[name] = watch = Watch()
            return watch

    def close(self, name: str) -> None:
        """The request has been answered."""
        with self._lock:
            del self._open[name]


class Watching:
    """Computes the answer to a request that names itself under a watch."""

    def __init__(self, app: ASGIApp, *, watches: Watches) -> None:
        self.app = app
        self.watches = watches

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, watched if it wants to be."""
        name = Headers(scope=scope).get(HEADER) if scope["type"] == "http" else None
        if name is None:
            return await self.app(scope, receive, send)
        watch = self.watches.open(name)
        try:
            with under(watch):
                await self.app(scope, receive, send)
        finally:
            self.watches.close(name)
