"""What an import would do, before it does it: the tree, the metrics and why they are what they are, the data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..records import Metric, MetricValue
from ..store.drafts import check_operation
from . import changes, variants
from .base import Correction, Imported
from .write import ordered, wanted

if TYPE_CHECKING:
    from ..store.store import Store


@dataclass(frozen=True)
class PreviewedModel:
    """One model as it would come in.

    Args:
        id: of the model.
        base: id of its base.
        operation: name.
        parameters: of the operation.
        depth: 0 for a root.
        is_new: whether the project does not have it.
        metrics: how many metrics it has.
    """

    id: str
    base: str | None
    operation: str | None
    parameters: Mapping[str, Any]
    depth: int
    is_new: bool
    metrics: int


@dataclass(frozen=True)
class PreviewedMetric:
    """One metric as it would be defined.

    Args:
        metric: its definition: the project's own, if it has one.
        reason: why it has its unit and direction.
        values: how many models have it.
        not_finite: how many values are NaN or infinite.
        low: smallest finite value.
        high: largest finite value.
    """

    metric: Metric
    reason: str
    values: int
    not_finite: int
    low: float | None
    high: float | None


@dataclass(frozen=True)
class ImportPreview:
    """All that an import would do, and what was not understood.

    Args:
        models: a base before its children.
        metrics: in the order of their definition.
        datasets: name and number of instances.
        outputs: model, dataset and number of instances.
        num_new_values: of metrics of models that the project has.
        corrections: values that differ from those of the project.
        notices: what was taken from where.
        warnings: what was left out or understood in part.
    """

    models: Sequence[PreviewedModel]
    metrics: Sequence[PreviewedMetric]
    datasets: Sequence[tuple[str, int]]
    outputs: Sequence[tuple[str, str, int]]
    num_new_values: int
    corrections: Sequence[Correction]
    notices: Sequence[str]
    warnings: Sequence[str]

    def document(self) -> dict[str, Any]:
        """As JSON data: what ``import --dry-run --json`` prints."""
        plain = asdict(self)
        plain["metrics"] = [{**one.pop("metric"), **one} for one in plain["metrics"]]
        plain["datasets"] = [{"name": name, "instances": count} for name, count in self.datasets]
        plain["outputs"] = [{"model": a, "dataset": b, "instances": count} for a, b, count in self.outputs]
        return plain


def preview(imported: Imported, project: Store | None = None) -> ImportPreview:
    """What ``write`` would do.

    Args:
        imported: what was read.
        project: to import into; none for one that is not there yet.

    Raises:
        Conflict: ``model.conflict`` as ``write`` does.
    """
    imported = variants.settled(imported, project)
    warnings = list(imported.warnings)
    listed = wanted(imported, project, warnings=warnings)
    models = ordered(listed, warnings, known=() if project is None else project)
    found = changes.against(project, models)
    for name in changes.other_data(project, imported.datasets):
        warnings.append(f"Dataset {name!r} is there with other content: ask for new versions, or it is refused.")
    warnings += changes.told(*changes.other_answers(project, imported))
    depths: dict[str | None, int] = {None: -1}
    shown = []
    for model in models:
        depths[model["id"]] = depths.get(model.get("base"), -1) + 1
        shown.append(_model(model, depths[model["id"]], model["id"] not in found.known))
    return ImportPreview(
        models=shown,
        metrics=list(_metrics(imported, models, project)),
        datasets=[(one["name"], len(one["ids"])) for one in imported.datasets],
        outputs=[(one["model"], one["dataset"], len(one["ids"])) for one in imported.outputs],
        num_new_values=found.num_new_values,
        corrections=[*imported.corrections, *found.corrections],
        notices=imported.notices,
        warnings=warnings,
    )


def _model(model: Mapping[str, Any], depth: int, is_new: bool) -> PreviewedModel:
    operation = check_operation(model.get("operation"))
    return PreviewedModel(
        id=model["id"],
        base=model.get("base"),
        operation=operation.name if operation else None,
        parameters=dict(operation.parameters) if operation else {},
        depth=depth,
        is_new=is_new,
        metrics=len(model.get("metrics") or {}),
    )


def _metrics(
    imported: Imported, models: Sequence[Mapping[str, Any]], project: Store | None
) -> Iterator[PreviewedMetric]:
    values: dict[str, list[MetricValue]] = {}
    counts: dict[str, int] = {}
    for model in models:
        for name, value in changes.values_of(model):
            values.setdefault(name, []).append(value)
        for name in model.get("metrics") or {}:
            counts[name] = counts.get(name, 0) + 1
    own = {} if project is None else {metric.name: metric for metric in project.metrics()}
    defined = {metric.name: metric for metric in imported.metrics}
    for name in [*defined, *(name for name in values if name not in defined)]:
        numbers = [value.value for value in values.get(name, ())]
        finite = [number for number in numbers if math.isfinite(number)]
        reason = "the project defines it" if name in own else imported.reasons.get(name, "the source says so")
        yield PreviewedMetric(
            metric=own.get(name) or defined.get(name) or Metric(name),
            reason=reason,
            values=counts.get(name, 0),
            not_finite=len(numbers) - len(finite),
            low=min(finite, default=None),
            high=max(finite, default=None),
        )
