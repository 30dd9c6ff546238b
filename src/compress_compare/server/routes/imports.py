"""Importing what other tools wrote: files that the page sends, or a path on this machine."""

from __future__ import annotations

from ... import importers
from ...errors import InvalidValue
from ...importers.registry import available
from ...page.wire import imports as wire
from ...page.wire.jobs import JobAnswer
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["import"])


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
    return wire.preview(
        importers.preview(read, here.project),
        source=source,
        recognized_by=reason,
        mapping=read.mapping,
        sources=list(available()),
    )


@router.post("/import", status_code=201)
@needs("run")
def start(here: Here, ask: wire.ImportAsk) -> JobAnswer:
    """Import, as a job: all of it comes in, or nothing."""
    path, source, _ = _understood(here, ask)
    title = f"import {path.rpartition('/')[2]} ({source})"
    job = here.work.bring(title, source=source, paths=[path], how=ask.how())
    return JobAnswer.model_validate(job, from_attributes=True)


def _understood(here: Here, ask: wire.ImportAsk) -> tuple[str, str, str | None]:
    """Path, source, and by what the source was recognized."""
    if (ask.upload is None) == (ask.path is None):
        raise InvalidValue("import.choice", "Name either files that were sent or a path.")
    if ask.path is not None and ("://" in ask.path or not ask.path.startswith("/")):
        raise InvalidValue("import.path", "Give the whole path of a file or folder of this machine, from / on.")
    path = str(here.uploads.place(ask.upload)) if ask.upload is not None else str(ask.path)
    if ask.source:
        return path, ask.source, None
    found = importers.recognize(path)
    return path, found.source, found.reason
