"""Rows of a tensor in another order, read a run of neighbors at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..analysis.layers.values import Array, Values


def gathered(values: Values, places: Array) -> Values:
    """The same numbers with the rows in another order; ``places`` says of each row where it is in ``values``.

    Args:
        values: of any shape; its rows are as many equal pieces as there are places.
        places: each of 0 … rows − 1 once.
    """
    columns = values.count // max(len(places), 1)

    def decode(first: int, last: int) -> Array:
        picked = places[first:last]
        runs = np.split(picked, np.flatnonzero(np.diff(picked) != 1) + 1)
        read = [values.numbers(int(run[0]) * columns, (int(run[-1]) + 1) * columns) for run in runs if len(run)]
        return np.concatenate(read).reshape(last - first, columns) if read else np.zeros((0, columns), np.float32)

    return replace(values, table=None, decode=decode, unit=max(columns, 1))


def part_by_part(count: int, sizes: Sequence[int]) -> Array:
    """Where the rows of parts, one part behind the other, are in a tensor of matrices that each have rows of all parts.

    Args:
        count: matrices.
        sizes: rows of each part in a matrix.
    """
    rows = np.arange(count * sum(sizes)).reshape(count, -1)
    return np.concatenate([part.reshape(-1) for part in np.split(rows, np.cumsum(sizes)[:-1], axis=1)])


def by_turns(count: int, rows: int) -> Array:
    """As ``part_by_part`` for two parts of ``rows`` rows each that take turns in a matrix."""
    return np.asarray(np.arange(count * 2 * rows).reshape(-1, 2).T.reshape(-1))
