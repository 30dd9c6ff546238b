"""What operations do on average, from the matched pairs of a project."""

from __future__ import annotations

from collections.abc import Iterable

from ..analysis.effects import effects as analysis
from ..analysis.lineage import Graph
from ..analysis.quantities.metrics import changes_by_row
from ..store.reading import Columns
from ..store.store import Store
from ..table import Table


def effects(store: Store, metric: str | None = None, *, listed: int | None = None) -> Table:
    """See ``Project.effects``."""
    return of_measured(store, store.measured_graph(), metric=metric, listed=listed)


def of_measured(
    store: Store, measured: tuple[Graph, Columns, Columns], *, metric: str | None = None, listed: int | None = None
) -> Table:
    """The same of what ``measured_graph`` has returned before.

    Raises:
        NotFound: ``metric.unknown``.
    """
    graph, columns, counts = measured
    if metric is not None:
        columns = {name: columns[name] for name in columns_of(store, metric, among=columns)}
    found = analysis.effects(graph, columns, listed=listed, counts=counts)
    return Table(found, write=changes_by_row(("mean", "median", "ci_low", "ci_high"), store.metrics()))


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
