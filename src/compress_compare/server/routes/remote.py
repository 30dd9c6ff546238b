"""The Python API over HTTP: calls, and files by the hash of their content."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import Annotated, Any

from anyio import to_thread
from fastapi import Header, Query, Request
from starlette.responses import FileResponse, Response

from ...errors import InvalidValue, TooLarge
from ...page.arrow import MEDIA_TYPE, stream
from ...page.wire import remote as wire
from ...remote import protocol
from ...remote.codec import encode
from ...store import origin
from ...table import Table
from .. import calls
from ..arrow_stream import ArrowStream
from ..context import AppContext, Here
from ..identity import caller
from ..router import API, Router, needs

router = Router(prefix=API, tags=["remote"])

BYTES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}
ROWS: dict[int | str, dict[str, Any]] = {200: {"content": {MEDIA_TYPE: {"schema": {"type": "array", "items": {}}}}}}
Key = Annotated[str, Header(alias="Idempotency-Key", description="Chosen by the caller, anew for each call.")]
_KEY = re.compile(r"[0-9a-zA-Z-]{16,64}")
MAX_OBJECT = 2**40


@router.get("/greeting")
@needs("read")
def greeting(here: Here, request: Request) -> wire.Greeting:
    """What this server speaks, and who the caller is."""
    who = caller(request.scope)
    return wire.Greeting(
        protocol=protocol.NUMBER,
        oldest=protocol.OLDEST,
        version=version("compress-compare"),
        name=here.project.name,
        user=who.user,
        role=who.role,
    )


@router.post("/call/read", response_model=wire.CallResult, responses=ROWS)
@needs("read")
def read(here: Here, call: wire.RemoteCall) -> wire.CallResult | Response:
    """Call a method that reads. A table comes back as an Arrow IPC stream."""
    found = calls.read(here.project, call.method, arguments=call.arguments)
    if isinstance(found, Table):
        return ArrowStream(stream(found.arrow))
    return wire.CallResult(result=encode(found))


@router.post("/call/log")
@needs("log")
def log(here: Here, call: wire.RemoteCall, key: Key, request: Request) -> wire.CallResult:
    """Call a method that writes. The same key again gives the same answer, and does nothing twice."""
    return wire.CallResult(result=_written(here, call, key, request))


@router.post("/objects/missing")
@needs("log")
def missing(here: Here, ask: wire.Digests) -> wire.Missing:
    """Which files have to be sent, and from which byte on."""
    lacking = here.project.missing_objects(ask.sha256)
    return wire.Missing(missing={digest: here.project.upload(digest).size() for digest in lacking})


@router.put("/objects/{sha256}")
@needs("log")
async def send(
    here: Here,
    request: Request,
    sha256: str,
    offset: Annotated[int, Query(ge=0, le=MAX_OBJECT, description="Of the first byte of the body.")],
    total: Annotated[int, Query(ge=0, le=MAX_OBJECT, description="Bytes of the whole file.")],
) -> wire.Uploaded:
    """Take a piece of a file. With the last one it is looked at, and kept if it is what its name says."""
    content = await request.body()
    if offset + len(content) > total:
        raise TooLarge("object.too_long", "The file is longer than it was said to be.")
    return await to_thread.run_sync(_received, here, sha256, content, (offset, total))


@router.get("/objects/{sha256}", response_class=Response, responses=BYTES)
@needs("read")
def fetch(here: Here, sha256: str) -> Response:
    """A file, or the range of it that is asked for."""
    path = here.project.object_path(sha256)
    return FileResponse(path, media_type="application/octet-stream", headers={"ETag": f'"{sha256}"'})


def _written(here: AppContext, call: wire.RemoteCall, key: str, request: Request) -> Any:
    if not _KEY.fullmatch(key):
        raise InvalidValue("remote.key", "A key has 16 to 64 letters, digits or dashes.")
    who = caller(request.scope)
    with origin.acting(who.user, who.token, claimed=protocol.claimed(call.origin)):
        return calls.write(here.project, call.method, arguments=call.arguments, key=key, table=call.table)


def _received(here: AppContext, sha256: str, content: bytes, place: tuple[int, int]) -> wire.Uploaded:
    offset, total = place
    if not here.project.missing_objects([sha256]):
        return wire.Uploaded(num_bytes=total, done=True)
    there = here.project.upload(sha256).append(content, offset=offset)
    if there == total:
        here.project.keep_upload(sha256)
    return wire.Uploaded(num_bytes=there, done=there == total)
