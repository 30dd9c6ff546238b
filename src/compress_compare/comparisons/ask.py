"""Finding models of a project: by a condition, as the best under bounds, on a frontier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from .. import checks
from .. import columns as made
from ..analysis.ask.expression import parse
from ..analysis.ask.selecting import ModelColumns, mask, order
from ..analysis.quantities.metrics import by_column, metrics_of
from ..analysis.quantities.reading import quantity
from ..errors import InvalidValue
from ..store.store import Store
from ..table import Table


@dataclass(frozen=True)
class Bounds:
    """Bounds of metrics by name, as numbers or with a unit: ``{"Packed Size": "300 kB"}``.

    Args:
        low: smallest values that count.
        high: largest.
    """

    low: Mapping[str, str | float] | None = None
    high: Mapping[str, str | float] | None = None


NO_BOUNDS = Bounds()


def columns(store: Store) -> ModelColumns:
    """All that can be asked of the models of a project: ``models()`` with their tags."""
    table = store.overview().arrow
    table = table.drop_columns([name for name in ("references",) if name in table.column_names])
    measured = [column.name for column in table.schema if pa.types.is_floating(column.type)]
    return ModelColumns(table, metrics_of(measured, store.metrics()))


def find(store: Store, where: str | None = None, *, sort: str | Sequence[str] = (), limit: int | None = None) -> Table:
    """See ``Project.find``."""
    known = columns(store)
    return _taken(known, rows_of(known, where, sort=checks.texts(sort, "The columns to sort by"))[:limit])


def _taken(known: ModelColumns, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Table:
    """Some rows; the first ones, as they stand, without what selecting has to import."""
    are_first = np.array_equal(rows, np.arange(len(rows)))
    table = known.table[: len(rows)] if are_first else known.table.take(made.numbers(rows))
    return Table(table, write=by_column(known.metrics, known.metrics.values()))


def best(store: Store, by: str, *, bounds: Bounds = NO_BOUNDS, where: str | None = None) -> Table:
    """See ``Project.best``."""
    known = columns(store)
    name = known.named(by)
    better = direction(known, name)
    rows = within(known, rows_of(known, where), bounds=bounds)
    rows = rows[~np.isnan(known.numbers(name)[rows])]
    return _taken(known, order(known, [f"-{name}" if better else name], rows=rows))


def direction(known: ModelColumns, name: str) -> bool:
    """Whether higher is better.

    Raises:
        InvalidValue: ``metric.direction_unknown``; ``ask.value`` for a column that is no metric.
    """
    metric = known.metrics.get(name)
    if metric is None:
        raise InvalidValue(
            "ask.value", f"{name!r} is not a metric.", hint=f"Metrics: {', '.join(known.metrics)}."[:400]
        )
    if metric.higher_is_better is None:
        raise InvalidValue(
            "metric.direction_unknown",
            f"Metric {metric.name!r} does not say whether higher or lower is better.",
            hint=f"Define it: project.define_metric({metric.name!r}, higher_is_better=…).",
        )
    return metric.higher_is_better


def rows_of(
    known: ModelColumns, where: str | None, *, sort: Sequence[str] = ()
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The places of the models that meet a condition, in an order."""
    rows = np.arange(len(known.table), dtype=np.int64)
    if where is not None and where.strip():
        rows = rows[mask(parse(where, known.names), known)]
    return order(known, sort, rows=rows)


def within(
    known: ModelColumns, rows: np.ndarray[tuple[int], np.dtype[np.int64]], *, bounds: Bounds
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Those of some places where every bounded metric has a value within its bounds."""
    for limits, sign in ((bounds.low, 1), (bounds.high, -1)):
        for given, limit in checks.mapping(limits, "Bounds").items():
            name = known.named(given)
            if name not in known.metrics:
                raise InvalidValue("ask.value", f"{name!r} is not a metric.")
            bound = quantity(limit, unit=known.metrics[name].unit)
            with np.errstate(invalid="ignore"):
                rows = rows[sign * known.numbers(name)[rows] >= sign * bound]
    return rows
