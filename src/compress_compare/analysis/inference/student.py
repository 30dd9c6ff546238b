"""Quantiles of Student's t distribution, so that an interval for a mean needs no further library."""

from __future__ import annotations

import math

_MAX_SERIES = 400


def t_cdf(t: float, degrees: int) -> float:
    """Probability that Student's t with a whole number of ``degrees`` of freedom is at most ``t``.

    Source: the finite series of Abramowitz and Stegun 26.7.3 and 26.7.4.
    """
    angle = math.atan(t / math.sqrt(degrees))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = degrees % 2 == 1
    term = total = 0.0
    for power in range(odd, degrees - 1, 2):
        term = (cosine if odd else 1.0) if power == odd else term * cosine * cosine * (power - 1) / power
        total += term
    inside = (angle + sine * total) * 2 / math.pi if odd else sine * total
    return 0.5 + inside / 2


def t_quantile(probability: float, degrees: int) -> float:
    """The ``t`` at which `t_cdf` is ``probability``, for probabilities from 0.5 up to below 1.

    Above 400 degrees of freedom by the expansion of Abramowitz and Stegun 26.7.5, exact to 1e-9 there.
    """
    if degrees > _MAX_SERIES:
        z = _normal_quantile(probability)
        first = (z**3 + z) / 4
        second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
        third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
        return z + first / degrees + second / degrees**2 + third / degrees**3
    high = 1.0
    while t_cdf(high, degrees) < probability:
        high *= 2
    low = 0.0
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if t_cdf(middle, degrees) < probability else (low, middle)
    return (low + high) / 2


def _normal_quantile(probability: float) -> float:
    low, high = 0.0, 40.0
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        above = math.erf(middle / math.sqrt(2)) / 2 + 0.5 < probability
        low, high = (middle, high) if above else (low, middle)
    return (low + high) / 2
