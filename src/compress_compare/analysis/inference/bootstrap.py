"""The paired bootstrap of a mean difference: instances are drawn again, base and model together.

Efron, Tibshirani: An Introduction to the Bootstrap, 1993, chapter 13: the percentile interval. Instances with equal
differences are alike, so the numbers of draws of each distinct difference are drawn at once, from a multinomial. Of
more than 2,000 distinct ones all but the extremes are drawn by their bins of equal count, at the mean of the bin.

``expanded`` gives the same limits for infinitely many draws and for many groups at once: the distribution of resampled
means has cumulants that are known from those of the differences, and its quantiles follow from four of them by the
expansion of Cornish and Fisher (1938; Hall, The Bootstrap and Edgeworth Expansion, 1992, chapter 3).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .normal import Z
from .student import Floats

DISTINCT = 2000
EXTREMES = 250
"""Smallest, and as many largest, differences that stay apart: they may be most of the variance."""


EXPANDED = "paired bootstrap percentile, 95%, by expansion"


def expanded(sums: ArrayLike, counts: ArrayLike) -> tuple[Floats, Floats]:
    """The 2.5% and 97.5% quantiles of resampled means, of infinitely many.

    Args:
        sums: ``[4, groups]`` of the differences and of their second, third and fourth powers; around any center, from
            which the limits are then.
        counts: ``[groups]`` instances.

    Returns:
        Both limits, ``[groups]``; NaN below two instances. Those of 400,000 draws are less than one instance away for
        differences of 0 and ±1, and less than 2% of the width for continuous ones, from ten instances on.
    """
    n = np.asarray(counts, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, second, third, fourth = np.asarray(sums, dtype=np.float64) / n
        variance = np.maximum(second - mean**2, 0)
        skewness = (third - 3 * mean * second + 2 * mean**3) / variance**1.5 / np.sqrt(n)
        centered = fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4
        kurtosis = (centered / variance**2 - 3) / n
    skewness, kurtosis = (np.where(variance > 0, part, 0.0) for part in (skewness, kurtosis))
    error = np.where(n >= 2, np.sqrt(variance / np.maximum(n, 1)), np.nan)
    low, high = (mean + error * _quantile(z, skewness, kurtosis) for z in (-Z, Z))
    return low, high


def _quantile(z: float, skewness: Floats, kurtosis: Floats) -> Floats:
    return np.asarray(
        z + skewness * (z**2 - 1) / 6 + kurtosis * (z**3 - 3 * z) / 24 - skewness**2 * (2 * z**3 - 5 * z) / 36
    )


def percentile(differences: Floats, *, resamples: int, seed: int) -> tuple[float, float]:
    """The 2.5% and 97.5% quantiles of the resampled means.

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
