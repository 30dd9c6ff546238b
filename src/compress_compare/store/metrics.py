"""Metric definitions and values."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain, count
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa

from ..errors import InvalidValue, NotFound
from ..records import Metric, MetricValue
from . import history, ranges, schema
from .database import insert_rows, numbers, rows
from .models import CHUNK, conflict

NUMBER = schema.KINDS.index("number")
SPECIAL = np.array([np.nan, np.nan, np.inf, -np.inf, -0.0])
"""The value of each kind that SQLite cannot hold as a number, by the kind's index."""

VALUE = np.dtype([("model", np.int64), ("value", np.float64), ("kind", np.int8)])

PLACE = ("model_key", "metric_key", "slice", "device", "dataset", "protocol")
"""Which value it is: a model has one for each."""

COLUMNS = (*PLACE, "value", "kind", "count", "standard_error")

_DEFINED = sa.select(schema.metrics).order_by(schema.metrics.c.key)

RESERVED = {
    "id": "Id",
    "base": "Base value",
    "operation": "Operation count",
    "parameters": "Number of parameters",
    "step": "Training steps",
    "tags": "Number of tags",
    "references": "Number of references",
}
"""Columns of the table of models, and what a metric may be called instead."""

MetricsByModel = Mapping[int, Mapping[str, tuple[MetricValue, ...]]]


def define(connection: sa.Connection, metric: Metric) -> int:
    """Insert or replace a definition; returns its key.

    Raises:
        InvalidValue: ``metric.reserved``; ``metric.range`` if a value that was logged lies outside of a new range.
    """
    table = schema.metrics
    values = {name: getattr(metric, name) for name in metric.__dataclass_fields__}
    key = connection.execute(sa.select(table.c.key).where(table.c.name == metric.name)).scalar()
    if key is None:
        if metric.name in RESERVED:
            raise reserved(metric.name)
        key = 1 + (connection.execute(sa.select(sa.func.max(table.c.key))).scalar() or 0)
        connection.execute(table.insert().values(key=key, **values))
    else:
        _check_range(connection, key, metric)
        connection.execute(table.update().where(table.c.key == key).values(**values))
    return int(key)


def _check_range(connection: sa.Connection, key: int, metric: Metric) -> None:
    """Pass if the values that were logged lie in a range that is new: percentages do not become fractions unseen."""
    before = definitions(connection)[key]
    if (metric.min, metric.max) in ((before.min, before.max), (None, None)):
        return
    table = schema.metric_values
    query = sa.select(table.c.value, schema.models.c.id).join(schema.models, table.c.model_key == schema.models.c.key)
    query = query.where(table.c.metric_key == key, table.c.kind == NUMBER)
    for order in (table.c.value.desc(), table.c.value.asc()):
        row = connection.execute(query.order_by(order).limit(1)).first()
        if row is None:
            return
        try:
            ranges.check(metric, MetricValue(row[0]))
        except InvalidValue as error:
            hint = "Correct what was logged first, or declare another range."
            raise InvalidValue(error.code, error.title, detail=f"Model {row[1]!r:.80} has it.", hint=hint) from error


def reserved(name: str) -> InvalidValue:
    """The error for a metric that would be taken for another column of the table of models."""
    return InvalidValue(
        "metric.reserved",
        f"A metric cannot be called {name!r}: the table of models has a column of this name.",
        hint=f"Call it {RESERVED[name]!r}, for example.",
    )


def definitions(connection: sa.Connection) -> dict[int, Metric]:
    """All definitions by key, in the order of definition."""
    return {row["key"]: _metric(row) for row in connection.execute(_DEFINED).mappings()}


def _metric(row: sa.RowMapping) -> Metric:
    return Metric(**{name: row[name] for name in Metric.__dataclass_fields__})


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
    found = list(connection.execute(_DEFINED).mappings())
    keys: dict[str, int] = {row["name"]: row["key"] for row in found}
    ranged = {row["key"]: _metric(row) for row in found if (row["min"], row["max"]) != (None, None)}
    known = _known(connection, list(known_models))
    _define_new(connection, keys, names=dict.fromkeys(name for metrics in models.values() for name in metrics))
    inserted = []
    for model_key, metrics in models.items():
        for name, values in metrics.items():
            for value in values:
                place, columns = (model_key, keys[name], *_place(value)), (*_stored(value), *_spread(value))
                if place not in known:
                    if keys[name] in ranged:
                        ranges.check(ranged[keys[name]], value)
                    inserted.append((*place, *columns))
                elif known[place] != columns and not history.corrected_away(
                    connection, model_key, [*place[1:], *columns]
                ):
                    raise conflict(known_models[model_key], f"value of {name!r}")
    if inserted:
        insert_rows(connection, schema.metric_values, names=COLUMNS, rows=inserted)


