"""k-means of numbers on a line, on sorted distinct values with running sums: one iteration costs k binary searches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_ITERATIONS = 300
_RESTARTS = 4
_SAMPLE = 8192


@dataclass(frozen=True)
class _Line:
    """Sorted distinct points with how often each occurs, and running sums of counts, values and squares."""

    points: Floats
    weights: Floats
    sums: Floats

    def edges(self, centers: Floats) -> NDArray[np.intp]:
        """Where each cluster begins, and the end: sorted centers meet half way between them."""
        inner = np.searchsorted(self.points, (centers[1:] + centers[:-1]) / 2, side="right")
        return np.concatenate(([0], inner, [len(self.points)]))

    def labels(self, centers: Floats) -> NDArray[np.intp]:
        """The cluster of each point."""
        return np.repeat(np.arange(len(centers)), np.diff(self.edges(centers)))

    def totals(self, edges: NDArray[np.intp]) -> tuple[Floats, Floats, Floats]:
        """Per cluster: count, sum, and sum of squared distances from its mean."""
        count, total, squares = np.diff(self.sums[:, edges], axis=1)
        return count, total, np.maximum(squares - total**2 / np.maximum(count, 1), 0)

    def error(self, centers: Floats) -> float:
        """Sum of squared distances from the cluster means."""
        return float(self.totals(self.edges(centers))[2].sum())


def _line(values: Floats) -> tuple[_Line, NDArray[np.intp]]:
    points, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    weights = counts.astype(np.float64)
    rows = np.stack([weights, weights * points, weights * points**2])
    return _Line(points, weights, np.concatenate([np.zeros((3, 1)), rows.cumsum(axis=1)], axis=1)), inverse


def _starts(line: _Line, count: int, random: np.random.Generator) -> list[Floats]:
    """Sorted starting centers: evenly spaced, at quantiles, and drawn by k-means++."""
    points, share = line.points, (np.arange(count) + 0.5) / count
    quantiles = points[np.searchsorted(line.sums[0, 1:], share * line.sums[0, -1])]
    spaced = points[0] + share * (points[-1] - points[0])
    return [spaced, quantiles, *(_plus_plus(line, count, random) for _ in range(_RESTARTS))]


def _plus_plus(line: _Line, count: int, random: np.random.Generator) -> Floats:
    """Draw centers one by one, each with probability proportional to its squared distance from those before."""
    points, weights = line.points, line.weights
    if len(points) > _SAMPLE:
        drawn = random.choice(len(points), size=_SAMPLE, replace=False)
        points, weights = points[drawn], weights[drawn]
    centers = np.empty(count)
    distance = np.ones(len(points))
    for position in range(count):
        chances = (weights * distance).cumsum()
        centers[position] = points[np.searchsorted(chances, random.random() * chances[-1], side="right")]
        squared = (points - centers[position]) ** 2
        distance = squared if position == 0 else np.minimum(distance, squared)
    return np.sort(centers)


def _lloyd(line: _Line, centers: Floats) -> Floats:
    """Move centers to the means of their clusters until nothing changes; an empty cluster splits the worst one."""
    edges = line.edges(centers)
    for _ in range(_ITERATIONS):
        count, total, error = line.totals(edges)
        empty = np.flatnonzero(count == 0)
        centers = total / np.maximum(count, 1)
        if len(empty):
            worst = np.argsort(-error, kind="stable")[: len(empty)]
            centers[empty] = line.points[edges[worst]]
        moved = line.edges(centers := np.sort(centers))
        if np.array_equal(moved, edges) and not len(empty):
            break
        edges = moved
    return centers


def kmeans_1d(values: Floats, count: int, *, seed: int) -> Floats:
    """Each value replaced by the mean of its cluster; at most ``count`` distinct numbers, all of them used.

    Lloyd's iterations run from evenly spaced values, from quantiles and from several k-means++ draws (Arthur and
    Vassilvitskii 2007); the result with the smallest sum of squared errors is taken.

    Args:
        values: shape [n], finite.
        count: number of clusters, at least 1.
        seed: of the draws.
    """
    middle = float(values.mean())  # sums of squares are exact only near zero
    line, inverse = _line(values - middle)
    if len(line.points) <= count:
        return values
    starts = _starts(line, count, np.random.default_rng(seed))
    centers = min((_lloyd(line, start) for start in starts), key=line.error)
    clustered: Floats = (centers[line.labels(centers)] + middle)[inverse]
    return clustered
