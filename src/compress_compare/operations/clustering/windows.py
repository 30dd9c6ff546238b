"""The exact k-means of very many numbers: proof that each cut lies in a small window, then a search of the windows.

Points are taken together in bins. Let c be the best centers, and assign every bin as a whole to the center that serves
its mean best. A bin of weight w and squared error e then costs at most (largest − smallest center that serves it) ·
√(w · e) more than point by point: the error of a point x is x² plus a concave function of x whose slopes are −2c.
So the best clustering with a cut in a given bin costs no less than the best clustering of whole bins with the cut at an
edge of that bin, less these amounts. Where even that is more than a clustering already known, the cut cannot be.
"""

from __future__ import annotations

import numpy as np

from .line import Floats, Indices, Line, best_cuts, chain, lloyd

_BINS = 2048
_PLACES = 32_768
_ROUNDING = 1e-11
"""Of the sum of squares: more than sums in 64 bits are off by."""
_PROGRESS = 0.7


def least_cuts(line: Line, cuts: Indices, *, count: int, bins: int = _BINS, places: int = _PLACES) -> Indices:
    """The cuts with the smallest error.

    Args:
        line: points, more than ``count``.
        cuts: of a good clustering; the better, the faster.
        count: number of clusters.
        bins: how many there are at first.
        places: cuts to look at in a round, at first; windows that hold not much more are searched.
    """
    if count == 1:
        return np.array([0, len(line.points)])
    inner = np.arange(1, count)
    low, high = inner, inner + len(line.points) - count
    edges = line.shared_by(cuts, max(bins, 4 * count))
    width = int((high - low + 1).sum())
    while True:
        low, high, cuts = _narrowed(line, cuts, edges=edges, low=low, high=high)
        left = int((high - low + 1).sum())
        if left <= 2 * places:
            return best_cuts(line, count, low=low, high=high)
        if left > _PROGRESS * width:
            places *= 4
        width = left
        step = max(1, width // places)
        inside = [np.append(np.arange(a, b, step), b) for a, b in zip(low, high, strict=True)]
        edges = np.unique(np.concatenate([[0, len(line.points)], *inside]))


def _narrowed(
    line: Line, cuts: Indices, *, edges: Indices, low: Indices, high: Indices
) -> tuple[Indices, Indices, Indices]:
    """Smaller windows for the inner cuts, and a clustering that is no worse than ``cuts``."""
    bins, size = line.at(edges), len(edges) - 1
    first, last = np.searchsorted(edges, low, side="right") - 1, np.searchsorted(edges, high)
    credit = _credits(line, edges, low=low, high=high)
    before, begins = chain(bins, low=first, high=last, credit=credit, empty=True)
    turned = Line(bins.points[::-1], (bins.sums[:, -1:] - bins.sums)[:, ::-1])
    backward, _ = chain(
        turned,
        low=(size - last)[::-1],
        high=(size - first)[::-1],
        credit=[each[::-1] for each in credit[::-1]],
        empty=True,
    )
    after = [each[::-1] for each in backward[::-1]]
    found = lloyd(line, line.means(edges[_path(before, after, begins=begins, first=first, size=size)]))
    cuts = min(cuts, found, key=line.inertia)
    most = line.inertia(cuts) + _ROUNDING * float(line.sums[2, -1])
    possible = [np.flatnonzero(b + a + c <= most) for b, a, c in zip(before, after, credit, strict=True)]
    lowest = edges[np.maximum(first + [each[0] for each in possible] - 1, 0)]
    highest = edges[np.minimum(first + [each[-1] for each in possible] + 1, size)]
    index = np.arange(len(low))
    low = np.maximum.accumulate(np.maximum(low, lowest) - index) + index
    high = np.minimum.accumulate((np.minimum(high, highest) - index)[::-1])[::-1] + index
    return low, high, cuts


def _credits(line: Line, edges: Indices, *, low: Indices, high: Indices) -> list[Floats]:
    """For each cut and each edge where it can be: what taking a bin beside the edge as a whole can cost at most."""
    weight = np.diff(line.sums[0, edges])
    root = np.sqrt(weight * np.maximum(line.error(edges[:-1], edges[1:]), 0))
    reach = line.points[np.append(high[1:], len(line.points)) - 1] - line.points[np.append(0, low[:-1])]
    first, last = np.searchsorted(edges, low, side="right") - 1, np.searchsorted(edges, high)
    credits = []
    for a, b, apart in zip(first, last, reach, strict=True):
        inside = root[a:b]
        credits.append(apart * np.maximum(np.append(inside, 0), np.append(0, inside)))
    return credits


def _path(before: list[Floats], after: list[Floats], *, begins: list[Indices], first: Indices, size: int) -> Indices:
    """The bins at which the clustering that the last cut's best place leads back to is cut."""
    place = int(first[-1] + np.argmin(before[-1] + after[-1]))
    path = [place]
    for begin, low in zip(reversed(begins), reversed(first[1:]), strict=True):
        place = int(begin[place - low])
        path.append(place)
    return np.unique([0, *path, size])
