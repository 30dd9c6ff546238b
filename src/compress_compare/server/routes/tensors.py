"""A look into one tensor of a model: cells, channels, spectra."""

from __future__ import annotations

from starlette.responses import Response

from ...comparisons.layers.tensor import TensorView
from ...page import tensors as answers
from ...page.arrow import MEDIA_TYPE, stream
from ...page.wire.layers import SpectraAnswer, SpectraAsk, TensorAnswer, TensorAsk, TileAsk
from ..context import Here
from ..router import API, Router, needs_token
from .layers import ARROW

router = Router(prefix=API, tags=["layers"])


@router.post("/layers/tensor")
@needs_token
def tensor(here: Here, ask: TensorAsk) -> TensorAnswer:
    """Shape, scale and codebook of a tensor."""
    return answers.tensor(here.project.tensor(ask.base, ask.model, name=ask.tensor, alignment=ask.alignment))


@router.post("/layers/tensor/tile", response_class=Response, responses={200: ARROW})
@needs_token
def tile(here: Here, ask: TileAsk) -> Response:
    """At most 256 × 256 cells, row by row, as one Arrow IPC stream; its metadata has `rows` and `columns`."""
    found = answers.tile(here.project.tensor(ask.base, ask.model, name=ask.tensor, alignment=ask.alignment), ask)
    return Response(stream(found), media_type=MEDIA_TYPE)


@router.post("/layers/tensor/channels", response_class=Response, responses={200: ARROW})
@needs_token
def channels(here: Here, ask: TensorAsk) -> Response:
    """A row for each output channel, in order, as one Arrow IPC stream."""
    found = here.project.tensor(ask.base, ask.model, name=ask.tensor, alignment=ask.alignment).channels.arrow
    return Response(stream(answers.channels(found)), media_type=MEDIA_TYPE)


@router.post("/layers/tensor/spectra")
@needs_token
def spectra(here: Here, ask: SpectraAsk) -> SpectraAnswer:
    """Singular values of the tensor in each model that has it, and eigenvalues of its layer's responses."""

    def look(model: str) -> TensorView:
        return here.project.tensor(ask.base, model, name=ask.tensor, alignment=ask.alignment)

    return answers.spectra(here.project, ask, look=look)
