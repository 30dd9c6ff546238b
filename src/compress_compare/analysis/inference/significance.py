"""Tests of significance, and their correction for asking more than once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike

from .student import Floats

KEPT = 129
"""Quantiles that stand for a population; all of its numbers count toward their shares."""
STEPS, SMALLEST = 20, 1e-4
"""Halvings of the bounds on the exponent, and the exponent from which on they are halved by ratio."""
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
    center = float(np.average(values, weights=weights))
    support = (values - center) / scale
    targets = (np.asarray(means, dtype=np.float64) - center) / scale
    return np.asarray(np.minimum(1.0, 2 * np.exp(-np.asarray(counts) * _rate(support, weights, targets=targets))))


def distribution(population: Floats) -> Distribution:
    """Some 150 values and their shares, with the population's mean and never less spread.

    They are its quantiles, and closer together the nearer to its ends. Between two of them every number is split onto
    both; by convexity that only raises the bound.

    Args:
        population: ``[n]`` finite numbers, at least one.
    """
    if len(np.unique(population[:1024])) <= FEW:
        counted = pc.value_counts(pa.array(population))
        values = counted.field("values").to_numpy()
        if len(values) <= 16 * FEW:
            order = np.argsort(values)
            return Distribution(values[order], counted.field("counts").to_numpy()[order] / len(population))
    ordered = np.sort(population)
    last = ordered.size - 1
    tail = last >> np.arange(1, last.bit_length() + 1)
    values = np.unique(ordered[np.concatenate([np.linspace(0, last, KEPT).astype(int), tail, last - tail])])
    starts = np.append(0, np.searchsorted(ordered, values[1:-1]))
    counts = np.diff(starts, append=ordered.size)
    # of each number between two values, the share that goes to the upper one
    above = (np.add.reduceat(ordered, starts) - counts * values[:-1]) / np.diff(values)
    weights = np.append(counts - above, 0.0) + np.append(0.0, above)
    return Distribution(values, np.maximum(weights, 0) / len(population))


def _rate(support: Floats, weights: Floats, *, targets: Floats) -> Floats:
    """sup over t of t · target − ln Σ w exp(t · value), by bisection on the slope, for each target.

    The bounds on t are halved on the scale of their inverse hyperbolic sine, so that a small t is as precise as a large
    one. Any t gives a rate that is not too high.
    """
    inside = np.clip(targets, support[0], support[-1])
    high = np.full(len(inside), np.arcsinh(64 / SMALLEST))
    low = -high
    for _ in range(STEPS):
        middle = (low + high) / 2
        tilted, _shift = _tilted(support, weights, t=SMALLEST * np.sinh(middle))
        steeper = tilted @ support > inside * tilted.sum(axis=1)
        low, high = np.where(steeper, low, middle), np.where(steeper, middle, high)
    t = SMALLEST * np.sinh((low + high) / 2)
    tilted, shift = _tilted(support, weights, t=t)
    return np.asarray(np.maximum(t * inside - np.log(tilted.sum(axis=1)) - shift, 0.0))


def _tilted(support: Floats, weights: Floats, *, t: Floats) -> tuple[Floats, Floats]:
    """w exp(t · value), divided by the exponential of the largest exponent so that nothing overflows."""
    shift = np.maximum(t * support[0], t * support[-1])
    return weights * np.exp(np.outer(t, support) - shift[:, None]), shift
