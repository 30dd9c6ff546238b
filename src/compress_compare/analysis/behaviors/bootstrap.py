"""The paired bootstrap of a mean difference: instances are drawn again, base and model together.

Efron, Tibshirani: An Introduction to the Bootstrap, 1993, chapter 13: the percentile interval. Instances with equal
differences are alike, so the numbers of draws of each distinct difference are drawn at once, from a multinomial. Of
more than 2,000 distinct ones all but the extremes are drawn by their bins of equal count, at the mean of the bin.
"""

from __future__ import annotations

import numpy as np

from .joined import Floats

DISTINCT = 2000
EXTREMES = 250
"""Smallest, and as many largest, differences that stay apart: they may be most of the variance."""


def percentile(differences: Floats, *, resamples: int, seed: int) -> tuple[float, float]:
    """The 2.5 % and 97.5 % quantiles of the resampled means.

    Args:
        differences: ``[instances]``, finite, in the metric's unit.
        resamples: how often as many instances are drawn.
        seed: of the draws; the same seed draws the same instances for every model with as many distinct differences.

    Returns:
        Both limits; NaN for no instance.
    """
    count = len(differences)
    if count == 0:
        return float("nan"), float("nan")
    values, counts = np.unique(differences, return_counts=True)
    if len(values) > DISTINCT:
        values, counts = _binned(np.sort(differences))
    random = np.random.default_rng(seed)
    drawn = random.multinomial(count, counts / count, size=resamples)
    low, high = np.quantile(drawn @ values / count, [0.025, 0.975])
    return float(low), float(high)


def _binned(ordered: Floats) -> tuple[Floats, np.ndarray]:
    """Values of single extremes and means of bins, with their counts."""
    middle = len(ordered) - 2 * EXTREMES
    inner = np.linspace(EXTREMES, EXTREMES + middle, min(DISTINCT - 2 * EXTREMES, middle) + 1).astype(np.int64)
    cuts = np.concatenate([np.arange(EXTREMES), inner, np.arange(EXTREMES + middle + 1, len(ordered) + 1)])
    counts = np.diff(cuts)
    sums = np.add.reduceat(ordered, cuts[:-1])
    return sums / counts, counts
