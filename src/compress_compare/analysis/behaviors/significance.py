"""Tests of significance, and their correction for asking more than once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike

from .joined import Floats

SAMPLE = 20_000
"""Numbers from which the kept values are chosen; all count towards the shares."""
FEW = 8
"""A population whose beginning has no more distinct values than this is counted value by value."""


def mcnemar_exact(first_only: int, second_only: int) -> float:
    """Two-sided exact p-value that two classifiers are right equally often.

    Args:
        first_only: instances that only the first gets right.
        second_only: instances that only the second gets right.

    Source: McNemar 1947 in its exact form: a binomial test of the discordant pairs against one half.
    """
    discordant, fewer = first_only + second_only, min(first_only, second_only)
    if first_only == second_only:
        return 1.0
    k = np.arange(fewer, 0, -1)
    steps = np.cumsum(np.log(k / (discordant - k + 1.0)))
    largest = math.lgamma(discordant + 1) - math.lgamma(fewer + 1) - math.lgamma(discordant - fewer + 1)
    tail = math.fsum(np.exp(steps).tolist()) + 1.0 if fewer else 1.0
    return min(1.0, math.exp(largest + math.log(tail) + (1 - discordant) * math.log(2)))


def holm(p_values: ArrayLike) -> Floats:
    """p-values adjusted so that the chance of any false rejection stays at the level (Holm 1979)."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return _in_order(stepped, order)


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """p-values adjusted so that the expected share of false discoveries stays at the level (Benjamini, Hochberg 1995).

    Slices overlap and are therefore positively dependent, under which the procedure still controls that share
    (Benjamini, Yekutieli 2001).
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")[::-1]
    stepped = np.minimum.accumulate(p[order] * len(p) / np.arange(len(p), 0, -1))
    return _in_order(stepped, order)


def _in_order(stepped: Floats, order: ArrayLike) -> Floats:
    adjusted = np.empty_like(stepped)
    adjusted[np.asarray(order)] = np.minimum(stepped, 1.0)
    return adjusted


@dataclass(frozen=True)
class Distribution:
    """Some values, ascending, and the share of each."""

    values: Floats
    weights: Floats


def mean_bound(population: Distribution, counts: ArrayLike, *, means: ArrayLike) -> Floats:
    """Bounds on the two-sided chance that ``counts`` random members of a population have means as far from its own.

    The Chernoff bound exp(−n · I(mean)), doubled, I being the rate function of the population. It holds for any n and
    any distribution, drawn with or without replacement (Hoeffding 1963, theorem 4), so that small groups and rare
    changes raise no false alarm as a normal approximation does.

    Args:
        population: what the members have.
        counts: ``[groups]`` members per group.
        means: ``[groups]``.

    Returns:
        ``[groups]`` from 0 to 1.
    """
    values, weights = population.values, population.weights
    scale = float(np.sqrt(np.average((values - np.average(values, weights=weights)) ** 2, weights=weights)))
    if scale == 0:
        return np.ones(len(np.asarray(counts)))
    centre = float(np.average(values, weights=weights))
    support = (values - centre) / scale
    targets = (np.asarray(means, dtype=np.float64) - centre) / scale
    return np.asarray(np.minimum(1.0, 2 * np.exp(-np.asarray(counts) * _rate(support, weights, targets=targets))))


def distribution(population: Floats) -> Distribution:
    """At most 129 values and their shares, with the population's mean and never less spread.

    Between two kept values every number is split onto both of them; by convexity that only raises the bound.

    Args:
        population: ``[n]`` finite numbers, at least one.
    """
    if len(np.unique(population[:1024])) <= FEW:
        counted = pc.value_counts(pa.array(population))
        values = counted.field("values").to_numpy()
        if len(values) <= 16 * FEW:
            order = np.argsort(values)
            return Distribution(values[order], counted.field("counts").to_numpy()[order] / len(population))
    sample = np.append(population[:: 1 + len(population) // SAMPLE], [population.min(), population.max()])
    values = np.unique(np.quantile(sample, np.linspace(0, 1, 129)))
    place = np.clip(np.searchsorted(values, population, side="right") - 1, 0, len(values) - 2)
    above = (population - values[place]) / (values[place + 1] - values[place])
    high = np.bincount(place + 1, above, minlength=len(values))
    low = np.bincount(place, 1 - above, minlength=len(values))
    return Distribution(values, (low + high) / len(population))


def _rate(support: Floats, weights: Floats, *, targets: Floats) -> Floats:
    """sup over t of t · target − ln Σ w exp(t · value), by bisection on the slope, for each target."""
    inside = np.clip(targets, support[0], support[-1])
    low, high = np.full(len(inside), -64.0), np.full(len(inside), 64.0)
    for _ in range(40):
        t = (low + high) / 2
        tilted, _shift = _tilted(support, weights, t=t)
        steeper = tilted @ support > inside * tilted.sum(axis=1)
        low, high = np.where(steeper, low, t), np.where(steeper, t, high)
    t = (low + high) / 2
    tilted, shift = _tilted(support, weights, t=t)
    return np.asarray(np.maximum(t * inside - np.log(tilted.sum(axis=1)) - shift, 0.0))


def _tilted(support: Floats, weights: Floats, *, t: Floats) -> tuple[Floats, Floats]:
    """w exp(t · value), divided by the exponential of the largest exponent so that nothing overflows."""
    shift = np.maximum(t * support[0], t * support[-1])
    return weights * np.exp(np.outer(t, support) - shift[:, None]), shift
