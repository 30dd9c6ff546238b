"""Models that one of our own exporters has written into another tool's file, whole beside what the tool itself reads.

What the tool has a place for is held against it: a number that was changed or added there afterwards counts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import UserError
from ..records import MetricValue
from . import compress_and_compare as experiments
from .base import Imported
from .runs import numbers_of

WHY = "the project says so that wrote the file"


def from_parts(name: str, entries: Mapping[str, Any]) -> Any:
    """A document whose JSON text stands in numbered entries ``name.0``, ``name.1``, …; None if there is none."""
    parts: list[str] = []
    while (part := entries.get(f"{name}.{len(parts)}")) is not None:
        parts.append(str(part))
    try:
        return json.loads("".join(parts)) if parts else None
    except (ValueError, RecursionError):
        return None


def define(imported: Imported, definitions: object) -> None:
    """Take the definitions of metrics that the project had which wrote the file."""
    known = {metric.name for metric in imported.metrics}
    listed = definitions if isinstance(definitions, list) else []
    added = Imported()
    experiments.read_metrics(listed, added)
    imported.metrics += [metric for metric in added.metrics if metric.name not in known]
    imported.reasons |= {metric.name: WHY for metric in added.metrics}
    imported.warnings += added.warnings


def taken(imported: Imported, natural: Mapping[str, Any], *, document: object) -> dict[str, Any]:
    """The model as the project had it that wrote the file.

    Args:
        imported: gets the definitions, and warnings.
        natural: the model as the tool itself says, with metrics by the names of the project.
        document: what stands beside; ``natural`` is returned if it is none of ours.
    """
    if not isinstance(document, Mapping) or "id" not in document:
        return dict(natural)
    define(imported, document.get("definitions"))
    operation = document.get("operation")
    declared = {}
    if isinstance(operation, Mapping) and isinstance(operation.get("parameters", {}), Mapping):
        declared[str(operation.get("name"))] = set(operation.get("parameters") or {})
    try:
        # The list of values is whole: the plain numbers are those of the tool.
        found = experiments.read_model({**document, "metrics": None}, imported, declared=declared)
    except UserError as error:
        imported.warnings.append(f"Model {natural.get('id')!r}: what stands beside it cannot be read. {error}")
        return dict(natural)
    metrics = found["metrics"]
    longer = document.get("columns")
    for column, measured in (natural.get("metrics") or {}).items():
        name = str(longer.get(column, column)) if isinstance(longer, Mapping) else column
        numbers = list(numbers_of(measured))
        if not all(_among(number, metrics.get(name, ())) for number in numbers):
            if name in metrics:
                shown = ", ".join(f"{number:g}" for number in numbers)
                imported.warnings.append(
                    f"Model {found['id']!r}: {name} was changed in the file since it was written; {shown} is taken."
                )
            metrics[name] = measured
    return {**natural, **found, "metrics": metrics}


def _among(number: float, values: Iterable[MetricValue]) -> bool:
    return any(one.value == number or (math.isnan(one.value) and math.isnan(number)) for one in values)


def restore(imported: Imported, documents: Mapping[str, object]) -> None:
    """Put models as they were in the place of those of a tool.

    Args:
        imported: whose models are replaced.
        documents: what stands beside a model, by the id of the model.
    """
    for position, model in enumerate(imported.models):
        document = documents.get(model["id"])
        if isinstance(document, Mapping) and document.get("id") == model["id"]:
            imported.models[position] = taken(imported, model, document=document)
            # Its operation and base are known: no fact has to suggest them.
            imported.facts.pop(model["id"], None)
    if documents:
        used = {name for model in imported.models for name in model.get("metrics") or ()}
        imported.metrics = [
            metric for metric in imported.metrics if metric.name in used or imported.reasons.get(metric.name) == WHY
        ]
