"""Estimates with their intervals: of values as they were stated, and of pairs of outputs."""

from __future__ import annotations

import math

import numpy as np

from ...records import Metric, MetricValue
from ..behaviors.pairs import PairedValues
from ..inference import intervals
from ..inference.normal import normal_quantile
from ..inference.student import t_quantile
from .verdicts import GateEstimate

EXACT = "exact"
CLUSTERED = 1.1
"""A stated standard error this much above the binomial one says more than the count does."""


def exact(value: float) -> GateEstimate:
    """A number that was counted, not sampled."""
    return GateEstimate(value, value, value, EXACT)


def rate(successes: int, count: int, *, confidence: float) -> GateEstimate:
    """A share of instances, with Wilson's score interval."""
    low, high = intervals.wilson(successes, count, z=_z(confidence))
    value = successes / count if count else math.nan
    return GateEstimate(value, float(low), float(high), _method("Wilson score", confidence), count)


def stated(value: MetricValue, metric: Metric, *, confidence: float) -> GateEstimate | None:
    """One value with the interval that its count or standard error gives; ``None`` without either.

    A mean of numbers between 0 and 1 varies at most as much as a share does, so that its count alone gives limits. A
    standard error of 0 gives none: all runs or examples gave one number, and the next one may lie anywhere.
    """
    if _is_share(value, metric):
        low, high = intervals.wilson(value.value * (value.count or 0), value.count or 0, z=_z(confidence))
        return GateEstimate(value.value, float(low), float(high), _method("Wilson score", confidence), value.count)
    if not value.standard_error or (value.count is not None and value.count < 2):
        return None
    half = _quantile(confidence, None if value.count is None else value.count - 1) * value.standard_error
    method = _method("standard error", confidence)
    return GateEstimate(value.value, value.value - half, value.value + half, method, value.count)


def stated_change(base: MetricValue, model: MetricValue, *, metric: Metric, confidence: float) -> GateEstimate | None:
    """Model − base of two stated values, as if independent; ``None`` where one has no interval.

    Outputs on the same instances mostly agree, so that this is wider than the interval of the pairs.
    """
    change = model.value - base.value
    count = None if base.count is None or model.count is None else min(base.count, model.count)
    if _is_share(base, metric) and _is_share(model, metric):
        (n_base, n_model) = (base.count or 0, model.count or 0)
        low, high = intervals.newcombe_independent(
            model.value * n_model, n_model, base_successes=base.value * n_base, base_counts=n_base, z=_z(confidence)
        )
        return GateEstimate(change, float(low), float(high), _method("Newcombe score, independent", confidence), count)
    if not base.standard_error or not model.standard_error or (count is not None and count < 2):
        return None
    error = math.hypot(base.standard_error, model.standard_error)
    half = _quantile(confidence, _welch(base, model)) * error
    return GateEstimate(change, change - half, change + half, _method("standard errors", confidence), count)


def stated_ratio(base: MetricValue, model: MetricValue, *, confidence: float) -> GateEstimate | None:
    """Model ÷ base of two positive values, by their logarithms; ``None`` where one has no standard error or is not
    positive."""
    if not base.standard_error or not model.standard_error or min(base.value, model.value) <= 0:
        return None
    if min(base.count or 2, model.count or 2) < 2:
        return None
    ratio = model.value / base.value
    error = math.hypot(base.standard_error / base.value, model.standard_error / model.value)
    factor = math.exp(_quantile(confidence, _welch(base, model)) * error)
    count = None if base.count is None or model.count is None else min(base.count, model.count)
    return GateEstimate(ratio, ratio / factor, ratio * factor, _method("standard errors of logs", confidence), count)


def sampled(pair: PairedValues, *, confidence: float) -> GateEstimate:
    """The model's own mean over the instances: Wilson's score interval for shares, else the t interval."""
    values = pair.model_values[pair.finite]
    count = len(values)
    if pair.proportion:
        return rate(int((values > 0).sum()), count, confidence=confidence)
    mean, deviation = (float(values.mean()), float(values.std(ddof=1))) if count > 1 else (math.nan, math.nan)
    low, high = intervals.paired_t(mean, deviation, counts=count, probability=_one_sided(confidence))
    return GateEstimate(mean, float(low), float(high), _method("t", confidence), count)


