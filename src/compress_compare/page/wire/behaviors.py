"""What travels over HTTP about single instances: what to compare, and the tables of the answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from .base import Answer, Ask

Condition = Annotated[list[Any], Field(min_length=3, max_length=3)]
"""`[column, operator, value]`."""


class InstancesAsk(Ask):
    """Which instances: a column to sort by (`-` before it: descending), conditions that all hold, a page."""

    sort: str | None = None
    where: Annotated[list[Condition], Field(default_factory=list, max_length=50)]
    limit: Annotated[int, Field(ge=0, le=1000)] = 100
    offset: Annotated[int, Field(ge=0)] = 0


Part = Literal[
    "summary",
    "histograms",
    "groups",
    "changes",
    "pairs",
    "confusion",
    "calibration",
    "perplexity",
    "exemplars",
    "slices",
    "instances",
]
FIRST: tuple[Part, ...] = ("summary", "histograms")


class BehaviorsAsk(Ask):
    """What to compare, and which parts of the answer are wanted. Histograms follow the conditions on instances."""

    base: str
    models: Annotated[list[str], Field(min_length=1, max_length=200)]
    dataset: str
    metric: str | None = None
    """A per-instance metric; null for the one that fits the task."""
    by: Annotated[list[str], Field(default_factory=list, max_length=2)]
    parts: list[Part] = Field(default_factory=lambda: list(FIRST))
    instances: InstancesAsk = Field(default_factory=lambda: InstancesAsk.model_validate({}))
    confusion_of: str | None = None
    relative: bool = False
    """Whether histograms are of the values minus those of the base."""


class InstanceAsk(Ask):
    """One instance of a comparison."""

    base: str
    models: Annotated[list[str], Field(min_length=1, max_length=200)]
    dataset: str
    metric: str | None = None
    id: int | str


Rows = list[dict[str, Any]]
"""A table, one object per row, keyed by the names of its columns."""


class BehaviorsAnswer(Answer):
    """A base against models. A part that was not asked for, or cannot be without labels or classes, is null."""

    base: str
    models: list[str]
    metric: str
    higher_is_better: bool | None
    """The direction of the metric; null where it has none."""
    meaning: str
    """What the metric is, in one sentence."""
    metrics: list[str]
    columns: list[str]
    group_columns: list[str]
    num_instances: int
    summary: Rows | None
    histograms: Rows | None
    groups: Rows | None
    changes: Rows | None
    pairs: Rows | None
    confusion: Rows | None
    calibration: Rows | None
    calibration_errors: dict[str, float | None] | None
    """Expected calibration error by model."""
    perplexity: Rows | None
    exemplars: Rows | None
    slices: Rows | None
    instances: Rows | None
    total: int | None


class TokenNumbers(Answer):
    """One number per token, as a model gave them."""

    measure: str
    model: str
    values: list[float | str | None]


class InstanceAnswer(Answer):
    """One instance and what base and models made of it."""

    row: dict[str, Any]
    """As in a list of instances."""
    text: str | None
    """The whole text that was logged, if any, up to a limit."""
    is_cut: bool
    """Whether the text is longer than that."""
    has_image: bool
    has_audio: bool
    tokens: list[str]
    """At most 2,000; empty without tokens."""
    token_numbers: list[TokenNumbers]
    probabilities: Rows
    """`model, class, probability`: the same largest classes of every model; empty without probabilities."""


class Answered(Answer):
    """Which models have outputs on a dataset, or on equal data under another name."""

    dataset: str
    models: list[str]
