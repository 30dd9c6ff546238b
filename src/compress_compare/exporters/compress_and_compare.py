"""The experiment file of the research system Compress and Compare; ``importers.compress_and_compare`` reads it back.

``{"operations": [{"name", "parameters"}], "metrics": [{"name", "primary", "format", "unit", "min", "max"}],
"models": [{"id", "base", "operation": {"name", "parameters"}, "metrics": {name: number}, "tag"}]}``

The format has one number per metric and one tag per model, and neither notes nor second parents. What else a metric's
definition says, ``higher_is_better`` above all, stands beside what the format asks for.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..records import Metric


def document(rows: Sequence[Mapping[str, Any]], metrics: Iterable[Metric]) -> dict[str, Any]:
    """The file as JSON data. Values that are missing or not finite are left out: its readers take numbers only.

    Args:
        rows: of ``Project.overview()``.
        metrics: the definitions of the project.
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
            }
        )
    return {
        "operations": [{"name": name, "parameters": list(names)} for name, names in parameters.items()],
        "metrics": [asdict(one) for one in listed],
        "models": models,
    }


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