def _define_new(connection: sa.Connection, keys: dict[str, int], *, names: Iterable[str]) -> None:
    """Define the metrics that are not yet, with one call, and add their keys."""
    made = []
    for key, name in enumerate((name for name in names if name not in keys), 1 + max(keys.values(), default=0)):
        if name in RESERVED:
            raise reserved(name)
        made.append({"key": key, **vars(Metric(name))})
    if made:
        connection.execute(schema.metrics.insert(), made)
        keys.update((one["name"], one["key"]) for one in made)


def of_model(connection: sa.Connection, key: int) -> dict[str, tuple[MetricValue, ...]]:
    """All values of one model by metric name, in the order of definition."""
    found: dict[str, list[MetricValue]] = {}
    for name, *columns in rows(connection, _values_of_model(), {"key": key}):
        found.setdefault(name, []).append(_measured(*columns))
    return {name: tuple(values) for name, values in found.items()}


@cache
def _values_of_model() -> sa.Select[Any]:
    table = schema.metric_values
    return (
        sa.select(schema.metrics.c.name, *_value_columns())
        .join(schema.metrics, schema.metrics.c.key == table.c.metric_key)
        .where(table.c.model_key == sa.bindparam("key"))
        .order_by(table.c.metric_key, table.c.device, table.c.dataset, table.c.protocol, table.c.slice)
    )


@dataclass(frozen=True)
class Split:
    """One way in which a metric was measured.

    Args:
        metric: its key.
        device: as in `MetricValue`; empty where nothing was said, like the two that follow.
        dataset: name.
        protocol: JSON text.
    """

    metric: int
    device: str = ""
    dataset: str = ""
    protocol: str = ""

    def where(self) -> sa.ColumnElement[bool]:
        """The values over all instances that were measured so."""
        columns = schema.metric_values.c
        return sa.and_(
            columns.metric_key == self.metric,
            columns.device == self.device,
            columns.dataset == self.dataset,
            columns.protocol == self.protocol,
            columns.slice == "",
        )

    def parts(self) -> tuple[str, str, str]:
        """What tells it from others: device, dataset, and the protocol in words."""
        said = json.loads(self.protocol) if self.protocol else {}
        words = ", ".join(f"{key} {_word(value)}" for key, value in said.items())
        return self.device, self.dataset, words


def columns(connection: sa.Connection, model_keys: np.ndarray[Any, Any]) -> dict[str, np.ma.MaskedArray[Any, Any]]:
    """The values over all instances (no slice) of every metric, one masked float64 array over ``model_keys`` each.

    Masked means missing. Where a metric was measured in several ways (devices, datasets, protocols) each has a column,
    named ``metric (device)`` and so on.
    """
    table = schema.metric_values
    finite = sa.func.coalesce(table.c.value, 0.0)
    result = {}
    for split, column in column_names(connection).items():
        query = sa.select(table.c.model_key, finite, table.c.kind).where(split.where())
        result[column] = _column(numbers(connection, query, VALUE), model_keys)
    return result


def spread_columns(
    connection: sa.Connection, model_keys: np.ndarray[Any, Any], of: Literal["standard_error", "count"]
) -> dict[str, np.ma.MaskedArray[Any, Any]]:
    """The standard errors or counts of the values in ``columns``, for metrics that have any; masked where unknown."""
    table = schema.metric_values
    columns = [table.c[name] for name in ("model_key", "metric_key", "device", "dataset", "protocol", of)]
    query = sa.select(*columns).where(table.c.slice == "", table.c[of].is_not(None))
    found: dict[Split, tuple[list[int], list[float]]] = {}
    for model_key, *split, spread in rows(connection, query):
        models, spreads = found.setdefault(Split(*split), ([], []))
        models.append(model_key)
        spreads.append(spread)
    names = column_names(connection) if found else {}
    result = {}
    for place in (place for place in names if place in found):
        keys, values = (np.asarray(column) for column in found[place])
        result[names[place]] = _placed(keys, values, model_keys=model_keys)
    return result


