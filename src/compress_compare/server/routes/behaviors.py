"""What changed for single instances, classes and slices."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.responses import Response

from ...errors import NotFound
from ...exporters import tables
from ...page import answers, payloads
from ...page.wire.behaviors import Answered, BehaviorsAnswer, BehaviorsAsk, InstanceAnswer, InstanceAsk
from .. import strict_json
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["behaviors"])

Dataset = Annotated[str, Query(description="The dataset's name.")]
ATTACHED = 'attachment; filename="{}"'


def _bytes(*media_types: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {name: {"schema": {"type": "string", "format": "binary"}} for name in media_types}}}


@router.post("/behaviors")
@needs("read")
def behaviors(here: Here, ask: BehaviorsAsk) -> BehaviorsAnswer:
    """A base against models on a dataset by a per-instance metric: the parts that are asked for, the others null."""
    found = here.comparisons.get(ask.base, ask.models, dataset=ask.dataset, metric=ask.metric, by=ask.by)
    return answers.behaviors(found, ask)


@router.post("/behaviors/instance")
@needs("read")
def instance(here: Here, ask: InstanceAsk) -> InstanceAnswer:
    """One instance: its text, and what base and models made of it."""
    payload = here.payloads.get(ask.dataset, ask.id)
    found = here.comparisons.get(ask.base, ask.models, dataset=ask.dataset, metric=ask.metric, by=[])
    return answers.instance(found, payload, id=payload.id)


@router.get("/behaviors/image", response_class=Response, responses=_bytes("image/*"))
@needs("read")
def image(here: Here, dataset: Dataset, id: Annotated[str, Query(description="The instance's id.")]) -> Response:
    """The image of one instance as it was logged; bytes that are no image of a known kind are only bytes."""
    content = here.payloads.get(dataset, id).image
    if content is None:
        raise NotFound("instance.no_image", "This instance has no image.")
    return _file(content, "image")


@router.get("/behaviors/audio", response_class=Response, responses=_bytes("audio/*"))
@needs("read")
def audio(here: Here, dataset: Dataset, id: Annotated[str, Query(description="The instance's id.")]) -> Response:
    """The sound of one instance as it was logged."""
    content = here.payloads.get(dataset, id).audio
    if content is None:
        raise NotFound("instance.no_audio", "This instance has no sound.")
    return _file(content, "audio")


@router.get("/behaviors/export", response_class=Response, responses=_bytes(*tables.MEDIA_TYPES.values()))
@needs("read")
def export(
    here: Here,
    ask: Annotated[str, Query(description="What to compare, as the JSON that `POST behaviors` takes.")],
    part: Literal["summary", "groups", "changes", "instances", "slices", "exemplars", "calibration", "segmentation"],
    format: tables.Format,
) -> Response:
    """A table of a comparison as a file: of the instances, all that the conditions leave."""
    wanted = _read(ask)
    found = here.comparisons.get(wanted.base, wanted.models, dataset=wanted.dataset, metric=wanted.metric, by=wanted.by)
    table = found.part(part, wanted.instances.sort, where=wanted.instances.where)
    return Response(
        tables.written(table.arrow, format),
        media_type=tables.MEDIA_TYPES[format],
        headers={"Content-Disposition": ATTACHED.format(f"{part}.{format}")},
    )


@router.get("/behaviors/answered")
@needs("read")
def answered(here: Here, dataset: Dataset) -> Answered:
    """Which models have outputs on a dataset, or on equal data under another name."""
    return Answered(dataset=dataset, models=here.project.answered(dataset))


def _file(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": ATTACHED.format(name)}
    return Response(content, media_type=payloads.media_type(content), headers=headers)


def _read(text: str) -> BehaviorsAsk:
    try:
        return BehaviorsAsk.model_validate(strict_json.loads(text.encode()))
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False)) from error
