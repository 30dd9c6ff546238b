"""What operations do on average, from the matched pairs of a project."""

from __future__ import annotations

from ..analysis.effects import effects as analysis
from ..store.store import Store
from ..table import Table


def effects(store: Store, metric: str | None = None, *, listed: int | None = None) -> Table:
    """See ``Project.effects``."""
    graph, columns = store.measured_graph()
    if metric is not None:
        name = store.metric(metric).name
        columns = {name: columns[name]} if name in columns else {}
    return Table(analysis.effects(graph, columns, listed=listed))
