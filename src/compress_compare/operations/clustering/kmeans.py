"""k-means of numbers on a line: exact by dynamic programming, on sorted distinct values with running sums.

The search is in ``line``; for many values ``windows`` says where the cuts can be at all.
"""

from __future__ import annotations

import numpy as np

from .line import Floats, Indices, Line, best_cuts, lloyd
from .windows import least_cuts

_EXACT = 2048
_FEW = 16


def kmeans_1d(values: Floats, count: int, *, exact: bool | None = None) -> Floats:
    """Each value replaced by the mean of its cluster: at most ``count`` distinct numbers.

    The sum of squared errors is the smallest that any clustering has, up to the rounding of sums in 64 bits: for up to
    2,048 distinct values always, for more with ``exact``. Without it, the best clustering of 2,048 bins is improved by
    Lloyd's iterations on all values, twice: first with bins of equal count, then with as many in each cluster. That is
    a local optimum; of 20,000 normal or Laplace values, 64 clusters came within 0.1% of the smallest error and 256
    within 0.6%.

    Args:
        values: shape [n], finite.
        count: number of clusters, at least 1.
        exact: whether to search for the smallest error among more than 2,048 distinct values; by default up to 16
            clusters. A million values take 0.3 s for 16 clusters, 2 s for 32, half a minute for 64.
    """
    middle = float(values.mean())  # sums of squares are precise only near zero
    points, inverse, counts = np.unique(values - middle, return_inverse=True, return_counts=True)
    if len(points) <= count:
        return values
    line = Line.of(points, counts.astype(np.float64))
    small = line.at(line.shares(max(_EXACT, 2 * count)))
    cuts = best_cuts(small, count)
    if len(points) > len(small.points):
        cuts = lloyd(line, small.means(cuts))
        if exact or (exact is None and count <= _FEW):
            cuts = least_cuts(line, cuts, count=count)
        else:
            cuts = _again(line, cuts, count=count)
    clustered: Floats = (np.repeat(line.means(cuts), np.diff(cuts)) + middle)[inverse]
    return clustered


def _again(line: Line, cuts: Indices, *, count: int) -> Indices:
    """The better of ``cuts`` and what comes from bins of which each of its clusters has as many."""
    small = line.at(line.shared_by(cuts, max(_EXACT, 2 * count)))
    if len(small.points) < count:
        return cuts
    other = lloyd(line, small.means(best_cuts(small, count)))
    return min(cuts, other, key=line.inertia)
