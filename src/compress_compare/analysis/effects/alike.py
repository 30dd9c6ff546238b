"""Models that were made alike: replicates with other seeds, or the same step logged twice. They are one observation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..lineage import Graph

Columns = Mapping[str, "np.ma.MaskedArray[Any, Any]"]


def alike(graph: Graph, metrics: Columns, *, counts: Columns) -> tuple[Graph, dict[str, Any], dict[str, Any]]:
    """Put models together whose lineages from one root are equal step by step; the first one gives its id.

    Args:
        graph: the models.
        metrics: masked arrays ``[models]`` by name: the mean of the finite values is kept, or what the first model has
            where none is finite.
        counts: likewise; the least is kept.

    Returns:
        The graph of those that differ, and the columns in its order.
    """
    of = _classes(graph)
    size = max(of, default=-1) + 1
    if size == len(graph):
        return graph, dict(metrics), dict(counts)
    first = [-1] * size
    for position, one in enumerate(of):
        if first[one] < 0:
            first[one] = position
    bases = [graph.parents[position] for position in first]
    merged = Graph.from_columns(
        [graph.ids[position] for position in first],
        [None if base < 0 else graph.ids[first[of[base]]] for base in bases],
        operations=[graph.operations[position] for position in first],
    )
    place, start = np.array(of), np.array(first)
    return (
        merged,
        {name: _mean(column, place, start=start) for name, column in metrics.items()},
        {name: _least(column, place, size=size) for name, column in counts.items()},
    )


def _classes(graph: Graph) -> list[int]:
    """The number of the class of each model, counted in the order of their first models."""
    keys: dict[tuple[Any, ...], int] = {}
    several = {id(one): one for one in graph.operations if one is not None}
    done = {number: (one.name, one.canonical_parameters) for number, one in several.items()}
    found = [-1] * len(graph)
    for position in sorted(range(len(graph)), key=graph.depths.__getitem__):
        base, operation = graph.parents[position], graph.operations[position]
        key: tuple[Any, ...] = (graph.ids[position],)
        if base >= 0 and operation is not None:
            key = (found[base], *done[id(operation)])
        found[position] = keys.setdefault(key, len(keys))
    order: dict[int, int] = {}
    return [order.setdefault(one, len(order)) for one in found]


def _mean(
    column: np.ma.MaskedArray[Any, Any], place: NDArray[np.int64], *, start: NDArray[np.int64]
) -> np.ma.MaskedArray[Any, Any]:
    values, missing = np.ma.filled(column.astype(np.float64), np.nan), np.ma.getmaskarray(column)
    finite = np.isfinite(values) & ~missing
    count = np.bincount(place[finite], minlength=len(start))
    total = np.bincount(place[finite], weights=values[finite], minlength=len(start))
    there = np.flatnonzero(~missing)
    kept = np.full(len(start), np.nan)
    kept[place[there][::-1]] = values[there][::-1]
    several = count > 1
    kept[several] = total[several] / count[several]
    one = finite & (count[place] == 1)
    kept[place[one]] = values[one]
    none = np.bincount(place[there], minlength=len(start)) == 0
    return np.ma.MaskedArray(kept, mask=none)


def _least(column: np.ma.MaskedArray[Any, Any], place: NDArray[np.int64], *, size: int) -> np.ma.MaskedArray[Any, Any]:
    values = np.ma.filled(column.astype(np.float64), np.inf)
    least = np.full(size, np.inf)
    np.minimum.at(least, place, values)
    return np.ma.MaskedArray(least, mask=~np.isfinite(least))
