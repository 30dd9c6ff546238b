"""Olive: a footprint, one node for each model, as version 0.13 writes it; ``importers.olive`` reads it back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from ..records import Metric
from ..records.own_key import DEFINITIONS, KEY
from ..store.merging import contents
from ..store.store import Store
from .beside import carried, columns, definition


def footprint(store: Store) -> bytes:
    """The file. Metrics without a direction have no place in it, nor have values that are not finite: they stand beside
    as the attributes of a model, which Olive keeps and does not read."""
    held, metrics = contents.of(store), store.metrics()
    nodes = {}
    rows = store.overview().to_pylist()
    measured = columns(rows, metrics)
    for position, row in enumerate(rows):
        parameters = json.loads(row["parameters"])
        attributes: dict[str, Any] = {KEY: carried(row, held, measured=measured)}
        if position == 0:
            attributes[DEFINITIONS] = [definition(metric) for metric in metrics]
        nodes[row["id"]] = {
            "parent_model_id": row["base"],
            "model_id": row["id"],
            "model_config_data": {"type": KEY, "config": {"model_path": None, "model_attributes": attributes}},
            "from_pass": row["operation"],
            "pass_run_config": parameters if row["operation"] is not None else None,
            "is_pareto_frontier": False,
            "metrics": _metrics(row, measured),
            "start_time": 0,
            "end_time": 0,
        }
    return json.dumps(nodes, ensure_ascii=False, indent=1, allow_nan=False).encode()


def _metrics(row: Mapping[str, Any], measured: Mapping[str, Metric]) -> dict[str, Any] | None:
    directed = {
        column: metric
        for column, metric in measured.items()
        if metric.higher_is_better is not None and row[column] is not None and math.isfinite(row[column])
    }
    if not directed:
        return None
    primary = [column for column, metric in directed.items() if metric.primary]
    values = {
        column: {
            "value": row[column],
            "priority": primary.index(column) + 1 if column in primary else -1,
            "higher_is_better": metric.higher_is_better,
        }
        for column, metric in directed.items()
    }
    directions = {column: 1 if metric.higher_is_better else -1 for column, metric in directed.items()}
    return {"value": values, "cmp_direction": directions, "if_goals_met": False}
