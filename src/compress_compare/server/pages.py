"""The built pages, read into memory once: no path that a caller sends ever reaches the file system."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ..errors import NotFound
from .login import page_source
from .router import needs

_HASHED = re.compile(r".+[-.][A-Za-z0-9_-]{8,}\.\w+$")
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".woff2": "font/woff2"}


@dataclass(frozen=True)
class StaticFile:
    """One file of the interface, ready to send."""

    content: bytes
    media_type: str
    cache: str
    etag: str


class Interface:
    """Answers every address that is not the API's: with a file of the interface, or its one page.

    Args:
        directory: with the page and its assets; where there is none, a page says how to build it.
        page: which of its pages stands at ``/``.
    """

    def __init__(self, directory: Path, *, page: str = "/index.html") -> None:
        self._page = page
        found = directory.rglob("*") if directory.is_dir() else ()
        self._pages = {
            f"/{path.relative_to(directory).as_posix()}": _read(path)
            for path in sorted(found)
            if path.is_file() and not path.is_symlink()
        }

    @needs("read")
    async def serve(self, request: Request) -> Response:
        """The file at this very address, or the page itself for a navigation to an address of its own making."""
        path = request.url.path
        page = self._pages.get(self._page if path == "/" else path)
        if page is None and path.startswith("/api/"):
            raise NotFound("route.unknown", "There is nothing at this address.", hint="See /api/v1/openapi.json.")
        if page is None and (path == "/" or _is_navigation(request)):
            page = self._pages.get(self._page)
            if page is None:
                return HTMLResponse(page_source("unbuilt.html"))
        if page is None:
            raise NotFound("page.unknown", "There is no such file in the interface.")
        headers = {"Cache-Control": page.cache, "ETag": page.etag}
        if request.headers.get("if-none-match") == page.etag:
            return Response(status_code=304, headers=headers)
        return Response(page.content, media_type=page.media_type, headers=headers)


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    hashed = _HASHED.fullmatch(path.name) is not None and path.parent.name == "assets"
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    cache = "private, max-age=31536000, immutable" if hashed else "no-store"
    return StaticFile(content, media_type, cache, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def _is_navigation(request: Request) -> bool:
    """Whether a person goes to this address, as opposed to a page that loads a part of itself."""
    mode = request.headers.get("sec-fetch-mode", "navigate")
    wants_page = "text/html" in request.headers.get("accept", "")
    return mode == "navigate" and wants_page
