"""What travels over HTTP about the sensitivity of layers, and about plans."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Answer, Ask, Json, Number

BudgetKind = Literal["bytes", "bits_per_weight", "macs", "latency"]
Toolkit = Literal[
    "recipe", "llm-compressor", "torchao", "coremltools", "coreai-opt", "modelopt", "auto-round", "nncf"
]  # fmt: skip


class SensitivityRow(Answer):
    """One layer at one level: the metric with only this layer compressed, and its change with a 95% interval."""

    layer: str
    operation: str
    parameters: dict[str, Json]
    value: Number | None
    change: Number | None
    ci_low: Number | None
    ci_high: Number | None
    weights: int
    layer_bytes: int
    layer_bytes_before: int


class PlanPoint(Answer):
    """A plan: `chosen` are the places of its rows, `used` is in the unit of the budget, `size` in packed bytes."""

    used: float
    size: float
    value: Number | None
    ci_low: Number | None
    ci_high: Number | None
    chosen: list[int]


class PlanCurve(Answer):
    """The plans of all budgets of one kind, the smallest first and that of the uncompressed model last."""

    kind: BudgetKind
    points: list[PlanPoint]


class SensitivityAnswer(Answer):
    """What is kept of a model: nothing if it was not measured, and then `rows` is empty. `count` is of examples.

    `reason` says why nothing can be measured: the model has no weights, or no metric says how good it is.
    """

    model: str
    reason: str = ""
    metric: str
    value: Number | None
    count: int | None
    rows: list[SensitivityRow]
    curves: list[PlanCurve]


class PlanExport(Ask):
    """Write the plan of some rows, of the so many that there were, for this tool or another one."""

    model: str
    metric: str
    count: Annotated[int, Field(ge=1)]
    chosen: Annotated[list[int], Field(max_length=100_000)]
    toolkit: Toolkit


class PlanFile(Answer):
    """A plan as text, and the name of a file for it."""

    text: str
    file: str
