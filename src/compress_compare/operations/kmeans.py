"""k-means of numbers on a line: exact by dynamic programming, on sorted distinct values with running sums.

Wang, Song: Ckmeans.1d.dp, optimal k-means clustering in one dimension by dynamic programming. The R Journal 3(2),
2011; with the divide-and-conquer search of Grønlund et al. 2017, arXiv 1701.07204, one depth of the recursion at a
time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
_EXACT = 2048
_ITERATIONS = 300


def kmeans_1d(values: Floats, count: int) -> Floats:
    """Each value replaced by the mean of its cluster: at most ``count`` distinct numbers.

    The sum of squared errors is the smallest possible for up to 2,048 distinct values. For more, the best clustering of
    2,048 bins of equal count is improved by Lloyd's iterations on all values.

    Args:
        values: shape [n], finite.
        count: number of clusters, at least 1.
    """
    middle = float(values.mean())  # sums of squares are precise only near zero
    points, inverse, counts = np.unique(values - middle, return_inverse=True, return_counts=True)
    if len(points) <= count:
        return values
    line = Line.of(points, counts.astype(np.float64))
    small = line.binned(max(_EXACT, 2 * count))
    cuts = _lloyd(line, small.means(_best_cuts(small, count)))
    clustered: Floats = (np.repeat(line.means(cuts), np.diff(cuts)) + middle)[inverse]
    return clustered


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
        rows = np.stack([weights, weights * points, weights * points**2])
        return cls(points, np.concatenate([np.zeros((3, 1)), rows.cumsum(axis=1)], axis=1))

    def binned(self, number: int) -> Line:
        """At most ``number`` bins of about equal weight, each in place of its points."""
        if len(self.points) <= number:
            return self
        shares = np.linspace(0, self.sums[0, -1], number + 1)[1:-1]
        cuts = np.unique(np.concatenate(([0], np.searchsorted(self.sums[0], shares), [len(self.points)])))
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


def _best_cuts(line: Line, count: int) -> Indices:
    """The cuts of the clustering with the smallest error."""
    ends = np.arange(1, len(line.points) + 1)
    error = np.concatenate(([0.0], line.error(np.zeros_like(ends), ends)))
    begins = []
    for clusters in range(2, count + 1):
        error, begin = _one_more(line, error, clusters)
        begins.append(begin)
    cuts = [len(line.points)]
    for begin in reversed(begins):
        cuts.append(int(begin[cuts[-1]]))
    return np.array([0, *reversed(cuts)], dtype=np.intp)


def _one_more(line: Line, error: Floats, clusters: int) -> tuple[Floats, Indices]:
    """Best error, and where the last cluster begins, for the first 0 … n points in ``clusters`` clusters.

    ``error`` is that for one cluster less. Begins never fall as more points come in, so once that of the middle point
    is known, each half has to be searched on one side of it only.
    """
    size = len(line.points)
    best, begin = np.full(size + 1, np.inf), np.zeros(size + 1, dtype=np.intp)
    low, high = np.array([clusters]), np.array([size])  # ranges of numbers of points, one per open half
    first, last = np.array([clusters - 1]), np.array([size - 1])  # where their last cluster can begin
    while len(low):
        middle = (low + high) // 2
        choice, best[middle] = _least(line, error, first=first, last=np.minimum(last, middle - 1), stop=middle)
        begin[middle] = choice
        low, high = np.concatenate((low, middle + 1)), np.concatenate((middle - 1, high))
        first, last = np.concatenate((first, choice)), np.concatenate((choice, last))
        low, high, first, last = (part[low <= high] for part in (low, high, first, last))
    return best, begin


def _least(line: Line, error: Floats, *, first: Indices, last: Indices, stop: Indices) -> tuple[Indices, Floats]:
    """For each ``stop``: the begin of the last cluster, ``first`` to ``last``, with the least error; and that error."""
    lengths = last - first + 1
    offsets = lengths.cumsum() - lengths
    owner = np.repeat(np.arange(len(stop)), lengths)
    begin = np.arange(len(owner)) - (offsets - first)[owner]
    total = error[begin] + line.error(begin, stop[owner])
    least = np.minimum.reduceat(total, offsets)
    hits = np.flatnonzero(total == least[owner])
    return begin[hits[np.searchsorted(owner[hits], np.arange(len(stop)))]], least


def _lloyd(line: Line, means: Floats) -> Indices:
    """Cuts after moving means and points in turn until nothing changes."""
    cuts = line.cuts(means)
    for _ in range(_ITERATIONS):
        moved = line.cuts(line.means(cuts))
        if np.array_equal(moved, cuts):
            break
        cuts = moved
    return cuts
