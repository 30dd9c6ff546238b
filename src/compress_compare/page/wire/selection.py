"""What differs within a selection, the frontier and the effects, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from .base import Answer, Ask, Json, Number, number


class SelectionAsk(Ask):
    """The ids of the selected models."""

    models: Annotated[list[str], Field(min_length=1, max_length=10_000)]


class VariableAnswer(Answer):
    """Something that differs within a selection, with its values in order."""

    name: str
    kind: Literal["parameter", "presence", "operation", "sequence", "root"]
    values: list[Json]


class ChartAnswer(Answer):
    """Which variable goes on which channel."""

    x: str | None
    color: str | None
    facet: str | None


class SuggestionAnswer(Answer):
    """Which of the selected models could be charted together: those that have these values."""

    keep: list[tuple[str, Json]]
    models: list[str]


class SelectionAnswer(Answer):
    """What differs within a selection; rows give each model's values in the order of the variables."""

    variables: list[VariableAnswer]
    rows: dict[str, list[Json]]
    chart: ChartAnswer
    constant: list[Json]
    also: list[str]
    reason: str | None
    suggestion: SuggestionAnswer | None


class FrontierAnswer(Answer):
    """The Pareto-optimal models, best first along x, and which column of each metric was taken.

    A metric that was measured in several ways has a column for each; `notes` says what was left out.
    """

    ids: list[str]
    x: str
    y: str
    notes: list[str]


class EffectAnswer(Answer):
    """The matched-pair effect of an operation, or of one change of a parameter, on a metric."""

    operation: str
    parameter: str | None
    condition: str | None
    metric: str
    pairs: int
    mean: Number | None
    median: Number | None
    skewed: bool
    ci_low: Number | None
    ci_high: Number | None
    models: list[list[str]]
    interval: str | None
    confidence: Number | None
    non_finite: int
    missing: int


class EffectsAnswer(Answer):
    """All effects that this project shows."""

    effects: list[EffectAnswer]


def effect(row: Mapping[str, Any]) -> EffectAnswer:
    """One row of the table of effects."""
    fields = {name: row[name] for name in EffectAnswer.model_fields}
    return EffectAnswer.model_validate(
        fields | {name: number(row[name]) for name in ("mean", "median", "ci_low", "ci_high")}
    )
