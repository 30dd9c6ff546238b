"""k-means of numbers on a line: exact by dynamic programming, on sorted distinct values with running sums.

The search is in ``line``; for many values ``windows`` says where the cuts can be at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .line import Floats, Indices, Line, best_cuts, lloyd
from .windows import least_cuts

_EXACT = 2048
_FEW = 16


@dataclass(frozen=True)
class OnALine:
    """Clusters of numbers on a line.

    Args:
        starts: the smallest number of each cluster but the first, [k − 1].
        means: of the clusters, [k].
    """

    starts: Floats
    means: Floats

    def of(self, values: Floats) -> Floats:
        """The mean of the cluster of each value."""
        found: Floats = self.means[np.searchsorted(self.starts, values, side="right")]
        return found


def clusters(points: Floats, counts: Indices, *, number: int, exact: bool | None = None) -> OnALine:
    """Clusters of numbers of least squared error.

    The sum of squared errors is the smallest that any clustering has, up to the rounding of sums in 64 bits: for up to
    2,048 distinct values always, for more with ``exact``. Without it, the best clustering of 2,048 bins is moved by
    Lloyd's iterations on all values, twice: first with bins of equal count, then with as many in each cluster. That is
    a local optimum; of 20,000 normal or Laplace values, 64 clusters came within 0.1% of the smallest error, 256
    within 0.6%.

    Args:
        points: distinct, sorted and finite, [n].
        counts: how often each is there, [n].
        number: of clusters, at least 1.
        exact: whether to search for the smallest error among more than 2,048 distinct values; by default, of up to 16
            clusters. A million values take 0.3 s for 16 clusters, 2 s for 32, half a minute for 64.
    """
    if len(points) <= number:
        return OnALine(points[1:], points)
    middle = float(np.average(points, weights=counts))  # sums of squares are precise only near zero
    line = Line.of(points - middle, counts.astype(np.float64))
    small = line.at(line.shares(max(_EXACT, 2 * number)))
    cuts = best_cuts(small, number)
    if len(points) > len(small.points):
        cuts = lloyd(line, small.means(cuts))
        if exact or (exact is None and number <= _FEW):
            cuts = least_cuts(line, cuts, count=number)
        else:
            cuts = _again(line, cuts, count=number)
    return OnALine(points[cuts[1:-1]], line.means(cuts) + middle)


def _again(line: Line, cuts: Indices, *, count: int) -> Indices:
    """The better of ``cuts`` and what comes from bins of which each of its clusters has as many."""
    small = line.at(line.shared_by(cuts, max(_EXACT, 2 * count)))
    if len(small.points) < count:
        return cuts
    other = lloyd(line, small.means(best_cuts(small, count)))
    return min(cuts, other, key=line.inertia)
