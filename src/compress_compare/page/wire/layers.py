"""HTTP messages about layers: what to compare, and the suspects."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Answer, Ask, Number

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
