"""ExecuTorch: tables of its Inspector as CSV, the numeric gap of each operator and the profile of each event."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..records import Metric, MetricValue
from . import layers
from .base import Imported, Importer
from .files import head
from .numbers import number, parsed
from .places import Place, other_format
from .tables import read_table

WHAT = "a table of ExecuTorch's Inspector"
WHOLE = "Method::execute"
"""The event that stands for all of a run."""
TIMES = ("p10", "p50", "p90", "avg", "min", "max")


def recognizes(path: Path) -> str | None:
    """A table with the columns of a numeric gap or of a profile."""
    first = head(path, 1000).split(b"\n")[0] if path.is_file() else b""
    if b"runtime_ops" in first and b"gap" in first:
        return "a numeric gap of ExecuTorch's Inspector"
    return "a profile of ExecuTorch's Inspector" if b"event_block_name" in first else None


def read(place: Place) -> Imported:
    """Read a numeric gap or a profile; operators and events are slices.

    Raises:
        InvalidValue: ``import.*``.
    """
    table = read_table(place.path)
    columns = {name.lower(): name for name in table.columns}
    imported = Imported()
    metrics: dict[str, list[MetricValue]] = {}
    if {"runtime_ops", "gap"} <= set(columns):
        values = list(_gaps(table.rows, columns))
        metric = Metric("numeric gap", higher_is_better=False)
        reason = "a distance: lower is better; its kind is not in the file"
        metrics[metric.name] = layers.add(imported, metric, values=values, reason=reason)
    elif {"event_block_name", "event_name"} <= set(columns):
        for short in TIMES:
            name = columns.get(f"{short} (ms)")
            if name is not None:
                metric = Metric(f"event time, {short}", unit="ms", higher_is_better=False)
                metrics[metric.name] = _times(imported, metric, table.rows, (columns["event_name"], name))
    if not any(metrics.values()):
        raise other_format(place, WHAT, expected="Expected runtime_ops and gap, or event_name and times.")
    imported.models.append({"id": layers.model_name(place.path), "metrics": metrics})
    return imported


def _gaps(rows: Any, columns: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    for row in rows:
        numbers = [found for one in _listed(row[columns["gap"]]) if (found := number(one)) is not None]
        if numbers:
            yield " ".join(map(str, _listed(row[columns["runtime_ops"]]))), max(numbers)


def _listed(cell: Any) -> list[Any]:
    """A cell that holds a list as Python writes it, a number or a text."""
    if isinstance(cell, list):
        return cell
    if isinstance(cell, str) and cell.startswith("[") and len(cell) < 20_000:
        try:
            found = ast.literal_eval(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return [cell]
        return found if isinstance(found, list) else [cell]
    exact = parsed(cell) if isinstance(cell, str) else None
    return [float(exact[0]) if exact is not None else cell]


def _times(imported: Imported, metric: Metric, rows: Any, names: tuple[str, str]) -> list[MetricValue]:
    event, time = names
    values, whole = [], []
    for row in rows:
        found = [one for one in map(number, _listed(row[time])) if one is not None]
        if found and row[event] == WHOLE:
            whole.append(MetricValue(found[0]))
        elif found:
            values.append((str(row[event]), found[0]))
    return [*whole[:1], *layers.add(imported, metric, values=values, reason="the column says ms")]


IMPORTER = Importer(read, "numeric gaps and profiles of ExecuTorch's Inspector, as CSV", recognizes=recognizes)
