"""Pareto-optimal models: those that no other model beats in one metric without losing in the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def frontier(x: ArrayLike, y: ArrayLike, *, x_higher_is_better: bool, y_higher_is_better: bool) -> NDArray[np.int64]:
    """Indices of the Pareto-optimal points, best first along x; equal points all stay, in their order.

    Args:
        x: ``[n]`` numbers; masked, NaN and infinite ones are left out together with their point.
        y: ``[n]``, likewise.
        x_higher_is_better: direction of ``x``.
        y_higher_is_better: direction of ``y``.

    Returns:
        int64, in O(n log n).
    """
    xs, ys = _costs(x, higher_is_better=x_higher_is_better), _costs(y, higher_is_better=y_higher_is_better)
    usable = np.flatnonzero(np.isfinite(xs) & np.isfinite(ys))
    order = usable[np.lexsort((ys[usable], xs[usable]))]
    xs, ys = xs[order], ys[order]
    least_so_far = np.minimum.accumulate(ys)
    starts = np.searchsorted(xs, xs, side="left")
    least_here = ys[starts]
    least_before = np.where(starts > 0, least_so_far[np.maximum(starts, 1) - 1], np.inf)
    optimal: NDArray[np.int64] = order[(ys == least_here) & (ys < least_before)]
    return optimal


def _costs(values: ArrayLike, *, higher_is_better: bool) -> NDArray[np.float64]:
    """As float64 where less is better and what is missing is NaN."""
    numbers = np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan)
    return -numbers if higher_is_better else numbers
