"""The normal distribution, as the standard library has it."""

from __future__ import annotations

from statistics import NormalDist


def normal_quantile(probability: float) -> float:
    """The number that a standard normal variable is below with this probability, between 0 and 1."""
    return NormalDist().inv_cdf(probability)


def positive_part(mean: float, deviation: float) -> float:
    """The mean of a normal variable where what is below zero counts as zero."""
    if deviation <= 0:
        return max(mean, 0.0)
    unit, ratio = NormalDist(), mean / deviation
    return mean * unit.cdf(ratio) + deviation * unit.pdf(ratio)


Z = normal_quantile(0.975)
"""Standard errors to either side of an estimate that make an interval of 95%, where many are known."""
