"""HTTP messages about layers: what to compare, and the suspects."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import Field, create_model

from ...analysis.layers import activations, covered, measures, table
from .base import Answer, ArrowRow, Ask, Number

Alignment = Annotated[dict[str, str], Field(max_length=1000)]
Level = Annotated[int, Field(ge=0, le=40)]
"""Of zoom: a cell stands for 2^level numbers along a side."""


class LayersPair(Ask):
    """A base and models, by id; the base may stand among the models to be described by itself."""

    base: str
    models: Annotated[list[str], Field(min_length=1, max_length=100)]
    what: Literal["sparsity", "weights", "storage", "activations"] = "weights"
    examples: Annotated[int, Field(ge=1, le=100_000)] = 256
    """For activations, on how many examples a job compared them."""
    alignment: Alignment = Field(default_factory=dict)
    """For names of tensors of the base, those of models that are compared with them where no rule finds them."""


class LayersAsk(LayersPair):
    """What to compare, and which rows and columns of the table are wanted; of a list left null, all."""

    modules: Annotated[list[str], Field(max_length=1000)] | None = None
    columns: Annotated[list[str], Field(max_length=100)] | None = None
    match: Annotated[str, Field(max_length=1000)] | None = None
    """A regular expression that finds something in `module.parameter`. It takes time linear in the names."""
    histograms: Literal["counts", "heights"] = "counts"
    """As heights, each histogram is scaled to 255 for its fullest bin: an eighth of the space."""


class LayersOverlay(LayersPair):
    """One of the models, and the number that is laid over the graph."""

    model: str
    measure: Annotated[str, Field(max_length=200)]


class OverlayValue(Answer):
    """The number of one node."""

    value: float


class OverlayStop(Answer):
    """A color of the gradient: where it is, from 0 to 1, and the color of text on it."""

    stop: float
    background: Annotated[str, Field(alias="bgColor")]
    text: Annotated[str, Field(alias="textColor")]


class OverlayAnswer(Answer):
    """Node data for Model Explorer: a number by node, and the gradient from the smallest to the largest."""

    name: str
    results: dict[str, OverlayValue]
    gradient: list[OverlayStop]


def _row_of_all_modes() -> type[ArrowRow]:
    """The columns of all modes, as the schemas of the tables have them; counts travel in double precision."""
    modes = (measures.SPARSITY, measures.WEIGHTS, measures.STORAGE, activations.SCHEMA, covered.FIELDS)
    columns = {field.name: field.type for schema in (table.KEYS, *modes) for field in schema}
    always = ("module", "model", "num_parameters")
    fields: dict[str, Any] = {
        name: (_kind(type_) if name in always else _kind(type_) | None, ...) for name, type_ in columns.items()
    }
    doc = "A tensor or module of a model, in the order of the tree. A stream has the columns of its mode alone."
    return create_model("LayerRow", __base__=ArrowRow, __doc__=doc, __module__=__name__, **fields)


def _kind(type_: pa.DataType) -> Any:
    if pa.types.is_list(type_):
        return list[float]
    return str if pa.types.is_string(type_) else float


LayerRow = _row_of_all_modes()


class TileCell(ArrowRow):
    """A cell of a tile, row by row; the metadata of the stream has `rows` and `columns`.

    A stream has the columns of what is shown: `mean, peak` of values; these, `model, base` of changes; the shares of
    zeros of a mask.
    """

    mean: float
    peak: float
    """The number furthest from zero."""
    model: float
    """Its mean in the model."""
    base: float
    zero_both: float
    zero_model_only: float
    zero_base_only: float


class ChannelRow(ArrowRow):
    """An output channel of a tensor, in order. What compares is null without a counterpart in the base."""

    norm: float
    peak: float
    num_zeros: float
    base_norm: float | None
    change: float | None
    relative_change: float | None


class SuspectAnswer(Answer):
    """A module of a model, how suspicious it is, and why in words."""

    module: str
    model: str
    score: Number
    reason: str


class SuspectsAnswer(Answer):
    """The suspects, worst first."""

    suspects: list[SuspectAnswer]


class TensorAsk(Ask):
    """One tensor of a model beside the base's, by the name that the table has for it: module, dot, parameter."""

    base: str
    model: str
    tensor: Annotated[str, Field(max_length=10_000)]
    alignment: Alignment = Field(default_factory=dict)


class TileAsk(TensorAsk):
    """Which cells of the tensor as a matrix: output channels are rows, all other dimensions together are columns.

    A cell stands for 2^row_level rows and 2^column_level columns; tiles have 256 × 256 cells and are counted from 0.
    """

    what: Literal["value", "change", "mask"] = "value"
    row_level: Level = 0
    column_level: Level = 0
    row: Annotated[int, Field(ge=0)] = 0
    column: Annotated[int, Field(ge=0)] = 0


class SpectraAsk(Ask):
    """The spectra of one tensor in several models."""

    base: str
    models: Annotated[list[str], Field(min_length=1, max_length=100)]
    tensor: Annotated[str, Field(max_length=10_000)]
    examples: Annotated[int, Field(ge=1, le=100_000)] = 256
    """On how many examples activations were compared."""
    alignment: Alignment = Field(default_factory=dict)


class OccupancyAnswer(Answer):
    """Values in ascending order, and how many numbers of the tensor have each."""

    values: list[Number]
    counts: list[int]


class TensorAnswer(Answer):
    """A tensor and what is needed to draw it."""

    model: str
    tensor: str
    counterpart: str | None
    """Its name in the model, where it has one of its own."""
    alignment: str
    compares: bool
    """Whether each number has one of the base."""
    shape: list[int]
    dtype: str
    rows: int
    columns: int
    rms: Number
    """Root of the mean square of the finite numbers."""
    rms_change: Number
    peak: Number
    """Largest absolute number."""
    peak_change: Number | None
    """Largest length of the change of a channel."""
    codebook: OccupancyAnswer | None
    """Where there are at most 256 distinct values."""
    codes: OccupancyAnswer | None
    """Of packed numbers, the integers that the file holds."""


class SpectrumAnswer(Answer):
    """Singular values of a model's tensor, and eigenvalues of its layer's responses, largest first."""

    model: str
    singular_values: list[Number] | None
    why: str
    """Why there are no singular values, in a sentence."""
    eigenvalues: list[Number] | None
    """Of the covariance of the layer's responses, which principal filter analysis looks at."""


class SpectraAnswer(Answer):
    """A spectrum for each model that has the tensor."""

    spectra: list[SpectrumAnswer]
    num_examples: int | None
    """On which the responses were gathered; null where no comparison of activations of these models is kept."""
