"""The models: all of them in bulk, a page of them, and one with everything about it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Request
from starlette.responses import Response

from ...errors import InvalidValue
from ...page.arrow import MEDIA_TYPE
from ...page.snapshot import Kind, Snapshot
from ...page.wire import coverage as wire_coverage
from ...page.wire.models import FoundModels, ModelAnswer, ModelChange, ModelPage, StreamedErrors, StreamedModel
from ...page.wire.models import model as model_answer
from ..arrow_stream import ArrowStream, rows_of
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["models"])

Id = Annotated[str, Query(description="The model's id.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many models, 1 to 1,000.")]
Where = Annotated[
    str, Query(max_length=10_000, description="E.g. `Packed Size < 300 kB and operation contains prune`.")
]
Sort = Annotated[tuple[str, ...], Query(description="Columns; one that begins with - from the largest.")]
Precision = Annotated[
    Literal["double", "single"],
    Query(description="Of the metrics in a stream: single takes half the space and keeps seven digits."),
]
ROWS = {"type": "array", "items": {"$ref": f"#/components/schemas/{StreamedModel.__name__}"}}
Offset = Annotated[int, Query(ge=0, le=2**53, description="How many models to skip.")]


@router.get(
    "/models",
    response_model=ModelPage,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": ROWS}}},
        304: {"description": "The models are still those of the given ETag."},
    },
)
@needs("read")
def models(
    here: Here, request: Request, limit: Limit = 100, offset: Offset = 0, precision: Precision = "double"
) -> Response:
    """A page as JSON, or with `Accept: application/vnd.apache.arrow.stream` all models as one Arrow IPC stream."""
    snapshot = here.snapshots.latest()
    if MEDIA_TYPE not in request.headers.get("accept", ""):
        return Response(snapshot.page(limit, offset), media_type="application/json")
    return _stream(request, snapshot, precision)


@router.get(
    "/standard-errors",
    response_class=ArrowStream,
    responses={**rows_of(StreamedErrors), 304: {"description": "Unchanged."}},
)
@needs("read")
def standard_errors(here: Here, request: Request) -> Response:
    """One row per model as an Arrow IPC stream: its id, then the standard errors of each metric that has any."""
    return _stream(request, here.snapshots.latest(), "errors")


def _stream(request: Request, snapshot: Snapshot, kind: Kind) -> Response:
    """A stream of a snapshot, packed where the client can unpack it; nothing where it has it already."""
    etag = snapshot.etag(kind)
    headers = {"ETag": etag, "X-Revision": str(snapshot.revision), "Vary": "Accept, Accept-Encoding"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(snapshot.stream(kind), media_type=MEDIA_TYPE, headers=headers)
    return Response(snapshot.packed(kind), media_type=MEDIA_TYPE, headers=headers | {"Content-Encoding": "gzip"})


@router.get("/models/find")
@needs("read")
def find(here: Here, where: Where = "", sort: Sort = ()) -> FoundModels:
    """The models that meet a condition, as `compress-compare ls --where` finds them."""
    found: list[str] = here.project.find(where, sort=sort)["id"].to_pylist()
    return FoundModels(models=found)


@router.get("/model")
@needs("read")
def model(here: Here, id: Id) -> ModelAnswer:
    """Everything about one model."""
    return model_answer(here.project.model(id))


@router.get("/model/coverage")
@needs("read")
def coverage(here: Here, id: Id) -> wire_coverage.CoverageAnswer:
    """What the operation that made a model changed, skipped, and changed though it should not have."""
    base = here.project.model(id).base
    if base is None:
        raise InvalidValue("model.no_base", f"Model {id!r} is a root: there is no base to compare it with.")
    return wire_coverage.coverage(base, here.project.coverage(base, id).arrow)


@router.patch("/model")
@needs("log")
def change_model(here: Here, id: Id, change: ModelChange) -> ModelAnswer:
    """Set a model's note, its tags, or both."""
    if change.note is not None:
        here.project.set_note(id, change.note)
    if change.tags is not None:
        here.project.set_tags(id, change.tags)
    return model_answer(here.project.model(id))
