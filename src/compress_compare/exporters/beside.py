"""What a project knows of a model and another tool's format has no place for, as plain data below one key of the file.

Other readers pass over the key; the importers take it back, so that what goes out comes in as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from ..records import Metric
from ..store.merging.contents import ProjectContents
from ..store.schema import KINDS

NOT_METRICS = frozenset({"id", "base", "operation", "parameters", "step", "tags", "references"})
MAX_PART = 5000
_SPECIAL = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity", "-0": -0.0}


def columns(rows: Sequence[Mapping[str, Any]], metrics: Iterable[Metric]) -> dict[str, Metric]:
    """What each column of numbers of ``Project.overview()`` measures: the metric itself, or one way of measuring it.

    Args:
        rows: of the overview.
        metrics: the definitions of the project.
    """
    by_name = {metric.name: metric for metric in metrics}
    found: dict[str, Metric] = {}
    for column in rows[0] if rows else ():
        if column in by_name:
            found[column] = by_name[column]
        elif column not in NOT_METRICS:
            names = [name for name in by_name if column.startswith(f"{name} (")]
            if names:
                found[column] = by_name[max(names, key=len)]
    return found


def carried(row: Mapping[str, Any], held: ProjectContents, *, measured: Mapping[str, Metric]) -> dict[str, Any]:
    """A model whole but for its weights and outputs: an entry of ``models`` in the experiment file.

    ``columns`` says which metric a number belongs to that another tool knows by a longer name.

    Args:
        row: of ``Project.overview()``.
        held: everything that the project holds.
        measured: what its columns measure.
    """
    parameters = json.loads(row["parameters"])
    operation = None if row["operation"] is None else {"name": row["operation"], "parameters": parameters}
    found = {"id": row["id"], "base": row["base"], "operation": operation, **beyond(row, held)}
    longer = {
        column: metric.name
        for column, metric in measured.items()
        if column != metric.name and row.get(column) is not None
    }
    return {**found, **({"columns": longer} if longer else {})}


def definitions(document: Mapping[str, Any], metrics: Iterable[Metric]) -> list[dict[str, Any]]:
    """The definitions of the metrics that a carried model has values of."""
    used = {value["metric"] for value in document.get("values", ())}
    return [definition(metric) for metric in metrics if metric.name in used]


def beyond(row: Mapping[str, Any], held: ProjectContents) -> dict[str, Any]:
    """What the experiment file of Compress and Compare has no place for, as far as there is any."""
    id = row["id"]
    found = {
        "values": [_value(one) for one in held.parts["metric_values"].get(id, {}).values()],
        "tags": list(row["tags"]),
        "note": "".join(one["text"] for one in held.parts["notes"].get(id, {}).values()),
        "replicate": held.models[id]["replicate"],
        "references": json.loads(row["references"]),
    }
    return {name: value for name, value in found.items() if value}


def definition(metric: Metric) -> dict[str, Any]:
    """A metric's definition without what it leaves open."""
    usual = Metric("usual")
    said = {field.name: getattr(metric, field.name) for field in fields(metric)}
    return {name: value for name, value in said.items() if name == "name" or value != getattr(usual, name)}


def left_out(ids: Iterable[str], held: ProjectContents) -> dict[str, Any]:
    """What no text file of models holds: how many of each kind.

    Args:
        ids: of the models that go out.
        held: everything that the project holds.
    """
    out = set(ids)
    return {
        "checkpoints": sum(id in out for id in held.parts["files"]),
        "outputs": sum(len(found) for id, found in held.parts["outputs"].items() if id in out),
        "datasets": [row["name"] for row in held.datasets.values()],
        "archived_models": len(held.models) - len(out),
        "changes": len(held.history),
        "views": len(held.views),
        "hint": "compress-compare pack writes all of it.",
    }


def _value(row: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: row[name] for name in ("slice", "device", "dataset", "count", "standard_error")}
    protocol = json.loads(row["protocol"]) if row["protocol"] else None
    value = _SPECIAL.get(KINDS[row["kind"]], row["value"])
    found = {"metric": row["metric_key"], "value": value, **said, "protocol": protocol}
    return {name: value for name, value in found.items() if value is not None and value != ""}


def in_parts(name: str, document: Any) -> dict[str, str]:
    """A document as JSON text in several numbered entries, for formats whose entries have a limit.

    Args:
        name: of the entries, which get ``.0``, ``.1``, … behind it.
        document: as JSON data.
    """
    written = json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    parts = range(0, len(written), MAX_PART)
    return {f"{name}.{number}": written[at : at + MAX_PART] for number, at in enumerate(parts)}
