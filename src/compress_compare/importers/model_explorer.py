"""Model Explorer: node data, as its own tools and the page Layers write it: a number for each node of a graph.

A file has one set of results, or one for each graph. A tensor that stands under two names, its own and that of its
placeholder in a graph of ``torch.export``, is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..analysis.layers.exported import placeholder
from ..analysis.layers.measures import MEASURES, LayerMeasure
from ..records import Metric, MetricValue
from . import layers, metric_names
from .base import Imported, Importer
from .files import head
from .numbers import clean_name, number
from .places import Place, json_document, other_format

WHAT = "node data of Model Explorer"
GENERIC = ("node_data", "model-explorer-node-data", "overlay", "layers")
_STARTS = re.compile(rb'"results"\s*:\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\{\s*"value"\s*:')


def recognizes(path: Path) -> str | None:
    """Results of which the first has a ``value``."""
    found = path.is_file() and head(path, 1)[:1] in (b"{", b"[") and _STARTS.search(head(path))
    return "node data of Model Explorer, with results by node" if found else None


def read(place: Place) -> Imported:
    """Read a file of node data: a model and a metric, with a slice for each node.

    Raises:
        InvalidValue: ``import.*``.
    """
    listed = list(_sets(json_document(place.path)))
    if not listed:
        raise other_format(place, WHAT, expected="Expected results: an object with a value for each node.")
    imported = Imported()
    models: dict[str, dict[str, Any]] = {}
    for graph, data in listed:
        model, name = _names(data, graph, path=place.path)
        values = list(_values(imported, data["results"], name))
        if not values:
            imported.warnings.append(f"{name!r} of {model!r} has no number; it is left out.")
            continue
        metrics = models.setdefault(model, {"id": model, "metrics": {}})["metrics"]
        metric, reason = _metric(name, [value for _, value in values])
        if name in metrics:
            imported.warnings.append(f"{name!r} of {model!r} stands there twice; the first is taken.")
        elif name in {one.name for one in imported.metrics}:
            metrics[name] = [MetricValue(value, slice=clean_name(node)) for node, value in values]
        else:
            metrics[name] = layers.add(imported, metric, values=values, reason=reason)
    imported.models += list(models.values())
    return imported


def _sets(document: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each set of results with the name of its graph, if there are several graphs."""
    entries = document if isinstance(document, list) else [document]
    for entry in entries:
        if _is_set(entry):
            yield "", entry
        elif isinstance(entry, Mapping) and entry and all(map(_is_set, entry.values())):
            yield from ((str(graph), one) for graph, one in entry.items())


def _is_set(entry: Any) -> bool:
    results = entry.get("results") if isinstance(entry, Mapping) else None
    return isinstance(results, Mapping) and all(isinstance(one, Mapping) and "value" in one for one in results.values())


def _names(data: Mapping[str, Any], graph: str, *, path: Path) -> tuple[str, str]:
    """Model and metric: ``MODEL: MEASURE``, as the page Layers names its own; else those of the file and the data."""
    said = data.get("name")
    model, mark, measure = said.rpartition(": ") if isinstance(said, str) else ("", "", "")
    if mark and model and measure:
        return clean_name(model), clean_name(measure)
    own = layers.model_name(path, *GENERIC)
    name = said if isinstance(said, str) and said else "value"
    return own, clean_name(f"{graph} {name}" if graph else name)


def _values(imported: Imported, results: Mapping[str, Any], name: str) -> Iterator[tuple[str, float]]:
    """Node and number, without the second names of tensors."""
    second = {placeholder(node) for node in results if placeholder(node) != node}
    firsts = {placeholder(node): node for node in results if node not in second}
    for node, entry in results.items():
        first = firsts.get(node) if node in second else None
        if first is not None and first != node and results[first].get("value") == entry.get("value"):
            continue
        found = number(entry.get("value"))
        if found is None:
            imported.warnings.append(f"Node {node!r:.200}: its {name} is no number; it counts as missing.")
        else:
            yield node, found


def _metric(name: str, values: list[float]) -> tuple[Metric, str]:
    """A measure of Layers has its unit and direction, where all modes agree on them; others go by their name."""
    known: list[LayerMeasure] = [one for ones in MEASURES.values() for one in ones if one.id == name]
    if known and len({(one.unit, one.higher_is_better) for one in known}) == 1:
        one = known[0]
        found = Metric(name, unit=one.unit, format=one.format, higher_is_better=one.higher_is_better)
        return found, "it is a measure of Layers"
    return metric_names.described(name, values)


IMPORTER = Importer(read, "node data of Model Explorer", recognizes=recognizes)
