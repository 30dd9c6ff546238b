"""Copies of the project: giving one as an archive, and merging another, looked at first, then all of it or nothing."""

from __future__ import annotations

from typing import Any

from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from ...errors import InvalidValue
from ...page.wire import merging as wire
from ...store.archive import SUFFIX
from ...store.merging import merge as merging
from ...store.merging.opened import opened
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["merge"])


ARCHIVE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("/archive", response_class=Response, responses=ARCHIVE)
@needs("read")
def archive(here: Here) -> Response:
    """The whole project as one file, as `pack` writes it."""
    made = here.archives.open()
    name = f"{here.project.name}{SUFFIX}"
    done = BackgroundTask(here.archives.release, made)
    return FileResponse(made.path, media_type="application/zip", filename=name, background=done)


@router.post("/merge/preview")
@needs("run")
def preview(here: Here, ask: wire.MergeAsk) -> wire.MergePreviewAnswer:
    """What a merge would bring, and where the two contradict each other. Nothing is changed."""
    with opened(_place(here, ask)) as other:
        found = merging.preview(here.project, other)
    listed = [wire.conflict(one) for one in found.conflicts]
    return wire.MergePreviewAnswer(num_models=found.num_models, num_new=found.num_new, conflicts=listed)


@router.post("/merge")
@needs("run")
def merge(here: Here, ask: wire.MergeAsk) -> wire.MergeAnswer:
    """Bring in what another copy of the project has; refused while a conflict is not decided."""
    report = here.project.merge(_place(here, ask), on_conflict={**ask.choices, "*": ask.rule})
    return wire.merged(report)


def _place(here: Here, ask: wire.MergeAsk) -> str:
    if (ask.upload is None) == (ask.path is None):
        raise InvalidValue("merge.place", "Name either an archive that was sent or a path.")
    if ask.upload is not None:
        return str(here.uploads.place(ask.upload))
    if "://" in str(ask.path) or not str(ask.path).startswith("/"):
        raise InvalidValue("merge.place", "Give the whole path of an archive or project of this machine, from / on.")
    return str(ask.path)
