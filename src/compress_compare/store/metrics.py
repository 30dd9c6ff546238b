"""Metric definitions and values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sqlalchemy as sa

from ..errors import NotFound
from ..records import Metric, MetricValue
from . import schema
from .database import numbers, rows
from .models import CHUNK, conflict

NUMBER = schema.KINDS.index("number")
SPECIAL = np.array([np.nan, np.nan, np.inf, -np.inf, -0.0])
"""The value of each kind that SQLite cannot hold as a number, by the kind's index."""

VALUE = np.dtype([("model", np.int64), ("value", np.float64), ("kind", np.int8)])

MetricsByModel = Mapping[int, Mapping[str, tuple[MetricValue, ...]]]


def define(connection: sa.Connection, metric: Metric) -> int:
    """Insert or replace a definition; returns its key."""
    table = schema.metrics
    values = {name: getattr(metric, name) for name in metric.__dataclass_fields__}
    key = connection.execute(sa.select(table.c.key).where(table.c.name == metric.name)).scalar()
    if key is None:
        key = 1 + (connection.execute(sa.select(sa.func.max(table.c.key))).scalar() or 0)
        connection.execute(table.insert().values(key=key, **values))
    else:
        connection.execute(table.update().where(table.c.key == key).values(**values))
    return int(key)


def definitions(connection: sa.Connection) -> dict[int, Metric]:
    """All definitions by key, in the order of definition."""
    found = connection.execute(sa.select(schema.metrics).order_by(schema.metrics.c.key)).mappings()
    return {row["key"]: Metric(**{name: row[name] for name in Metric.__dataclass_fields__}) for row in found}


def named(connection: sa.Connection, name: str) -> Metric:
    """The definition called ``name``.

    Raises:
        NotFound: ``metric.unknown``, listing the names there are.
    """
    metrics = {metric.name: metric for metric in definitions(connection).values()}
    if name not in metrics:
        raise NotFound(
            "metric.unknown",
            f"There is no metric {str(name)[:80]!r} in this project.",
            hint=f"Choose one of: {', '.join(metrics) or 'none is defined yet'}.",
        )
    return metrics[name]


def insert(connection: sa.Connection, models: MetricsByModel, known_models: Mapping[int, str]) -> None:
    """Insert the values that are new. A value that is there must be the same.

    Args:
        models: the values of each metric by model key.
        known_models: the ids of those models, by key, that may have values already.

    Raises:
        Conflict: ``model.conflict``, naming the metric.
    """
    keys = {metric.name: key for key, metric in definitions(connection).items()}
    known = _known(connection, list(known_models))
    inserted = []
    for model_key, metrics in models.items():
        for name, values in metrics.items():
            if name not in keys:
                keys[name] = define(connection, Metric(name))
            for value in values:
                place = (model_key, keys[name], value.slice or "", value.device or "")
                columns = (*_stored(value), value.count, value.standard_error)
                if place not in known:
                    inserted.append((*place, *columns))
                elif known[place] != columns:
                    raise conflict(known_models[model_key], f"value of {name!r}")
    if inserted:
        names = ("model_key", "metric_key", "slice", "device", "value", "kind", "count", "standard_error")
        connection.execute(schema.metric_values.insert(), [dict(zip(names, row, strict=True)) for row in inserted])


def of_model(connection: sa.Connection, key: int) -> dict[str, tuple[MetricValue, ...]]:
    """All values of one model by metric name, in the order of definition."""
    table = schema.metric_values
    query = (
        sa.select(schema.metrics.c.name, *_value_columns())
        .join(schema.metrics, schema.metrics.c.key == table.c.metric_key)
        .where(table.c.model_key == key)
        .order_by(table.c.metric_key, table.c.device, table.c.slice)
    )
    found: dict[str, list[MetricValue]] = {}
    for name, value, kind, slice_, device, count, error in rows(connection, query):
        number = value if kind == NUMBER else float(SPECIAL[kind])
        found.setdefault(name, []).append(MetricValue(number, slice_ or None, device or None, count, error))
    return {name: tuple(values) for name, values in found.items()}


