"""Sorted points on a line with running sums, and the clusterings of them: by dynamic programming and by Lloyd.

Wang, Song: Ckmeans.1d.dp, optimal k-means clustering in one dimension by dynamic programming. The R Journal 3(2),
2011; with the divide-and-conquer search of Grønlund et al. 2017, arXiv 1701.07204, one depth of the
recursion at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
_ITERATIONS = 300


@dataclass(frozen=True)
class Line:
    """Sorted points, and running sums over them of weight, weight · point and weight · point².

    A clustering is given by its cuts: where in ``points`` each cluster begins, and the end.
    """

    points: Floats
    sums: Floats

    @classmethod
    def of(cls, points: Floats, weights: Floats) -> Line:
        """The line of sorted ``points``, each occurring ``weights`` times."""
        sums = np.zeros((3, len(points) + 1))
        for row in sums:
            np.cumsum(weights, out=row[1:])
            weights = weights * points
        return cls(points, sums)

    def shares(self, number: int, *, low: int = 0, high: int | None = None) -> Indices:
        """Cuts of the points ``low`` to ``high`` into at most ``number`` bins of about equal weight, ends included."""
        stop = len(self.points) if high is None else high
        if stop - low <= number:
            return np.arange(low, stop + 1)
        shares = np.linspace(self.sums[0, low], self.sums[0, stop], number + 1)[1:-1]
        inner = np.searchsorted(self.sums[0], shares).clip(low, stop)
        return np.unique(np.concatenate(([low], inner, [stop])))

    def shared_by(self, cuts: Indices, number: int) -> Indices:
        """Cuts into about ``number`` bins, as many in each cluster."""
        each = max(number // (len(cuts) - 1), 2)
        parts = [self.shares(each, low=low, high=high) for low, high in pairwise(cuts)]
        return np.unique(np.concatenate(parts))

    def at(self, cuts: Indices) -> Line:
        """Each bin between two ``cuts`` in place of its points."""
        return Line(self.means(cuts), self.sums[:, cuts])

    def means(self, cuts: Indices) -> Floats:
        """The mean of each cluster."""
        weight, total, _ = np.diff(self.sums[:, cuts], axis=1)
        means: Floats = total / weight
        return means

    def cuts(self, means: Floats) -> Indices:
        """The clustering in which each point belongs to the nearest of the sorted ``means``; none is empty."""
        inner = np.searchsorted(self.points, (means[1:] + means[:-1]) / 2, side="right")
        return np.unique(np.concatenate(([0], inner, [len(self.points)])))

    def error(self, start: Indices, stop: Indices) -> Floats:
        """Sum of squared distances from the mean, for the clusters of points ``start`` to ``stop`` (not included)."""
        weight, total, squares = self.sums[:, stop] - self.sums[:, start]
        error: Floats = squares - total**2 / np.maximum(weight, 1)
        return error

    def inertia(self, cuts: Indices) -> float:
        """The error of a whole clustering."""
        return float(self.error(cuts[:-1], cuts[1:]).sum())


def best_cuts(line: Line, count: int, *, low: Indices | None = None, high: Indices | None = None) -> Indices:
    """The cuts of the clustering with the smallest error, of those whose inner cuts lie from ``low`` to ``high``."""
    size = len(line.points)
    inner = np.arange(1, count)
    lows = np.append(inner if low is None else low, size)
    highs = np.append(inner + size - count if high is None else high, size)
    _, begins = chain(line, low=lows, high=highs)
    cuts = [size]
    for begin, first in zip(reversed(begins), reversed(lows[1:]), strict=True):
        cuts.append(int(begin[cuts[-1] - first]))
    return np.array([0, *reversed(cuts)], dtype=np.intp)


def chain(
    line: Line, *, low: Indices, high: Indices, credit: list[Floats] | None = None, empty: bool = False
) -> tuple[list[Floats], list[Indices]]:
    """For each cut and each place that it may have: the least error of all clusters before it, and the cut before.

    Args:
        line: n points.
        low: first place of each cut, from 0 to n; both ``low`` and ``high`` rise.
        high: last place of each cut.
        credit: what the error is lowered by for each place of each cut.
        empty: whether clusters may be empty.

    Returns:
        One array per cut, of high − low + 1; and one per cut but the first.
    """
    credits = credit or [np.zeros(int(last - first) + 1) for first, last in zip(low, high, strict=True)]
    stops = np.arange(low[0], high[0] + 1)
    errors, begins = [line.error(np.zeros_like(stops), stops) - credits[0]], []
    for index in range(1, len(low)):
        columns, rows = (low[index - 1], high[index - 1]), (low[index], high[index])
        error, begin = _one_more(line, errors[-1], columns=columns, rows=rows, gap=0 if empty else 1)
        errors.append(error - credits[index])
        begins.append(begin)
    return errors, begins


def _one_more(
    line: Line, error: Floats, *, columns: tuple[int, int], rows: tuple[int, int], gap: int
) -> tuple[Floats, Indices]:
    """Least error with one cluster more, and where it begins, for each of its ends in ``rows``.

    ``error`` is that before each begin in ``columns``; a cluster has ``gap`` points at least. Begins never fall as ends
    rise, so once that of the middle end is known, each half has to be searched on one side of it only.
    """
    known = error - line.sums[2, columns[0] : columns[1] + 1]
    best = np.full(rows[1] - rows[0] + 1, np.inf)
    begin = np.full(len(best), columns[0], dtype=np.intp)
    low, high = np.array([max(rows[0], columns[0] + gap)]), np.array([rows[1]])  # ranges of ends, one per open half
    first, last = np.array([columns[0]]), np.array([columns[1]])  # where their cluster can begin
    while len(low):
        middle = (low + high) // 2
        bounds = first, np.minimum(last, middle - gap)
        choice, best[middle - rows[0]] = _least(line, known, bounds=bounds, stop=middle, offset=columns[0])
        begin[middle - rows[0]] = choice
        low, high = np.concatenate((low, middle + 1)), np.concatenate((middle - 1, high))
        first, last = np.concatenate((first, choice)), np.concatenate((choice, last))
        low, high, first, last = (part[low <= high] for part in (low, high, first, last))
    return best, begin


def _least(
    line: Line, known: Floats, *, bounds: tuple[Indices, Indices], stop: Indices, offset: int
) -> tuple[Indices, Floats]:
    """For each ``stop``: the begin of the last cluster, within ``bounds``, with the least error; and that error.

    ``known`` is the error before each begin from ``offset`` on, less the running sum of squares there.
    """
    lengths = bounds[1] - bounds[0] + 1
    starts = lengths.cumsum() - lengths
    begin = np.arange(int(lengths.sum())) - np.repeat(starts - bounds[0], lengths)
    weight, total = (np.repeat(row[stop], lengths) - row[begin] for row in line.sums[:2])
    errors = known[begin - offset] - total**2 / np.maximum(weight, 1)
    least = np.minimum.reduceat(errors, starts)
    hits = np.flatnonzero(errors == np.repeat(least, lengths))
    return begin[hits[np.searchsorted(hits, starts)]], least + line.sums[2, stop]


def lloyd(line: Line, means: Floats) -> Indices:
    """Cuts after moving means and points in turn until nothing changes."""
    cuts = line.cuts(means)
    for _ in range(_ITERATIONS):
        moved = line.cuts(line.means(cuts))
        if np.array_equal(moved, cuts):
            break
        cuts = moved
    return cuts
