"""The experiment file of the research system Compress and Compare; ``importers.compress_and_compare`` reads it back.

``{"operations": [{"name", "parameters"}], "metrics": [{"name", "primary", "format", "unit", "min", "max"}],
"models": [{"id", "base", "operation": {"name", "parameters"}, "metrics": {name: number}, "tag"}]}``

The format has one number per metric and one tag per model. What a project knows beyond that stands beside it, where
other readers pass over it and ours takes it back: the rest of a metric's definition, ``values`` (slices, devices,
datasets, protocols, counts, errors, NaN and infinities as text), ``tags``, ``note``, ``replicate`` and ``references``.
``left_out`` says what a text file cannot hold.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..records import Metric
from ..store.merging.contents import ProjectContents
from ..store.schema import KINDS


def document(
    rows: Sequence[Mapping[str, Any]], metrics: Iterable[Metric], *, held: ProjectContents | None = None
) -> dict[str, Any]:
    """The file as JSON data. In ``metrics``, values that are missing or not finite are left out: its readers take
    numbers only.

    Args:
        rows: of ``Project.overview()``.
        metrics: the definitions of the project.
        held: everything that is known, for what stands beside.
    """
    listed = list(metrics)
    parameters: dict[str, dict[str, None]] = {}
    models = []
    for row in rows:
        given = json.loads(row["parameters"])
        if row["operation"] is not None:
            parameters.setdefault(row["operation"], {}).update(dict.fromkeys(given))
        models.append(
            {
                "id": row["id"],
                "base": row["base"],
                "operation": None if row["operation"] is None else {"name": row["operation"], "parameters": given},
                "metrics": {one.name: row[one.name] for one in listed if _finite(row.get(one.name))},
                "tag": row["tags"][0] if row["tags"] else "",
                **({} if held is None else _beside(row, held)),
            }
        )
    return {
        "operations": [{"name": name, "parameters": list(names)} for name, names in parameters.items()],
        "metrics": [asdict(one) for one in listed],
        "models": models,
        **({} if held is None else {"left_out": _left_out(rows, held)}),
    }


def _beside(row: Mapping[str, Any], held: ProjectContents) -> dict[str, Any]:
    """What the format has no place for, as far as there is any."""
    id = row["id"]
    found = {
        "values": [_value(one) for one in held.parts["metric_values"].get(id, {}).values()],
        "tags": list(row["tags"]) if len(row["tags"]) > 1 else [],
        "note": "".join(one["text"] for one in held.parts["notes"].get(id, {}).values()),
        "replicate": held.models[id]["replicate"],
        "references": json.loads(row["references"]),
    }
    return {name: value for name, value in found.items() if value}


def _value(row: Mapping[str, Any]) -> dict[str, Any]:
    kind = KINDS[row["kind"]]
    special = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity", "-0": -0.0}
    said = {name: row[name] for name in ("slice", "device", "dataset", "count", "standard_error")}
    protocol = json.loads(row["protocol"]) if row["protocol"] else None
    found = {"metric": row["metric_key"], "value": special.get(kind, row["value"]), **said, "protocol": protocol}
    return {name: value for name, value in found.items() if value is not None and value != ""}


def _left_out(rows: Sequence[Mapping[str, Any]], held: ProjectContents) -> dict[str, Any]:
    ids = {row["id"] for row in rows}
    return {
        "checkpoints": sum(id in ids for id in held.parts["files"]),
        "outputs": sum(len(found) for id, found in held.parts["outputs"].items() if id in ids),
        "datasets": [row["name"] for row in held.datasets.values()],
        "archived_models": len(held.models) - len(ids),
        "changes": len(held.history),
        "views": len(held.views),
        "hint": "compress-compare pack writes all of it.",
    }


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
