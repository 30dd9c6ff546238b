"""What operations do on average, from the matched pairs of a project."""

from __future__ import annotations

from collections.abc import Iterable

from ..analysis.effects import effects as analysis
from ..store.store import Store
from ..table import Table


def effects(store: Store, metric: str | None = None, *, listed: int | None = None) -> Table:
    """See ``Project.effects``."""
    graph, columns, counts = store.measured_graph()
    if metric is not None:
        columns = {name: columns[name] for name in columns_of(store, metric, among=columns)}
    return Table(analysis.effects(graph, columns, listed=listed, counts=counts))


def columns_of(store: Store, metric: str, *, among: Iterable[str]) -> list[str]:
    """The columns of a metric: one for each way in which it was measured, or the one that is named itself.

    Raises:
        NotFound: ``metric.unknown``.
    """
    listed = list(among)
    if metric in listed:
        return [metric]
    name = store.metric(metric).name
    others = {other.name for other in store.metrics()}
    return [column for column in listed if column.startswith(f"{name} (") and column not in others]
