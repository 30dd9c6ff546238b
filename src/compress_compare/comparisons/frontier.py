"""The Pareto-optimal models of a project by two of its metrics."""

from __future__ import annotations

from ..analysis import frontier as analysis
from ..errors import InvalidValue
from ..records import Metric
from ..store.store import Store


def frontier(store: Store, *, x: str, y: str) -> list[str]:
    """See ``Project.frontier``."""
    directions = [_direction(store.metric(name)) for name in (x, y)]
    table = store.models().arrow
    if not {x, y} <= set(table.column_names):
        return []
    columns = [table[name].to_numpy() for name in (x, y)]
    optimal = analysis.frontier(
        columns[0], columns[1], x_higher_is_better=directions[0], y_higher_is_better=directions[1]
    )
    ids = table["id"].to_pylist()
    return [ids[index] for index in optimal]


def _direction(metric: Metric) -> bool:
    if metric.higher_is_better is None:
        raise InvalidValue(
            "metric.direction_unknown",
            f"Metric {metric.name!r} does not say whether higher or lower is better.",
            hint=f"Define it: project.define_metric({metric.name!r}, higher_is_better=…).",
        )
    return metric.higher_is_better