def paired_change(pair: PairedValues, *, confidence: float) -> GateEstimate:
    """Model − base over the same instances: Newcombe's paired score interval for shares, else the paired t interval."""
    (found,) = paired_changes(pair, np.zeros(len(pair.finite), dtype=np.int64), size=1, confidence=confidence)
    return found


def paired_changes(
    pair: PairedValues, groups: np.ndarray[tuple[int], np.dtype[np.int64]], *, size: int, confidence: float
) -> list[GateEstimate]:
    """The same for each group of instances.

    Args:
        pair: the base and a model.
        groups: ``[instances]`` from 0 to ``size`` − 1.
        size: how many groups there are.
        confidence: of each interval.
    """
    if pair.proportion:
        table = np.bincount(groups * 5 + pair.cells, minlength=size * 5).reshape(size, 5).T
        neither, model_only, base_only, both = table[:4]
        counts = neither + model_only + base_only + both
        lows, highs = intervals.newcombe(both, base_only, model_only=model_only, neither=neither, z=_z(confidence))
        with np.errstate(invalid="ignore", divide="ignore"):
            means = (model_only - base_only) / counts
        method = _method("Newcombe paired score", confidence)
    else:
        known = pair.finite
        counts = np.bincount(groups[known], minlength=size)
        with np.errstate(invalid="ignore", divide="ignore"):
            means = np.bincount(groups[known], pair.difference[known], minlength=size) / counts
            squares = np.bincount(groups[known], (pair.difference[known] - means[groups[known]]) ** 2, minlength=size)
            deviations = np.sqrt(squares / (counts - 1))
        lows, highs = intervals.paired_t(means, deviations, counts=counts, probability=_one_sided(confidence))
        method = _method("paired t", confidence)
    rows = zip(means, lows, highs, counts, strict=True)
    return [GateEstimate(float(mean), float(low), float(high), method, int(n)) for mean, low, high, n in rows]


def negated(estimate: GateEstimate) -> GateEstimate:
    """The same of the number with the other sign."""
    return GateEstimate(-estimate.value, -estimate.high, -estimate.low, estimate.method, estimate.count)


def simultaneous(confidence: float, count: int) -> float:
    """The confidence of each of several intervals that all hold together with at least ``confidence`` (Bonferroni)."""
    return 1 - (1 - confidence) / max(count, 1)


def _is_share(value: MetricValue, metric: Metric) -> bool:
    """Whether the count says how much a value varies: a mean between 0 and 1 without a larger standard error."""
    if not metric.is_share or not value.count or not 0 <= value.value <= 1:
        return False
    binomial = math.sqrt(value.value * (1 - value.value) / value.count)
    return value.standard_error is None or value.standard_error <= CLUSTERED * binomial


def _welch(base: MetricValue, model: MetricValue) -> int | None:
    """Degrees of freedom of a difference (Welch 1947), rounded down; ``None`` where a count is not known."""
    if not base.count or not model.count or min(base.count, model.count) < 2:
        return None
    parts = ((base.standard_error or 0.0) ** 2, (model.standard_error or 0.0) ** 2)
    below = parts[0] ** 2 / (base.count - 1) + parts[1] ** 2 / (model.count - 1)
    return max(1, math.floor(sum(parts) ** 2 / below + 1e-9)) if below > 0 else None


def _quantile(confidence: float, degrees: int | None) -> float:
    return _z(confidence) if degrees is None else t_quantile(_one_sided(confidence), degrees)


def _one_sided(confidence: float) -> float:
    return (1 + confidence) / 2


def _z(confidence: float) -> float:
    return normal_quantile(_one_sided(confidence))


def _method(name: str, confidence: float) -> str:
    return f"{name}, {100 * confidence:.4g}%"
