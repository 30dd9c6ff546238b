"""The Pareto-optimal models of a project by two of its metrics."""

from __future__ import annotations

import pyarrow as pa

from ..analysis import frontier as analysis
from ..analysis.ask.selecting import ModelColumns
from ..store.store import Store
from .ask import NO_BOUNDS, Bounds, columns, direction, rows_of, within


def frontier(store: Store, x: str, *, y: str, bounds: Bounds = NO_BOUNDS, where: str | None = None) -> pa.Table:
    """The rows of the Pareto-optimal models, best first along ``x``; see ``Project.frontier``."""
    known = columns(store)
    names = [_column(store, known, name) for name in (x, y)]
    if None in names:
        return known.table.slice(0, 0)
    first, second = (str(name) for name in names)
    rows = within(known, rows_of(known, where), bounds=bounds)
    found = analysis.frontier(
        known.numbers(first)[rows],
        known.numbers(second)[rows],
        x_higher_is_better=direction(known, first),
        y_higher_is_better=direction(known, second),
    )
    return known.table.take(pa.array(rows[found]))


def _column(store: Store, known: ModelColumns, name: str) -> str | None:
    """The column of a metric; ``None`` if no model has a value of it.

    Raises:
        NotFound: ``metric.unknown``.
        InvalidValue: ``ask.name`` for a metric that was measured in several ways.
    """
    if name in known.metrics:
        return name
    if any(column.startswith(f"{name} (") for column in known.metrics):
        return known.named(name)
    store.metric(name)
    return None
