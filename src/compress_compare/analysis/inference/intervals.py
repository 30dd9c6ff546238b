"""95% intervals for the change of a mean over the same instances, many at once.

For proportions (``correct``) Newcombe's hybrid score interval for paired data: it keeps its coverage when changes are
few and never leaves −1 to 1. For other numbers the paired t interval. Neither draws random numbers: the same question
has the same answer, in microseconds where a bootstrap of a million instances takes minutes and ends within its own
noise of the same limits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .normal import Z
from .student import Floats, t_quantiles

NEWCOMBE = "Newcombe paired score, 95%"
PAIRED_T = "paired t, 95%"


def wilson(successes: ArrayLike, counts: ArrayLike, *, z: float = Z) -> tuple[Floats, Floats]:
    """Wilson's score interval for proportions (Wilson 1927); NaN where there is nothing to count.

    Args:
        successes: ``[n]``.
        counts: ``[n]`` trials.
        z: standard errors to either side; 95% if not given.
    """
    n = np.asarray(counts, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = np.asarray(successes, dtype=np.float64) / n
        center = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return np.maximum(center - half, 0), np.minimum(center + half, 1)


def share_errors(values: ArrayLike, *, errors: ArrayLike, counts: ArrayLike) -> Floats:
    """Standard errors of proportions as they were logged, and where none or all of the trials succeeded, which a logged
    error of 0 takes for certain, half of Wilson's interval in standard errors: 71 of 71 is not exactly 1.

    Args:
        values: ``[n]`` proportions.
        errors: ``[n]`` as logged.
        counts: ``[n]`` trials; 0 or NaN where they are not known.
    """
    value, error, n = (np.asarray(given, dtype=np.float64) for given in (values, errors, counts))
    extreme = (error == 0) & ((value == 0) | (value == 1)) & (n > 0)
    low, high = wilson(value * n, n)
    return np.where(extreme, (high - low) / (2 * Z), error)


def newcombe(
    both: ArrayLike, base_only: ArrayLike, *, model_only: ArrayLike, neither: ArrayLike, z: float = Z
) -> tuple[Floats, Floats]:
    """Limits for (model's − base's) proportion of right answers, from the four counts of the paired table.

    95% unless ``z``, the standard errors to either side, says otherwise.

    Source: Newcombe 1998, Statistics in Medicine 17:2635, method 10: Wilson limits of the two proportions, joined with
    their correlation.
    """
    a, b, c, d = (np.asarray(part, dtype=np.float64) for part in (both, base_only, model_only, neither))
    n = a + b + c + d
    low_m, high_m = wilson(a + c, n, z=z)
    low_b, high_b = wilson(a + b, n, z=z)
    with np.errstate(invalid="ignore", divide="ignore"):
        model, base = (a + c) / n, (a + b) / n
        product = (a + b) * (c + d) * (a + c) * (b + d)
        excess = a * d - b * c
        shrunk = np.where(excess > 0, np.maximum(excess - n / 2, 0), excess)
        phi = np.where(product > 0, shrunk / np.sqrt(product), 0.0)
        below = np.sqrt(_joined(model - low_m, high_b - base, phi=phi))
        above = np.sqrt(_joined(high_m - model, base - low_b, phi=phi))
    return model - base - below, model - base + above


def newcombe_independent(
    successes: ArrayLike, counts: ArrayLike, *, base_successes: ArrayLike, base_counts: ArrayLike, z: float = Z
) -> tuple[Floats, Floats]:
    """Limits for (model's − base's) proportion where nothing says which instances both got right.

    Source: Newcombe 1998, Statistics in Medicine 17:873, method 10: Wilson limits of the two, joined as independent.
    """
    low_m, high_m = wilson(successes, counts, z=z)
    low_b, high_b = wilson(base_successes, base_counts, z=z)
    with np.errstate(invalid="ignore", divide="ignore"):
        model = np.asarray(successes, dtype=np.float64) / np.asarray(counts, dtype=np.float64)
        base = np.asarray(base_successes, dtype=np.float64) / np.asarray(base_counts, dtype=np.float64)
    below, above = np.hypot(model - low_m, high_b - base), np.hypot(high_m - model, base - low_b)
    return model - base - below, model - base + above


def _joined(first: Floats, second: Floats, *, phi: Floats) -> Floats:
    return np.maximum(first**2 - 2 * phi * first * second + second**2, 0)


def paired_t(
    means: ArrayLike, deviations: ArrayLike, *, counts: ArrayLike, probability: float = 0.975
) -> tuple[Floats, Floats]:
    """Limits for means of differences, from their standard deviations (n − 1); NaN below two instances.

    Either limit is one that the mean is beyond with a chance of 1 − ``probability``.
    """
    n = np.asarray(counts, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        half = t_quantiles(probability, n - 1) * np.asarray(deviations, dtype=np.float64) / np.sqrt(n)
    return np.asarray(means) - half, np.asarray(means) + half
