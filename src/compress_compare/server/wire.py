"""What travels over HTTP: the declared request and response models, and how records become them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from .. import records

Number = float | Literal["NaN", "Infinity", "-Infinity"]
"""A measured number; the values that JSON has no literal for are strings."""


class Answer(BaseModel):
    """A response. Every field is always present."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class Ask(BaseModel):
    """A request body. Misspelt fields are refused, types are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Problem(Answer):
    """An error: a stable code, a sentence, what exactly, and what to do (RFC 9457)."""

    status: int
    code: str
    title: str
    detail: str
    hint: str
    trace_id: str


class Health(Answer):
    """The server is up."""

    status: Literal["ok"]


class Watched(Answer):
    """How far a request is: what is done now, and how many of the steps of that; 0 of 0 while it is not known."""

    what: str
    done: int
    total: int


class Metric(Answer):
    """The definition of a metric."""

    name: str
    unit: str
    format: str
    higher_is_better: bool | None
    primary: bool
    min: float | None
    max: float | None
    description: str


class OperationUse(Answer):
    """An operation in this project: the parameters it was given and how many models it made."""

    name: str
    parameters: list[str]
    count: int


class Dataset(Answer):
    """A dataset that models were evaluated on."""

    name: str
    fingerprint: str
    num_instances: int
    columns: list[str]


class Project(Answer):
    """What a project holds, without its models."""

    name: str
    version: str
    revision: int
    num_models: int
    metrics: list[Metric]
    operations: list[OperationUse]
    datasets: list[Dataset]
    tags: list[str]


class Reference(Answer):
    """A second parent with its role."""

    role: str
    model: str


class ModelRow(Answer):
    """A model as lists show it; a metric it lacks is null."""

    id: str
    base: str | None
    operation: str | None
    parameters: dict[str, Any]
    step: int
    tags: list[str]
    references: list[Reference]
    metrics: dict[str, Number | None]


class ModelPage(Answer):
    """A page of the models, in the order of logging."""

    models: list[ModelRow]
    total: int
    revision: int


class Step(Answer):
    """One step of a lineage: the model it made and how."""

    model: str
    operation: str | None
    parameters: dict[str, Any]


class MetricValue(Answer):
    """One measured number with its slice, device, sample count and standard error."""

    name: str
    value: Number
    slice: str | None
    device: str | None
    count: int | None
    standard_error: float | None


class StoredFile(Answer):
    """A file of a checkpoint."""

    name: str
    sha256: str
    num_bytes: int


class Checkpoint(Answer):
    """Where a model's weights are."""

    format: str
    num_bytes: int
    files: list[StoredFile]


class Model(Answer):
    """Everything about one model. The lineage runs from the root to the model itself."""

    id: str
    base: str | None
    operation: str | None
    parameters: dict[str, Any]
    step: int
    created_at: str
    lineage: list[Step]
    references: list[Reference]
    tags: list[str]
    note: str
    metrics: list[MetricValue]
    checkpoint: Checkpoint | None
    datasets: list[str]


class ModelChange(Ask):
    """What a person may change about a model; a field left out stays as it is."""

    note: str | None = None
    tags: list[str] | None = None


class MetricChange(Ask):
    """Which direction of a metric is better; null says that neither is."""

    higher_is_better: bool | None


class View(Answer):
    """A named view of the page: what follows the page's own address, with the `#`."""

    name: str
    address: str


class Views(Answer):
    """The saved views of this project by name."""

    views: list[View]


class ViewSave(Ask):
    """A view to keep; one of this name is replaced."""

    name: str
    address: str


class SelectionAsk(Ask):
    """The ids of the selected models."""

    models: Annotated[list[str], Field(min_length=1, max_length=10_000)]


class Variable(Answer):
    """Something that differs within a selection, with its values in order."""

    name: str
    kind: Literal["parameter", "presence", "operation", "sequence", "root"]
    values: list[Any]


class Chart(Answer):
    """Which variable goes on which channel."""

    x: str | None
    color: str | None
    facet: str | None


class Suggestion(Answer):
    """Which of the selected models could be charted together: those that have these values."""

    keep: list[tuple[str, Any]]
    models: list[str]


class Selection(Answer):
    """What differs within a selection; rows give each model's values in the order of the variables."""

    variables: list[Variable]
    rows: dict[str, list[Any]]
    chart: Chart
    constant: list[Any]
    also: list[str]
    reason: str | None
    suggestion: Suggestion | None


class Frontier(Answer):
    """The Pareto-optimal models, best first along x."""

    ids: list[str]


class Effect(Answer):
    """The matched-pair effect of an operation, or of one change of a parameter, on a metric."""

    operation: str
    parameter: str | None
    condition: str | None
    metric: str
    pairs: int
    mean: Number | None
    median: Number | None
    ci_low: Number | None
    ci_high: Number | None
    models: list[list[str]]
    interval: str | None
    confidence: Number | None
    non_finite: int
    missing: int


class Effects(Answer):
    """All effects that this project shows."""

    effects: list[Effect]


def number(value: float | None) -> Number | None:
    """A float as JSON can say it: NaN and infinities as strings, missing as null."""
    if value is None or math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def model(record: records.Model) -> Model:
    """All about one model."""
    return Model(
        id=record.id,
        base=record.base,
        operation=record.operation.name if record.operation else None,
        parameters=dict(record.operation.parameters) if record.operation else {},
        step=record.step,
        created_at=record.created_at,
        lineage=[_step(step) for step in record.lineage],
        references=[Reference(role=reference.role, model=reference.model) for reference in record.references],
        tags=list(record.tags),
        note=record.note,
        metrics=_values(record.metrics),
        checkpoint=_checkpoint(record.checkpoint) if record.checkpoint else None,
        datasets=list(record.datasets),
    )


def model_row(row: Mapping[str, Any], metrics: list[str]) -> ModelRow:
    """One row of the table of models.

    Args:
        row: the columns by name; parameters and references are JSON text.
        metrics: the names of the metric columns.
    """
    return ModelRow(
        id=row["id"],
        base=row["base"],
        operation=row["operation"],
        parameters=json.loads(row["parameters"]),
        step=row["step"],
        tags=row["tags"],
        references=json.loads(row["references"]),
        metrics={name: number(row[name]) for name in metrics},
    )


def effect(row: Mapping[str, Any]) -> Effect:
    """One row of the table of effects."""
    fields = {name: row[name] for name in Effect.model_fields}
    return Effect.model_validate(fields | {name: number(row[name]) for name in ("mean", "median", "ci_low", "ci_high")})


def _step(step: records.Step) -> Step:
    operation = step.operation
    return Step(
        model=step.model,
        operation=operation.name if operation else None,
        parameters=dict(operation.parameters) if operation else {},
    )


def _values(metrics: Mapping[str, tuple[records.MetricValue, ...]]) -> list[MetricValue]:
    return [
        MetricValue.model_validate(
            {
                "name": name,
                "value": number(value.value),
                "slice": value.slice,
                "device": value.device,
                "count": value.count,
                "standard_error": value.standard_error,
            }
        )
        for name, values in metrics.items()
        for value in values
    ]


def _checkpoint(checkpoint: records.Checkpoint) -> Checkpoint:
    files = [StoredFile(name=file.name, sha256=file.sha256, num_bytes=file.num_bytes) for file in checkpoint.files]
    return Checkpoint(format=checkpoint.format, num_bytes=checkpoint.num_bytes, files=files)
