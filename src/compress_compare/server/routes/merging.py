"""Merging another copy of the project: looked at first, then all of it, or nothing."""

from __future__ import annotations

from ...errors import InvalidValue
from ...page.wire import merging as wire
from ...store.merging.merge import conflicts
from ...store.merging.opened import opened
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["merge"])


@router.post("/merge/preview")
@needs("run")
def preview(here: Here, ask: wire.MergeAsk) -> wire.MergePreviewAnswer:
    """What a merge would bring, and where the two contradict each other. Nothing is changed."""
    with opened(_place(here, ask)) as other:
        found = conflicts(here.project, other)
        ids = [*other.models()["id"].to_pylist(), *other.archived()]
    new = sum(id not in here.project for id in ids)
    return wire.MergePreviewAnswer(num_models=len(ids), num_new=new, conflicts=[wire.conflict(one) for one in found])


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
