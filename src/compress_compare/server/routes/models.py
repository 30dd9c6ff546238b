"""The models: all of them in bulk, a page of them, and one with everything about it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from .. import wire
from ..arrow import MEDIA_TYPE
from ..context import Here
from ..router import API, Router, needs_token

router = Router(prefix=API, tags=["models"])

Id = Annotated[str, Query(description="The model's id.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many models, 1 to 1,000.")]
Offset = Annotated[int, Query(ge=0, le=2**53, description="How many models to skip.")]


@router.get(
    "/models",
    response_model=wire.ModelPage,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
        304: {"description": "The models are still those of the given ETag."},
    },
)
@needs_token
def models(here: Here, request: Request, limit: Limit = 100, offset: Offset = 0) -> wire.ModelPage | Response:
    """A page as JSON, or with `Accept: application/vnd.apache.arrow.stream` all models as one Arrow IPC stream."""
    snapshot = here.snapshots.latest()
    if MEDIA_TYPE not in request.headers.get("accept", ""):
        return snapshot.page(limit, offset)
    headers = {"ETag": snapshot.etag, "X-Revision": str(snapshot.revision), "Vary": "Accept"}
    if request.headers.get("if-none-match") == snapshot.etag:
        return Response(status_code=304, headers=headers)
    return Response(snapshot.stream, media_type=MEDIA_TYPE, headers=headers)


@router.get("/model")
@needs_token
def model(here: Here, id: Id) -> wire.Model:
    """Everything about one model."""
    return wire.model(here.project.model(id))


@router.patch("/model")
@needs_token
def change_model(here: Here, id: Id, change: wire.ModelChange) -> wire.Model:
    """Set a model's note, its tags, or both."""
    if change.note is not None:
        here.project.set_note(id, change.note)
    if change.tags is not None:
        here.project.set_tags(id, change.tags)
    return wire.model(here.project.model(id))
