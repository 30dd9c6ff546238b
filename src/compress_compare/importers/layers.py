"""What several tools write about the layers of one model: numbers per layer, as values of slices."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..records import Metric, MetricValue
from .base import Imported
from .numbers import clean_name


def model_name(path: Path, *generic: str) -> str:
    """The name of the model that a file is about: its own, or its folder's if the tool always writes that name.

    Args:
        path: of the file or folder.
        generic: names that say nothing, e.g. ``quant_log``.
    """
    whole = path.resolve()
    own = whole.stem if whole.is_file() else whole.name
    return clean_name(whole.parent.name if own in generic else own)


def add(imported: Imported, metric: Metric, *, values: Iterable[tuple[str, float]], reason: str) -> list[MetricValue]:
    """Define a metric and return its values, one for each layer; a layer that comes again is numbered.

    Args:
        imported: gets the definition.
        metric: its definition.
        values: name of the layer and number.
        reason: why it has its unit and direction.
    """
    imported.metrics.append(metric)
    imported.reasons[metric.name] = reason
    times: dict[str, int] = {}
    found = []
    for layer, value in values:
        times[layer] = times.get(layer, 0) + 1
        name = layer if times[layer] == 1 else f"{layer} #{times[layer]}"
        found.append(MetricValue(value, slice=clean_name(name)))
    return found
