"""Which metric the numbers of a table are of, so that they are written in its format."""

from __future__ import annotations

from collections.abc import Iterable

from ...records import Metric
from ...table import Row, Write
from .writing import written, written_difference


def metrics_of(columns: Iterable[str], definitions: Iterable[Metric]) -> dict[str, Metric]:
    """The metric that each column is of: the one of its name, or the one that it is a way of measuring."""
    longest = sorted(definitions, key=lambda metric: -len(metric.name))
    return {
        name: next((one for one in longest if name == one.name or name.startswith(f"{one.name} (")), Metric(name))
        for name in columns
    }


def by_column(columns: Iterable[str], definitions: Iterable[Metric]) -> Write:
    """Write the columns of a table of models, each in the format of its metric."""
    known = metrics_of(columns, definitions)

    def write(name: str, row: Row) -> str | None:
        return written(row[name], known[name]) if name in known else None

    return write


def changes_by_row(columns: Iterable[str], definitions: Iterable[Metric]) -> Write:
    """Write changes of metrics in a table whose column ``metric`` says what a row is about."""
    listed, told = list(definitions), set(columns)

    def write(name: str, row: Row) -> str | None:
        if name not in told:
            return None
        return written_difference(row[name], metrics_of([row["metric"]], listed)[row["metric"]])

    return write
