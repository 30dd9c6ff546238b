"""A look into one tensor of a model: cells, channels, spectra."""

from __future__ import annotations

from ...comparisons.layers.tensor import TensorView
from ...page import tensors as answers
from ...page.arrow import stream
from ...page.wire.layers import ChannelRow, SpectraAnswer, SpectraAsk, TensorAnswer, TensorAsk, TileAsk, TileCell
from ..arrow_stream import ArrowStream, rows_of
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["layers"])


@router.post("/layers/tensor")
@needs("read")
def tensor(here: Here, ask: TensorAsk) -> TensorAnswer:
    """Shape, scale and codebook of a tensor."""
    return answers.tensor(here.project.tensor(ask.base, ask.model, name=ask.tensor, alignment=ask.alignment))


@router.post("/layers/tensor/tile", response_class=ArrowStream, responses=rows_of(TileCell))
@needs("read")
def tile(here: Here, ask: TileAsk) -> ArrowStream:
    """At most 256 × 256 cells, row by row, as one Arrow IPC stream; its metadata has `rows` and `columns`."""
    found = answers.tile(here.project.tensor(ask.base, ask.model, name=ask.tensor, alignment=ask.alignment), ask)
    return ArrowStream(stream(found))


@router.post("/layers/tensor/channels", response_class=ArrowStream, responses=rows_of(ChannelRow))
@needs("read")
def channels(here: Here, ask: TensorAsk) -> ArrowStream:
    """A row for each output channel, in order, as one Arrow IPC stream."""
    found = here.project.tensor(ask.base, ask.model, name=ask.tensor, alignment=ask.alignment).channels.arrow
    return ArrowStream(stream(answers.channels(found)))


@router.post("/layers/tensor/spectra")
@needs("read")
def spectra(here: Here, ask: SpectraAsk) -> SpectraAnswer:
    """Singular values of the tensor in each model that has it, and eigenvalues of its layer's responses."""

    def look(model: str) -> TensorView:
        return here.project.tensor(ask.base, model, name=ask.tensor, alignment=ask.alignment)

    return answers.spectra(here.project, ask, look=look)
