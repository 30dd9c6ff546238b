"""The Pareto-optimal models of a project by two of its metrics."""

from __future__ import annotations

import warnings

import numpy as np
import pyarrow as pa

from ..analysis import frontier as analysis
from ..analysis.ask.selecting import ModelColumns
from ..store.store import Store
from .ask import NO_BOUNDS, Bounds, columns, direction, rows_of, within
from .effects import columns_of


def frontier(store: Store, x: str, *, y: str, bounds: Bounds = NO_BOUNDS, where: str | None = None) -> pa.Table:
    """The rows of the Pareto-optimal models, best first along ``x``; see ``Project.frontier``."""
    known = columns(store)
    names = [column(store, known, name=name) for name in (x, y)]
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


def told(
    store: Store, x: str, *, y: str, bounds: Bounds = NO_BOUNDS, where: str | None = None
) -> tuple[tuple[str, str], pa.Table, list[str]]:
    """The columns that were taken for two metrics, the rows of `frontier`, and what its warnings say."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", MeasuredUnlike)
        known = columns(store)
        first, second = (column(store, known, name=name) or name for name in (x, y))
        found = frontier(store, first, y=second, bounds=bounds, where=where)
    return (first, second), found, [str(one.message) for one in said if issubclass(one.category, MeasuredUnlike)]


def column(store: Store, known: ModelColumns, *, name: str) -> str | None:
    """The column of a metric; ``None`` if no model has a value of it.

    A metric that was measured in several ways has a column for each. The one with most models is taken, with a warning
    that says so: values that were measured in unlike ways are never on one frontier.

    Raises:
        NotFound: ``metric.unknown``.
    """
    if name in known.metrics:
        return name
    found = columns_of(store, name, among=known.metrics)
    if not found:
        return None
    chosen = max(found, key=lambda column: int(np.isfinite(known.numbers(column)).sum()))
    others = ", ".join(repr(column) for column in found if column != chosen)
    said = f"{name!r} was measured in {len(found)} ways, which are not mixed."
    warnings.warn(f"{said} Shown is {chosen!r}; choose {others} by name.", MeasuredUnlike, stacklevel=4)
    return chosen


class MeasuredUnlike(UserWarning):
    """A metric has values of unlike device, dataset or protocol, of which one kind was taken."""
