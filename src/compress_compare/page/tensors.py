"""What a look into a tensor finds, in the form in which it travels."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa

from ..analysis.layers.tiles import TilePlace
from ..analysis.layers.values import Array
from ..comparisons.layers import activation_answers
from ..comparisons.layers.tensor import TensorView
from ..errors import NotFound
from ..store.store import Store
from .arrow import single
from .wire.base import Number, number
from .wire.layers import OccupancyAnswer, SpectraAnswer, SpectraAsk, SpectrumAnswer, TensorAnswer, TileAsk


def tensor(view: TensorView) -> TensorAnswer:
    """Its facts."""
    rows, columns = view.size
    measured = view.measured
    return TensorAnswer(
        model=view.model,
        tensor=view.name,
        counterpart=view.counterpart,
        alignment=view.alignment,
        compares=view.compares,
        shape=list(view.shape),
        dtype=view.dtype,
        rows=rows,
        columns=columns,
        rms=_told(measured.rms[0]),
        rms_change=_told(measured.rms[1]),
        peak=_told(float(measured.peak.max(initial=0))),
        peak_change=None if measured.change is None else number(float(measured.change.max(initial=0))),
        codebook=_occupancy(view.codebook),
        codes=_occupancy(view.codes),
    )


def tile(view: TensorView, ask: TileAsk) -> pa.Table:
    """The cells that are asked for."""
    place = TilePlace(row_level=ask.row_level, column_level=ask.column_level, row=ask.row, column=ask.column)
    return view.tile(place, ask.what)


def channels(found: pa.Table) -> pa.Table:
    """Channels without their numbers, which are their places, and with half the digits."""
    counts = found.schema.get_field_index("num_zeros")
    found = found.set_column(counts, "num_zeros", found["num_zeros"].cast(pa.float64()))
    return single(found.drop_columns(["channel"]))


def spectra(project: Store, ask: SpectraAsk, *, look: Callable[[str], TensorView]) -> SpectraAnswer:
    """Those of all models that have the tensor.

    Args:
        project: where answers about activations are kept.
        ask: which tensor of which models.
        look: from the id of a model to its tensor.
    """
    try:
        kept = activation_answers.kept(project, ask.base, models=ask.models, examples=ask.examples)
    except NotFound as error:
        if error.code != "layers.not_run":
            raise
        kept = None
    module = ask.tensor.rpartition(".")[0]
    found = []
    for model in ask.models:
        try:
            view = look(model)
        except NotFound as error:
            if error.code != "layers.no_tensor":
                raise
            continue
        values = view.spectrum.values
        eigenvalues = None if kept is None else kept.spectra.get((model, module))
        found.append(
            SpectrumAnswer(
                model=model,
                singular_values=None if values is None else [_told(float(value)) for value in values],
                why=view.spectrum.why,
                eigenvalues=None if eigenvalues is None else [_told(value) for value in eigenvalues],
            )
        )
    return SpectraAnswer(spectra=found, num_examples=None if kept is None else ask.examples)


def _told(value: float) -> Number:
    told = number(value)
    return 0.0 if told is None else told


def _occupancy(found: Mapping[str, Array] | None) -> OccupancyAnswer | None:
    if found is None:
        return None
    return OccupancyAnswer(values=[_told(float(value)) for value in found["values"]], counts=found["counts"].tolist())
