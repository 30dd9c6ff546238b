"""Changes of what was logged: each is told to all open pages, and can be taken back."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from ...page.wire.changes import (
    Archiving,
    AuditAnswer,
    AuditEntry,
    ChangeMade,
    Correcting,
    DescendantsAnswer,
    HistoryAnswer,
    Purged,
    Rebasing,
    Renaming,
    Undoing,
    change,
    changes,
)
from ...records import Change, Operation
from ...store.corrections import SeenReading
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["changes"])

Id = Annotated[str, Query(description="The model's id.")]
OfModel = Annotated[str | None, Query(description="The id of one model; all changes if it is left out.")]
Descendants = Annotated[bool, Query(description="Whether the models that come from it are deleted, too.")]
Reason = Annotated[str, Query(description="Why, for the history.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many changes, 1 to 1,000.")]


@router.get("/history")
@needs("read")
def history(here: Here, id: OfModel = None, limit: Limit = 200) -> HistoryAnswer:
    """What was changed, the newest first, and which models are archived or deleted now."""
    found = here.project.history(id)[:limit]
    return HistoryAnswer(changes=changes(found), archived=here.project.archived(), deleted=here.project.deleted())


@router.get("/audit")
@needs("admin")
def audit(here: Here, limit: Limit = 200) -> AuditAnswer:
    """Who did what, the newest first: models, changes, notes, views and jobs."""
    rows = here.project.audit(limit=limit).to_pylist()
    return AuditAnswer(entries=[AuditEntry.model_validate(row) for row in rows])


@router.delete("/model")
@needs("log")
def delete_model(here: Here, id: Id, descendants: Descendants = False, reason: Reason = "") -> ChangeMade:
    """Delete a model; it can be restored until the project is purged."""
    return _made(here.project.delete(id, descendants=descendants, reason=reason))


@router.get("/model/descendants")
@needs("read")
def descendants(here: Here, id: Id) -> DescendantsAnswer:
    """The models that come from one, and would be deleted with it."""
    return DescendantsAnswer(models=here.project.descendants(id))


@router.post("/model/restore")
@needs("log")
def restore_model(here: Here, id: Id) -> ChangeMade:
    """Put a deleted model back, with all that was deleted together with it."""
    return _made(here.project.restore_deleted(id))


@router.post("/model/rename")
@needs("log")
def rename_model(here: Here, id: Id, renaming: Renaming) -> ChangeMade:
    """Give a model another id."""
    return _made(here.project.rename(id, renaming.id, reason=renaming.reason))


@router.post("/model/base")
@needs("log")
def set_base(here: Here, id: Id, rebasing: Rebasing) -> ChangeMade:
    """Say that a model came from another base, or by another operation."""
    asked = rebasing.operation
    applied = here.project.model(id).operation if asked is None else Operation(asked.name, **asked.parameters)
    return _made(here.project.set_base(id, rebasing.base, applied, reason=rebasing.reason))


@router.post("/model/archive")
@needs("log")
def archive_model(here: Here, id: Id, archiving: Archiving) -> ChangeMade:
    """Hide a model, or show it again."""
    if not archiving.archived:
        return _made(here.project.unarchive(id))
    return _made(here.project.archive(id, descendants=archiving.descendants, reason=archiving.reason))


@router.post("/model/correct")
@needs("log")
def correct_model(here: Here, id: Id, correcting: Correcting) -> ChangeMade:
    """Replace metric values that were wrong."""
    values = {name: None if value is None else float(value) for name, value in correcting.values.items()}
    seen = {
        name: SeenReading(float(one.value), one.slice, one.device, one.dataset, one.protocol)
        for name, one in correcting.seen.items()
    }
    return _made(here.project.correct(id, values, reason=correcting.reason, seen=seen))


@router.post("/purge")
@needs("admin")
def purge(here: Here) -> Purged:
    """Give the space of deleted models back, which cannot be restored any more."""
    gone = here.project.purge()
    return Purged(models=gone.models, num_files=gone.count, num_bytes=gone.num_bytes)


@router.post("/undo")
@needs("log")
def undo(here: Here, undoing: Undoing) -> ChangeMade:
    """Take a change back."""
    return _made(here.project.undo(undoing.number))


def _made(made: Change | None) -> ChangeMade:
    return ChangeMade(change=None if made is None else change(made))
