"""What happened inside the layers of models."""

from __future__ import annotations

from starlette.responses import Response

from ...comparisons.layers import activation_answers
from ...comparisons.layers.compare import Layers
from ...errors import NotFound
from ...exporters import model_explorer
from ...page.arrow import stream
from ...page.layer_tables import wanted
from ...page.wire.layers import LayerRow, LayersAsk, LayersOverlay, LayersPair, OverlayAnswer, SuspectsAnswer
from ..arrow_stream import ArrowStream, rows_of
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["layers"])


@router.post(
    "/layers",
    response_class=ArrowStream,
    responses={**rows_of(LayerRow), 204: {"description": "The activations were not compared yet: start the job."}},
)
@needs("read")
def layers(here: Here, ask: LayersAsk) -> Response:
    """A row for each tensor and module of each model, in the order of the tree, as one Arrow IPC stream."""
    try:
        found = _compared(here, ask)
    except NotFound as error:
        if error.code != "layers.not_run":
            raise
        return Response(status_code=204)
    return ArrowStream(stream(wanted(found.table.arrow, ask)))


@router.post("/layers/suspects")
@needs("read")
def suspects(here: Here, ask: LayersPair) -> SuspectsAnswer:
    """The modules that are to blame, worst first, each with the reason in words."""
    found = _compared(here, ask)
    return SuspectsAnswer.model_validate({"suspects": found.suspects.to_pylist()})


@router.post("/layers/overlay", response_class=Response, responses={200: {"model": OverlayAnswer}})
@needs("read")
def overlay(here: Here, ask: LayersOverlay) -> Response:
    """One number per tensor of one model, as a file of node data for Model Explorer."""
    found = _compared(here, ask)
    content = model_explorer.overlay(found.table.arrow, model=ask.model, measure=ask.measure)
    return Response(content, media_type="application/json")


def _compared(here: Here, ask: LayersPair) -> Layers:
    if ask.what == "activations":
        return activation_answers.kept(here.project, ask.base, models=ask.models, examples=ask.examples)
    return here.project.layers(ask.base, ask.models, ask.what, alignment=ask.alignment)
