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
from . import beside


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
                **_beside(row, held),
            }
        )
    return {
        "operations": [{"name": name, "parameters": list(names)} for name, names in parameters.items()],
        "metrics": [asdict(one) for one in listed],
        "models": models,
        **({} if held is None else {"left_out": beside.left_out([row["id"] for row in rows], held)}),
    }


def _beside(row: Mapping[str, Any], held: ProjectContents | None) -> dict[str, Any]:
    found = {} if held is None else beside.beyond(row, held)
    # The format has a place for one tag.
    return found if len(found.get("tags", ())) > 1 else {name: value for name, value in found.items() if name != "tags"}


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
