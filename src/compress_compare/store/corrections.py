"""Numbers that were wrong: what is said instead, with the old ones in the history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from ..errors import Conflict, InvalidValue, NotFound
from ..records import JSON, MetricValue
from . import history, metrics, models, ranges, schema
from .drafts import Measured, check_metrics
from .history import Made

Row = list[Any]
"""The columns of a value after the key of its model."""

Pair = tuple[Row | None, Row | None]
"""A value as it was and as it is to be; None is none."""


@dataclass(frozen=True)
class SeenReading:
    """What somebody looked at who corrects a value.

    Args:
        value: what it was.
        slice: where it was measured, as in ``MetricValue``; likewise the others.
    """

    value: float
    slice: str | None = None
    device: str | None = None
    dataset: str | None = None
    protocol: Mapping[str, JSON] | None = None

    def of(self, there: Iterable[MetricValue]) -> list[MetricValue]:
        """The one of several values that was looked at."""
        place = MetricValue(self.value, self.slice, self.device, dataset=self.dataset, protocol=self.protocol)
        return [one for one in there if _place(one) == _place(place)]

    def check(self, name: str, before: MetricValue) -> None:
        """Pass if the value is still what was looked at.

        Raises:
            Conflict: ``metric.changed``.
        """
        if _kind(before.value) != _kind(self.value):
            raise Conflict(
                "metric.changed",
                f"{name} is {before.value:.6g} now, and no longer {self.value:.6g}: somebody corrected it meanwhile.",
                hint="Look at the history, and correct the new value if it is wrong, too.",
            )


def correct(
    connection: sa.Connection,
    id: str,
    values: Mapping[str, Measured],
    *,
    reason: str,
    seen: Mapping[str, SeenReading] | None = None,
) -> int | None:
    """Replace values of a model; returns the number of the change, or None if all are as they were.

    Args:
        connection: that writes.
        id: of the model.
        values: by metric: a number for the one value over all examples, which keeps its device, dataset, protocol and
            count; or ``MetricValue``; or None to remove that one value.
        reason: why.
        seen: by metric, what a person looked at before; it says which of several values is meant.

    Raises:
        NotFound: ``metric.unknown``, ``metric.no_value``.
        InvalidValue: ``metric.ambiguous`` if it does not say which of several values is meant, ``metric.range``.
        Conflict: ``metric.changed`` if a value is no longer what was seen.
    """
    model = models.one(connection, id)
    keys = {metric.name: key for key, metric in metrics.definitions(connection).items()}
    checked = check_metrics(values)
    pairs: list[Pair] = []
    for name in values:
        metric = metrics.named(connection, name)
        there = metrics.of_model(connection, model.key).get(name, ())
        looked = (seen or {}).get(name)
        whole = [one for one in there if one.slice is None] if looked is None else looked.of(there)
        for before, after in _replaced(name, (there, whole), values[name], measured=checked.get(name, ())):
            if looked is not None:
                looked.check(name, before)
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
    name: str,
    found: tuple[Sequence[MetricValue], Sequence[MetricValue]],
    given: Measured,
    *,
    measured: Sequence[MetricValue],
) -> list[tuple[MetricValue, MetricValue | None]]:
    """What stands there, and what is to stand in its place. A plain number is for the one that is meant."""
    there, meant = found
    if given is None or not isinstance(given, MetricValue | list | tuple):
        before = _only(name, meant)
        return [(before, replace(before, value=measured[0].value) if measured else None)]
    pairs: list[tuple[MetricValue, MetricValue | None]] = []
    for one in measured:
        same = [other for other in there if _place(other) == _place(one)]
        if not same:
            raise _no_value(name)
        pairs.append((same[0], one))
    return pairs


def _place(one: MetricValue) -> tuple[str | None, ...]:
    return one.slice, one.device, one.dataset, one.protocol_json


def _kind(value: float) -> tuple[str, float]:
    kind = MetricValue(value).kind
    return kind, value if kind == "number" else 0


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
