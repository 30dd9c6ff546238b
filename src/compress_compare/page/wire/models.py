"""The models over HTTP, and how records become them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ... import records
from .base import Answer, ArrowRow, Ask, Json, Number, number
from .changes import ChangeAnswer, OriginAnswer, changes, origin


class ReferenceAnswer(Answer):
    """A second parent with its role."""

    role: str
    model: str


class ModelRow(Answer):
    """A model as lists show it; a metric it lacks is null."""

    id: str
    base: str | None
    operation: str | None
    parameters: dict[str, Json]
    step: int
    tags: list[str]
    references: list[ReferenceAnswer]
    metrics: dict[str, Number | None]


class StreamedModel(ArrowRow):
    """A row of the stream of all models. After these columns comes one of numbers for each metric, by its name."""

    id: str
    base: str | None
    operation: str | None
    parameters: str
    """A JSON object."""
    step: int
    tags: list[str]
    references: str
    """A JSON list of `role, model`."""
    replicate: str | None
    """Which of several models made alike it is, such as `seed 3`."""


class StreamedErrors(ArrowRow):
    """A row of the stream of standard errors. Then comes a column for each metric that has any, by its name."""

    id: str


class ModelPage(Answer):
    """A page of the models, in the order of logging."""

    models: list[ModelRow]
    total: int
    revision: int


class FoundModels(Answer):
    """The ids of the models that meet a condition, in the order asked for."""

    models: list[str]


class StepAnswer(Answer):
    """One step of a lineage: the model it made and how."""

    model: str
    operation: str | None
    parameters: dict[str, Json]


class MetricValueAnswer(Answer):
    """One measured number with its slice, device, sample count, standard error, dataset and protocol."""

    name: str
    value: Number
    slice: str | None
    device: str | None
    count: int | None
    standard_error: float | None
    dataset: str | None
    protocol: dict[str, Json] | None


class StoredFileAnswer(Answer):
    """A file of a checkpoint."""

    name: str
    sha256: str
    num_bytes: int


class CheckpointAnswer(Answer):
    """Where a model's weights are."""

    format: str
    num_bytes: int
    files: list[StoredFileAnswer]


class ModelAnswer(Answer):
    """Everything about one model. The lineage runs from the root to the model itself."""

    id: str
    base: str | None
    operation: str | None
    parameters: dict[str, Json]
    step: int
    created_at: str
    lineage: list[StepAnswer]
    references: list[ReferenceAnswer]
    tags: list[str]
    note: str
    metrics: list[MetricValueAnswer]
    checkpoint: CheckpointAnswer | None
    datasets: list[str]
    replicate: str | None
    archived: bool
    origin: OriginAnswer | None
    corrections: list[ChangeAnswer]


class ModelChange(Ask):
    """What a person may change about a model; a field left out stays as it is."""

    note: str | None = None
    tags: list[str] | None = None


def model(record: records.Model) -> ModelAnswer:
    """All about one model."""
    return ModelAnswer(
        id=record.id,
        base=record.base,
        operation=record.operation.name if record.operation else None,
        parameters=dict(record.operation.parameters) if record.operation else {},
        step=record.step,
        created_at=record.created_at,
        lineage=[_step(step) for step in record.lineage],
        references=[ReferenceAnswer(role=reference.role, model=reference.model) for reference in record.references],
        tags=list(record.tags),
        note=record.note,
        metrics=_values(record.metrics),
        checkpoint=_checkpoint(record.checkpoint) if record.checkpoint else None,
        datasets=list(record.datasets),
        replicate=record.replicate,
        archived=record.archived_at is not None,
        origin=origin(record.origin),
        corrections=changes(record.corrections),
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


def _step(step: records.LineageStep) -> StepAnswer:
    operation = step.operation
    return StepAnswer(
        model=step.model,
        operation=operation.name if operation else None,
        parameters=dict(operation.parameters) if operation else {},
    )


def _values(metrics: Mapping[str, tuple[records.MetricValue, ...]]) -> list[MetricValueAnswer]:
    return [
        MetricValueAnswer.model_validate(
            {
                "name": name,
                "value": number(value.value),
                "slice": value.slice,
                "device": value.device,
                "count": value.count,
                "standard_error": value.standard_error,
                "dataset": value.dataset,
                "protocol": value.protocol,
            }
        )
        for name, values in metrics.items()
        for value in values
    ]


def _checkpoint(checkpoint: records.Checkpoint) -> CheckpointAnswer:
    files = [
        StoredFileAnswer(name=file.name, sha256=file.sha256, num_bytes=file.num_bytes) for file in checkpoint.files
    ]
    return CheckpointAnswer(format=checkpoint.format, num_bytes=checkpoint.num_bytes, files=files)
