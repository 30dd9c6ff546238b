"""A ratio of two sums over clusters, such as the mean over tokens that come in texts."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike


def ratio(totals: ArrayLike, sizes: ArrayLike) -> tuple[float, float]:
    """The sum of ``totals`` over that of ``sizes``, and its standard error, clusters having been drawn.

    Source: Cochran, Sampling Techniques, 3rd edition 1977, chapter 6: by linearization, with n − 1.

    Args:
        totals: ``[clusters]`` sums of what is averaged.
        sizes: ``[clusters]`` how many are in each.

    Returns:
        Ratio and standard error in the unit of the totals; the error is NaN below two clusters.
    """
    y, x = np.asarray(totals, dtype=np.float64), np.asarray(sizes, dtype=np.float64)
    found, count = float(y.sum() / x.sum()), len(y)
    if count < 2:
        return found, math.nan
    residuals = y - found * x
    return found, math.sqrt(count / (count - 1) * float((residuals**2).sum())) / float(x.sum())