def column_names(connection: sa.Connection) -> dict[Split, str]:
    """The name of the column of each way of measuring, in the order of definition, then of what tells them apart."""
    table = schema.metric_values
    names = {key: metric.name for key, metric in definitions(connection).items()}
    columns = [table.c[name] for name in ("metric_key", "device", "dataset", "protocol")]
    found: dict[int, list[Split]] = {key: [] for key in names}
    for one in sorted(rows(connection, sa.select(*columns).where(table.c.slice == "").distinct())):
        found[one[0]].append(Split(*one))
    taken = set(names.values())
    result: dict[Split, str] = {}
    for key, splits in found.items():
        labels = _labels(names[key], splits)
        if len(set(labels)) < len(labels) or taken & ({*labels} - {names[key]}):
            labels = []
            for split in splits:
                labels.append(_spelled(names[key], split, taken=taken | set(labels)))
        taken |= set(labels)
        result |= zip(splits or [Split(key)], labels, strict=True)
    return result


def _spelled(name: str, split: Split, *, taken: set[str]) -> str:
    """A longer name, where the shorter one says the same of two ways, or is what somebody called another metric."""
    said = zip(("device", "dataset", "protocol"), (split.device, split.dataset, split.protocol), strict=True)
    text = ", ".join(f"{word} {value}" for word, value in said if value)
    label = f"{name} ({text})" if text else name
    names = chain([label], (f"{label} {number}" for number in count(2)))
    return next(one for one in names if text == "" or one not in taken)


def _labels(name: str, splits: list[Split]) -> list[str]:
    """The name of a metric for each way in which it was measured, with what differs between them in parentheses."""
    if len(splits) < 2:
        return [name]
    parts = [split.parts() for split in splits]
    differing = [place for place in range(3) if len({one[place] for one in parts}) > 1]
    said = [", ".join(one[place] for place in differing if one[place]) for one in parts]
    if len(set(said)) < len(said):
        said = [", ".join(filter(None, (split.device, split.dataset, split.protocol))) for split in splits]
    return [f"{name} ({text})" if text else name for text in said]


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _column(found: np.ndarray[Any, Any], model_keys: np.ndarray[Any, Any]) -> np.ma.MaskedArray[Any, Any]:
    kind = found["kind"]
    return _placed(found["model"], np.where(kind == NUMBER, found["value"], SPECIAL[kind]), model_keys=model_keys)


def _placed(
    models: np.ndarray[Any, Any], numbers: np.ndarray[Any, Any], *, model_keys: np.ndarray[Any, Any]
) -> np.ma.MaskedArray[Any, Any]:
    """Numbers of some models in the order of ``model_keys``; those of other models are left out."""
    values, missing = np.zeros(len(model_keys)), np.ones(len(model_keys), dtype=bool)
    if len(model_keys):
        order = np.argsort(model_keys, kind="stable")
        place = order[np.minimum(np.searchsorted(model_keys, models, sorter=order), len(model_keys) - 1)]
        known = model_keys[place] == models
        values[place[known]], missing[place[known]] = numbers[known], False
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
    number = value.value
    if math.isfinite(number) and (number or math.copysign(1, number) > 0):
        return number, NUMBER
    return None, schema.KINDS.index("-0" if number == 0 else value.kind)


def _place(value: MetricValue) -> tuple[str, str, str, str]:
    said = value.protocol_json if value.protocol else ""
    return (value.slice or "", value.device or "", value.dataset or "", said)


def _spread(value: MetricValue) -> tuple[int | None, float | None]:
    return (value.count, value.standard_error)


def row(key: int, value: MetricValue) -> list[Any]:
    """The columns of a value after the key of its model.

    Args:
        key: of the metric.
        value: as measured.
    """
    return [key, *_place(value), *_stored(value), *_spread(value)]


def number(value: float | None, kind: int) -> float:
    """What the two columns of a number say."""
    return float(SPECIAL[kind]) if value is None or kind != NUMBER else value


def _value_columns() -> list[sa.Column[Any]]:
    return [schema.metric_values.c[name] for name in COLUMNS[2:]]


def _measured(*columns: Any) -> MetricValue:
    """A value from its columns after the keys of model and metric."""
    slice_, device, dataset, protocol, value, kind, count, error = columns
    said = json.loads(protocol) if protocol else None
    return MetricValue(number(value, kind), slice_ or None, device or None, count, error, dataset or None, said)


def _known(connection: sa.Connection, keys: list[int]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    table, known = schema.metric_values, {}
    columns = [table.c[name] for name in COLUMNS]
    for start in range(0, len(keys), CHUNK):
        query = sa.select(*columns).where(table.c.model_key.in_(keys[start : start + CHUNK]))
        known.update({row[: len(PLACE)]: row[len(PLACE) :] for row in rows(connection, query)})
    return known
