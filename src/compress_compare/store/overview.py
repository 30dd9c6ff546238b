"""All models at once, as Arrow: what the overview page and ``project.models()`` show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from .. import columns as made
from ..analysis.inference.intervals import share_errors
from . import metrics, models, notes


def models_table(connection: sa.Connection) -> pa.Table:
    """One row per model in the order of logging.

    Columns: ``id``, ``base``, ``operation``, ``parameters`` (JSON text), ``step`` (depth, 0 for a root), then one
    float64 column per metric. Null means missing; NaN and infinities are values.
    """
    nodes = models.nodes(connection)
    columns = _node_columns(nodes)
    for name, values in metric_columns(connection, nodes).items():
        columns[name if name not in columns else f"{name} (metric)"] = made.numbers(values.data, missing=values.mask)
    return pa.table(columns)


def overview_table(connection: sa.Connection) -> pa.Table:
    """``models_table`` with ``tags`` (list) and ``references`` (JSON text) between ``step`` and the metrics."""
    table = models_table(connection)
    keys = [node[0] for node in models.nodes(connection)]
    tags = notes.tags_by_model(connection)
    references: dict[str, list[dict[str, str]]] = {}
    for id, reference in models.references(connection):
        references.setdefault(id, []).append({"role": reference.role, "model": reference.model})
    tag_column = made.lists_of_texts(tags.get(key, []) for key in keys)
    reference_texts = [json.dumps(references.get(id, [])) if references else "[]" for id in table["id"].to_pylist()]
    return table.add_column(5, "tags", tag_column).add_column(6, "references", made.texts(reference_texts))


def standard_errors_table(connection: sa.Connection) -> pa.Table:
    """One row per model in the order of logging: ``id``, then a column per metric that has any; null is none."""
    listed = models.nodes(connection)
    keys = np.fromiter((node[0] for node in listed), dtype=np.int64, count=len(listed))
    errors = metrics.spread_columns(connection, keys, "standard_error")
    if any(np.any(found.data[~found.mask] == 0) for found in errors.values()):
        _widen(connection, keys, errors)
    columns = {name: made.numbers(found.data, missing=found.mask) for name, found in errors.items()}
    return pa.table({"id": made.texts(node[1] for node in listed)} | columns)


def _widen(
    connection: sa.Connection, keys: np.ndarray[Any, Any], errors: dict[str, np.ma.MaskedArray[Any, Any]]
) -> None:
    """Give proportions of 0 and 1, whose error was logged as 0, that of Wilson's interval."""
    shares = {key for key, metric in metrics.definitions(connection).items() if metric.is_share}
    values = metrics.columns(connection, keys)
    counts = metrics.spread_columns(connection, keys, "count")
    for split, name in metrics.column_names(connection).items():
        if name in errors and name in counts and split.metric in shares:
            found = share_errors(values[name].data, errors=errors[name].data, counts=counts[name].filled(0))
            errors[name] = np.ma.MaskedArray(found, mask=errors[name].mask)


def metric_columns(
    connection: sa.Connection, nodes: list[tuple[Any, ...]] | None = None
) -> dict[str, np.ma.MaskedArray[Any, Any]]:
    """The values of every metric over all models in the order of logging; masked where missing."""
    listed = models.nodes(connection) if nodes is None else nodes
    keys = np.fromiter((node[0] for node in listed), dtype=np.int64, count=len(listed))
    return metrics.columns(connection, keys)


def count_columns(connection: sa.Connection, listed: Sequence[models.Node]) -> dict[str, np.ma.MaskedArray[Any, Any]]:
    """How many examples or runs are behind the values of each metric that says so; masked where it is not said."""
    keys = np.array([node[0] for node in listed], dtype=np.int64)
    return metrics.spread_columns(connection, keys, "count")


def _node_columns(nodes: list[tuple[int, str, int | None, str | None, str, int]]) -> dict[str, pa.Array]:
    if not nodes:
        nodes = []
    keys, ids, bases, operations, parameters, steps = zip(*nodes, strict=True) if nodes else ((),) * 6
    id_of = dict(zip(keys, ids, strict=True))
    return {
        "id": made.texts(ids),
        "base": made.texts(None if base is None else id_of[base] for base in bases),
        "operation": made.texts(operations),
        "parameters": made.texts(parameters),
        "step": made.numbers(np.array(steps, dtype=np.int32)),
    }
