"""How far single numbers moved, relative to what they were: counts in six bands."""

from __future__ import annotations

import numpy as np

from .values import Array

EDGES = (0.2, 0.4, 0.6, 0.8)
NUM_BANDS = 6


def change_bands(base: Array, model: Array, *, change: Array) -> Array:
    """Count the numbers by their relative change ``|model − base| / |base|``.

    The bands are 0–0.2, 0.2–0.4, 0.4–0.6, 0.6–0.8, 0.8–1 and above 1; each but the fifth leaves its upper end to the
    next. So a number that became zero is in the fifth. A zero that became something is above 1. Numbers that are not
    finite are in the first band where they stayed the same, else above 1.

    Args:
        base: absolute values of the base, of any shape.
        model: the model's numbers; looked at only where something is not finite.
        change: absolute change.

    Returns:
        Six counts that sum to the number of entries.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.divide(change, base)
    if change.size and not np.isfinite(change.max()):
        same = (np.abs(model) == base) | (np.isnan(model) & np.isnan(base))
        ratio[~np.isfinite(change)] = np.inf
        ratio[same & ~np.isfinite(base)] = 0
    from_edge = [int(np.count_nonzero(ratio >= edge)) for edge in np.asarray(EDGES, ratio.dtype)]
    at_least = [ratio.size, *from_edge, int(np.count_nonzero(ratio > 1)), 0]
    return -np.diff(at_least)


def of_rows(base: Array, change: Array) -> Array:
    """``change_bands`` of many tensors at once, all of them finite.

    Args:
        base: absolute values of the base, ``(tensors, numbers)``.
        change: absolute change.

    Returns:
        Counts ``(tensors, 6)``.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.divide(change, base)
    from_edge = [np.count_nonzero(ratio >= edge, axis=1) for edge in np.asarray(EDGES, ratio.dtype)]
    whole = np.full(len(ratio), ratio.shape[1])
    at_least = [whole, *from_edge, np.count_nonzero(ratio > 1, axis=1), np.zeros_like(whole)]
    return np.asarray(-np.diff(np.stack(at_least, axis=1), axis=1))