def columns(connection: sa.Connection, model_keys: np.ndarray[Any, Any]) -> dict[str, np.ma.MaskedArray[Any, Any]]:
    """The values over all instances (no slice) of every metric, one masked float64 array over ``model_keys`` each.

    Masked means missing. Where a metric was measured on several devices each has a column, named ``metric (device)``.
    """
    table = schema.metric_values
    result = {}
    for (key, device), column in _column_names(connection).items():
        of_metric = (table.c.metric_key == key) & (table.c.device == device) & (table.c.slice == "")
        finite = sa.func.coalesce(table.c.value, 0.0)
        query = sa.select(table.c.model_key, finite, table.c.kind).where(of_metric)
        result[column] = _column(numbers(connection, query, VALUE), model_keys)
    return result


def error_columns(
    connection: sa.Connection, model_keys: np.ndarray[Any, Any]
) -> dict[str, np.ma.MaskedArray[Any, Any]]:
    """The standard errors of the values in ``columns``, for those metrics that have any; masked where unknown."""
    table = schema.metric_values
    query = sa.select(table.c.model_key, table.c.metric_key, table.c.device, table.c.standard_error).where(
        table.c.slice == "", table.c.standard_error.is_not(None)
    )
    found: dict[tuple[int, str], tuple[list[int], list[float]]] = {}
    for model_key, metric_key, device, error in rows(connection, query):
        models, errors = found.setdefault((metric_key, device), ([], []))
        models.append(model_key)
        errors.append(error)
    names = _column_names(connection) if found else {}
    result = {}
    for place in (place for place in names if place in found):
        models, errors = found[place]
        values, missing = np.zeros(len(model_keys)), np.ones(len(model_keys), dtype=bool)
        known = np.searchsorted(model_keys, models)
        values[known], missing[known] = errors, False
        result[names[place]] = np.ma.MaskedArray(values, mask=missing)
    return result


def _column_names(connection: sa.Connection) -> dict[tuple[int, str], str]:
    """The name of the column of each metric's key and device, in the order of definition, then of devices."""
    table = schema.metric_values
    names = {key: metric.name for key, metric in definitions(connection).items()}
    places = sa.select(table.c.metric_key, table.c.device).where(table.c.slice == "").distinct()
    devices: dict[int, list[str]] = {key: [] for key in names}
    for metric_key, device in sorted(rows(connection, places)):
        devices[metric_key].append(device)
    return {
        (key, device): f"{name} ({device})" if device and len(devices[key]) > 1 else name
        for key, name in names.items()
        for device in devices[key] or [""]
    }


def _column(found: np.ndarray[Any, Any], model_keys: np.ndarray[Any, Any]) -> np.ma.MaskedArray[Any, Any]:
    values, missing = np.zeros(len(model_keys)), np.ones(len(model_keys), dtype=bool)
    place, kind = np.searchsorted(model_keys, found["model"]), found["kind"]
    values[place] = np.where(kind == NUMBER, found["value"], SPECIAL[kind])
    missing[place] = False
    return np.ma.MaskedArray(values, mask=missing)


def standard_errors(connection: sa.Connection, name: str) -> list[tuple[str, float]]:
    """Model id and standard error of every unsliced value of a metric that has one."""
    table = schema.metric_values
    query = (
        sa.select(schema.models.c.id, table.c.standard_error)
        .join(schema.models, schema.models.c.key == table.c.model_key)
        .join(schema.metrics, schema.metrics.c.key == table.c.metric_key)
        .where(schema.metrics.c.name == name, table.c.slice == "", table.c.standard_error.is_not(None))
        .order_by(table.c.model_key)
    )
    return rows(connection, query)


def _stored(value: MetricValue) -> tuple[float | None, int]:
    if value.value == 0 and math.copysign(1, value.value) < 0:
        return None, schema.KINDS.index("-0")
    return (value.value if value.kind == "number" else None), schema.KINDS.index(value.kind)


def _value_columns() -> tuple[sa.Column[Any], ...]:
    columns = schema.metric_values.c
    return (columns.value, columns.kind, columns.slice, columns.device, columns.count, columns.standard_error)


def _known(connection: sa.Connection, keys: list[int]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    table = schema.metric_values
    known = {}
    for start in range(0, len(keys), CHUNK):
        query = sa.select(
            table.c.model_key,
            table.c.metric_key,
            table.c.slice,
            table.c.device,
            table.c.value,
            table.c.kind,
            table.c.count,
            table.c.standard_error,
        ).where(table.c.model_key.in_(keys[start : start + CHUNK]))
        known.update({row[:4]: row[4:] for row in rows(connection, query)})
    return known
