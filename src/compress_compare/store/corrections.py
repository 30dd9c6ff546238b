"""Numbers that were wrong: what is said instead, with the old ones in the history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from ..errors import InvalidValue, NotFound
from ..records import JSON, MetricValue
from . import history, metrics, models, ranges, schema
from .drafts import Measured, check_metrics
from .history import Made

Row = list[Any]
"""The columns of a value after the key of its model."""

Pair = tuple[Row | None, Row | None]
"""A value as it was and as it is to be; None is none."""


def correct(connection: sa.Connection, id: str, values: Mapping[str, Measured], *, reason: str) -> int | None:
    """Replace values of a model; returns the number of the change, or None if all are as they were.

    Args:
        connection: that writes.
        id: of the model.
        values: by metric: a number for the one value over all examples, which keeps its device, dataset, protocol and
            count; or ``MetricValue``; or None to remove that one value.
        reason: why.

    Raises:
        NotFound: ``metric.unknown``, ``metric.no_value``.
        InvalidValue: ``metric.ambiguous`` if it does not say which of several values is meant, ``metric.range``.
    """
    model = models.one(connection, id)
    keys = {metric.name: key for key, metric in metrics.definitions(connection).items()}
    checked = check_metrics(values)
    pairs: list[Pair] = []
    for name in values:
        metric = metrics.named(connection, name)
        there = metrics.of_model(connection, model.key).get(name, ())
        for before, after in _replaced(name, there, values[name], measured=checked.get(name, ())):
            if after is not None:
                ranges.check(metric, after)
            pairs.append((metrics.row(keys[name], before), None if after is None else metrics.row(keys[name], after)))
    changed = [(before, after) for before, after in pairs if before != after]
    if not changed:
        return None
    put(connection, model.key, changed)
    names = {key: name for name, key in keys.items()}
    old, new = ({_label(names, pair): _number(pair[side]) for pair in changed} for side in (0, 1))
    rows = {"old": [before for before, _ in changed], "new": [after for _, after in changed]}
    return history.record(connection, Made("correct", {model.key: id}, old, new, rows, reason))


def put(connection: sa.Connection, key: int, pairs: Iterable[Pair]) -> None:
    """Put values of a model in the place of others."""
    table, names = schema.metric_values, metrics.COLUMNS[1:]
    for before, after in pairs:
        for row in (before, after):
            if row is not None:
                place = zip(metrics.PLACE[1:], row, strict=False)
                same = [table.c[name] == value for name, value in place]
                connection.execute(table.delete().where(table.c.model_key == key, *same))
        if after is not None:
            connection.execute(table.insert().values(model_key=key, **dict(zip(names, after, strict=True))))


def _replaced(
    name: str, there: Sequence[MetricValue], given: Measured, *, measured: Sequence[MetricValue]
) -> list[tuple[MetricValue, MetricValue | None]]:
    """What stands there, and what is to stand in its place."""
    if given is None or not isinstance(given, MetricValue | list | tuple):
        before = _only(name, [one for one in there if one.slice is None])
        return [(before, replace(before, value=measured[0].value) if measured else None)]
    found: list[tuple[MetricValue, MetricValue | None]] = []
    for one in measured:
        place = (one.slice, one.device, one.dataset, one.protocol_json)
        same = [other for other in there if (other.slice, other.device, other.dataset, other.protocol_json) == place]
        if not same:
            raise _no_value(name)
        found.append((same[0], one))
    return found


def _only(name: str, there: Sequence[MetricValue]) -> MetricValue:
    if not there:
        raise _no_value(name)
    if len(there) > 1:
        raise InvalidValue(
            "metric.ambiguous",
            f"The model has {len(there)} values of {name!r:.80}, and it is not said which is meant.",
            detail=f"They are {', '.join(f'{one.value:g}' for one in there[:5])}.",
            hint="Give cc.records.MetricValue(value, device=…, dataset=…, protocol=…).",
        )
    return there[0]


def _no_value(name: str) -> NotFound:
    return NotFound(
        "metric.no_value",
        f"The model has no such value of {name!r:.80} that could be corrected.",
        hint="Add it with project.log_metrics(), or say the slice, device, dataset and protocol of the value.",
    )


def _label(names: Mapping[int, str], pair: Pair) -> str:
    """The name of the metric with what else tells the value from others."""
    row = pair[0] or pair[1] or []
    said = ", ".join(part for part in row[1:5] if part)
    return f"{names[row[0]]} ({said})" if said else names[row[0]]


def _number(row: Row | None) -> JSON:
    """A value as JSON: those that are not finite by name."""
    if row is None:
        return None
    value = metrics.number(row[5], row[6])
    return value if abs(value) < float("inf") else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
