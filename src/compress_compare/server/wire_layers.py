"""What travels over HTTP about layers: what to compare, and who is to blame."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .wire import Answer, Ask, Number


class LayersPair(Ask):
    """A base and models, by id; the base may stand among the models to be described by itself."""

    base: str
    models: Annotated[list[str], Field(min_length=1, max_length=100)]
    what: Literal["sparsity", "weights", "storage", "activations"] = "weights"
    examples: Annotated[int, Field(ge=1, le=100_000)] = 256
    """For activations, on how many examples a job compared them."""


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


class Suspect(Answer):
    """A module of a model, how suspicious it is, and why in words."""

    module: str
    model: str
    score: Number
    reason: str


class Suspects(Answer):
    """Who is to blame, worst first."""

    suspects: list[Suspect]
