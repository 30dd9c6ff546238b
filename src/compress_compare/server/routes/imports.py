"""Importing what other tools wrote: files that the page sends, a path on this machine, or a tracking server."""

from __future__ import annotations

from ... import importers
from ...errors import InvalidValue
from ...importers.addresses import server_of
from ...importers.registry import available
from ...page.wire import imports as wire
from ...page.wire.jobs import JobAnswer
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["import"])


@router.get("/import/sources")
@needs("run")
def sources(here: Here) -> wire.ImportSourcesAnswer:
    """What can be imported: from which tools, and from which servers."""
    return wire.ImportSourcesAnswer(sources=list(available()), servers=sorted(here.import_from))


@router.post("/import/files")
@needs("run")
def upload(here: Here, ask: wire.UploadAsk) -> wire.UploadAnswer:
    """Send a piece of a file that is to be imported. Files are kept until the server ends."""
    here.project.storage.check()
    return wire.UploadAnswer(upload=here.uploads.put(ask.upload, ask.path, offset=ask.offset, content=ask.content))


@router.post("/import/preview")
@needs("run")
def preview(here: Here, ask: wire.ImportAsk) -> wire.ImportPreviewAnswer:
    """What an import would do, as `compress-compare import --dry-run` shows it. Nothing is changed."""
    path, source, reason = _understood(here, ask)
    read = importers.read(source, [path], how=ask.how(), project=here.project)
    found = importers.preview(read, here.project)
    return wire.preview(found, source=source, recognized_by=reason, mapping=read.mapping)


@router.post("/import", status_code=201)
@needs("run")
def start(here: Here, ask: wire.ImportAsk) -> JobAnswer:
    """Import, as a job: all of it comes in, or nothing."""
    path, source, _ = _understood(here, ask)
    title = f"import {ask.address or path.rpartition('/')[2]} ({source})"
    job = here.work.bring(title, source=source, paths=[path], how=ask.how())
    return JobAnswer.model_validate(job, from_attributes=True)


def _understood(here: Here, ask: wire.ImportAsk) -> tuple[str, str, str | None]:
    """Path or address, source, and by what the source was recognized."""
    if sum(one is not None for one in (ask.upload, ask.path, ask.address)) != 1:
        raise InvalidValue("import.choice", "Name files that were sent, a path or an address: one of them.")
    if ask.address is not None:
        return _of_server(here, ask.address, ask.source)
    if ask.path is not None and ("://" in ask.path or not ask.path.startswith("/")):
        raise InvalidValue("import.path", "Give the whole path of a file or folder of this machine, from / on.")
    path = str(here.uploads.place(ask.upload)) if ask.upload is not None else str(ask.path)
    if ask.source:
        return path, ask.source, None
    found = importers.recognize(path)
    return path, found.source, found.reason


def _of_server(here: Here, address: str, source: str | None) -> tuple[str, str, str | None]:
    """An address, once its server is known to be one that may be asked; nothing is sent to any other."""
    server = server_of(address)
    if server not in here.import_from:
        raise InvalidValue(
            "import.server_not_allowed",
            f"Imports may not ask {server}.",
            detail="A server that is told an address by a page could otherwise be sent anywhere in its network.",
            hint=f"Start this server with --import-from {server}.",
        )
    if source:
        return address, source, None
    found = importers.recognize(address)
    return address, found.source, found.reason
