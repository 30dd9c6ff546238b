"""Histograms on ranges that models share with their base."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from .values import Array

NUM_BINS = 64
Range = tuple[float, float]
EMPTY: Range = (math.inf, -math.inf)


def union(ranges: Iterable[Range]) -> Range:
    """The smallest range that holds all; ``EMPTY`` of none."""
    listed = list(ranges)
    return min((low for low, _ in listed), default=math.inf), max((high for _, high in listed), default=-math.inf)


def edges(span: Range) -> Array:
    """The 65 edges of 64 bins of equal width from the lowest to the highest number; a single number gets a bin width
    of its own, half to each side, as ``numpy.histogram`` does it."""
    low, high = span if span != EMPTY else (0.0, 0.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, NUM_BINS + 1)


def limits(bins: Array, dtype: np.dtype[np.generic]) -> tuple[Array, Array]:
    """The edges as numbers of a type, so that comparing with them is exact.

    Returns:
        ``(histograms, 65)`` numbers that are not below the edges, but for the last, which is not above its own; and
        whether what equals one is counted below it, as it is with the last.
    """
    exact = _nearest_above(bins, dtype)
    with np.errstate(over="ignore"):
        last = bins[:, -1].astype(dtype)
        exact[:, -1] = np.where(last > bins[:, -1], np.nextafter(last, -np.inf, dtype=dtype), last)
    right = np.zeros(exact.shape, bool)
    right[:, -1] = True
    return exact, right


def of_below(below: Array, total: int) -> Array:
    """Counts ``(histograms, 66)`` from how many numbers are below each of the edges, and how many there are."""
    return np.diff(below, axis=1, prepend=0, append=total)


def counts(values: Array, bins: Array, *, weights: Array | None = None) -> Array:
    """Count sorted finite numbers.

    Args:
        values: ascending, finite.
        bins: ``(histograms, 65)`` edges. A bin holds its lower edge and not its upper, the last bin holds both.
        weights: how often each stands; ``None`` for once.

    Returns:
        ``(histograms, 66)``: below the first edge, in each bin, above the last edge.
    """
    exact, _ = limits(bins, values.dtype)
    below = np.searchsorted(values, exact, side="left")
    below[:, -1] = np.searchsorted(values, exact[:, -1], side="right")
    total = values.size
    if weights is not None:
        cumulative = np.concatenate([[0], np.cumsum(weights)])
        below, total = cumulative[below], int(cumulative[-1])
    return of_below(below, total)


def _nearest_above(bins: Array, dtype: np.dtype[np.generic]) -> Array:
    """The smallest numbers of a type that are not below the edges, so that the comparison stays exact."""
    with np.errstate(over="ignore"):
        near = bins.astype(dtype)
        return np.asarray(np.where(near < bins, np.nextafter(near, np.inf, dtype=dtype), near), dtype)
