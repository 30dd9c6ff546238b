"""What travels over HTTP about imports."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ...importers import ImportHow, ImportPreview, Rules
from .base import Answer, Ask, Json, Number, number

MAX_LISTED = 1000
"""Models and corrections that a preview lists."""


class UploadAsk(Ask):
    """A piece of a file, base64, after the `offset` bytes that were sent before; the id is null for a new upload."""

    upload: str | None = None
    path: Annotated[str, Field(min_length=1, max_length=4000)]
    offset: Annotated[int, Field(ge=0)]
    content: str


class UploadAnswer(Answer):
    """The id of the upload."""

    upload: str


class ImportAsk(Ask):
    """What to import: files that were sent, a path on the machine of the server, or the address of a tracking server;
    and how to understand it.

    The source is recognized if it is null. `mapping` says as YAML what the columns of a table are.
    """

    upload: str | None = None
    path: Annotated[str, Field(max_length=4000)] | None = None
    address: Annotated[str, Field(max_length=4000)] | None = None
    source: str | None = None
    mapping: Annotated[str, Field(max_length=200_000)] | None = None
    higher: Annotated[list[str], Field(default_factory=list)]
    lower: Annotated[list[str], Field(default_factory=list)]
    units: Annotated[dict[str, str], Field(default_factory=dict)]
    base_from: str | None = None
    operation_from: str | None = None
    base_pattern: str | None = None
    new_versions: bool = False

    def how(self) -> ImportHow:
        """How what is read is to be understood."""
        rules = Rules(self.base_from or None, self.operation_from or None, self.base_pattern or None)
        return ImportHow(rules, self.mapping, self.higher, self.lower, self.units, self.new_versions)


class ImportSourcesAnswer(Answer):
    """The tools that imports understand, and the servers that this one may ask."""

    sources: list[str]
    servers: list[str]


class PreviewedModelAnswer(Answer):
    """One model as it would come in; `metrics` is how many it has."""

    id: str
    base: str | None
    operation: str | None
    parameters: dict[str, Json]
    depth: int
    is_new: bool
    metrics: int


class PreviewedMetricAnswer(Answer):
    """One metric as it would be defined, why, and what values it has."""

    name: str
    unit: str
    format: str
    higher_is_better: bool | None
    reason: str
    values: int
    not_finite: int
    low: float | None
    high: float | None


class PreviewedData(Answer):
    """A dataset, or what one model answered on one, and how many instances."""

    name: str
    model: str | None
    instances: int


class CorrectionAnswer(Answer):
    """A value that would replace one of the project."""

    model: str
    metric: str
    value: Number
    reason: str


class ImportPreviewAnswer(Answer):
    """What an import would do. Of many models and corrections the first are listed."""

    source: str
    recognized_by: str | None
    num_models: int
    num_new: int
    models: list[PreviewedModelAnswer]
    metrics: list[PreviewedMetricAnswer]
    data: list[PreviewedData]
    num_new_values: int
    num_corrections: int
    corrections: list[CorrectionAnswer]
    notices: list[str]
    warnings: list[str]
    mapping: str


def preview(found: ImportPreview, **known: object) -> ImportPreviewAnswer:
    """What an import would do; `known` are the fields that the preview itself does not have."""
    models = [PreviewedModelAnswer.model_validate(one, from_attributes=True) for one in found.models[:MAX_LISTED]]
    metrics = [
        PreviewedMetricAnswer(
            name=one.metric.name,
            unit=one.metric.unit,
            format=one.metric.format,
            higher_is_better=one.metric.higher_is_better,
            reason=one.reason,
            values=one.values,
            not_finite=one.not_finite,
            low=one.low,
            high=one.high,
        )
        for one in found.metrics
    ]
    outputs = [PreviewedData(name=name, model=model, instances=count) for model, name, count in found.outputs]
    corrections = [
        CorrectionAnswer.model_validate(
            {"model": one.model, "metric": one.metric, "value": number(one.value), "reason": one.reason}
        )
        for one in found.corrections[:MAX_LISTED]
    ]
    return ImportPreviewAnswer.model_validate(
        {
            **known,
            "num_models": len(found.models),
            "num_new": sum(one.is_new for one in found.models),
            "models": models,
            "metrics": metrics,
            "data": [PreviewedData(name=name, model=None, instances=count) for name, count in found.datasets]
            + outputs[:MAX_LISTED],
            "num_new_values": found.num_new_values,
            "num_corrections": len(found.corrections),
            "corrections": corrections,
            "notices": list(found.notices),
            "warnings": list(found.warnings),
        }
    )
