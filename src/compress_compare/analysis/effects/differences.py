"""Statistics of paired differences of one metric, for many groups of pairs at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..inference.sign_flips import LEVEL, MAX_BLOCKS, confidence, interval
from ..inference.student import t_quantiles

FEWEST_BY_T = 3
EXACT_FROM = 6
"""From so many pairs on the exact interval reaches 95%; below, Student's does, which takes differences as normal."""

PEARSON = 3.0
"""The factor of Pearson's second coefficient of skewness: 3 (mean − median) / standard deviation."""

EQUAL = 1e-20
"""Squared deviations below this share of the squares are those of equal differences, by rounding."""

_LARGE = 1e150
"""Differences beyond this are scaled, so that their squares stay finite."""


class Groups:
    """Pairs of models in groups that follow one another; none is empty.

    Args:
        groups: for each group int64 ``[pairs, 2]``, positions of (without, with).
    """

    def __init__(self, groups: Sequence[NDArray[np.int64]]) -> None:
        self.pairs = np.concatenate(groups)
        self.lengths = np.array([len(group) for group in groups])
        self.starts = np.cumsum(self.lengths) - self.lengths
        self.of_pair = np.repeat(np.arange(len(groups), dtype=np.min_scalar_type(len(groups))), self.lengths)
        self.num_pairs = len(self.pairs)
        self.longest = int(self.lengths.max())

    def sums(self, values: NDArray[Any]) -> NDArray[Any]:
        """The sum of ``[pairs]`` values in each group."""
        return np.add.reduceat(values, self.starts)


@dataclass(frozen=True)
class Differences:
    """With − without, summarized for each group; NaN where it is not defined.

    Args:
        groups: the pairs.
        usable: bool ``[pairs]``, those that count.
        count: int64 ``[groups]``, usable pairs.
        mean: float64 ``[groups]``, in the unit of the metric.
        median: likewise.
        skewed: bool ``[groups]``, whether mean and median are apart by more than a third of the standard deviation of
            at least three pairs: Pearson's second coefficient of skewness is over 1. The median leads then.
        low: lower end of the interval of the mean, for two pairs and more.
        high: its upper end.
        confidence: the level of that interval.
        by_t: bool ``[groups]``, whether it is by Student's t; otherwise it is the exact one by `sign_flips`.
        standardized: mean in standard deviations of the metric over all models.
        non_finite: int64 ``[groups]``, pairs left out because of a NaN or an infinity.
        missing: int64 ``[groups]``, pairs left out because a model lacks the metric.
    """

    groups: Groups
    usable: NDArray[np.bool_]
    count: NDArray[np.int64]
    mean: NDArray[np.float64]
    median: NDArray[np.float64]
    skewed: NDArray[np.bool_]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    confidence: NDArray[np.float64]
    by_t: NDArray[np.bool_]
    standardized: NDArray[np.float64]
    non_finite: NDArray[np.int64]
    missing: NDArray[np.int64]

    def counts(self, of: np.ma.MaskedArray[Any, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The fewest and the most examples behind a value of each group's usable pairs, not finite where unknown.

        Args:
            of: ``[models]``, masked where it is not said.
        """
        known = np.ma.filled(of.astype(np.float64), np.nan)[self.groups.pairs]
        usable = self.usable[:, None] & ~np.isnan(known)
        least = np.where(usable, known, np.inf).min(axis=1)
        most = np.where(usable, known, -np.inf).max(axis=1)
        starts = self.groups.starts
        return np.minimum.reduceat(least, starts), np.maximum.reduceat(most, starts)

    def listed(self, ids: pa.Array, *, longest: int) -> pa.Array:
        """For each group its usable pairs as ids, at most ``longest`` of them, spread evenly."""
        rank, count = _ranks(self.groups, self.usable), np.maximum(self.count[self.groups.of_pair], 1)
        share = np.minimum(count, longest)
        is_first = (rank * share) // count != ((rank - 1) * share) // count
        pairs = self.groups.pairs[self.usable & is_first]
        offsets = np.concatenate([[0], np.cumsum(np.minimum(self.count, longest))])
        both = pa.FixedSizeListArray.from_arrays(ids.take(pa.array(pairs.ravel())), 2)
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), both)


def paired_differences(groups: Groups, metric: np.ma.MaskedArray[Any, Any]) -> Differences:
    """Summarize the differences of a masked float64 ``[models]`` metric within groups of pairs."""
    values = np.ma.filled(metric.astype(np.float64), np.nan)
    mask = np.ma.getmaskarray(metric)
    absent: NDArray[np.bool_] = mask[groups.pairs[:, 0]] | mask[groups.pairs[:, 1]]
    with np.errstate(invalid="ignore", over="ignore"):
        differences = values[groups.pairs[:, 1]] - values[groups.pairs[:, 0]]
    usable = np.isfinite(differences) & ~absent
    kept = np.where(usable, differences, 0.0)
    largest = float(np.abs(kept).max())
    scale = largest if largest > _LARGE else 1.0
    count = groups.sums(usable.astype(np.int64))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mean = groups.sums(kept / scale) / count
        deviations = kept / scale - mean[groups.of_pair]
        low, high = _interval(groups, deviations, usable=usable)
        by_t = _by_t(groups, deviations, kept=kept / scale, usable=usable)
        low, high = np.where(np.isnan(by_t), low, -by_t), np.where(np.isnan(by_t), high, by_t)
        standardized = scale * mean / _standard_deviation(values)
        spread = np.sqrt(groups.sums(np.where(usable, deviations, 0.0) ** 2) / (count - 1))
        median = _medians(groups, np.where(usable, differences, np.inf), count=count)
        skewed = (count > 2) & (np.abs(mean - median / scale) > spread / PEARSON)
    return Differences(
        groups=groups,
        usable=usable,
        count=count,
        mean=scale * mean,
        median=median,
        skewed=skewed,
        low=scale * (mean + low),
        high=scale * (mean + high),
        confidence=np.where(np.isnan(by_t), _levels(count), LEVEL),
        by_t=~np.isnan(by_t),
        standardized=np.where(np.isfinite(standardized), standardized, np.nan),
        non_finite=groups.sums((~usable & ~absent).astype(np.int64)),
        missing=groups.sums(absent.astype(np.int64)),
    )


def _medians(groups: Groups, values: NDArray[np.float64], *, count: NDArray[np.int64]) -> NDArray[np.float64]:
    """The median of the first ``count`` values of each group in order; what does not count is infinite."""
    by_value = np.argsort(values)
    ordered = values[by_value[np.argsort(groups.of_pair[by_value], kind="stable")]]
    some = np.maximum(count, 1)
    low, high = ordered[groups.starts + (some - 1) // 2], ordered[groups.starts + some // 2]
    return np.where(count > 0, low / 2 + high / 2, np.nan)


def _interval(
    groups: Groups, deviations: NDArray[np.float64], *, usable: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of each group's interval, as deviations from its mean.

    Where there are more pairs than blocks, neighbors share one: pairs are sorted by the model without the step, so
    that most of those that share it, and with it its luck, are flipped together.
    """
    count = groups.sums(usable.astype(np.int64))[groups.of_pair[usable]]
    block = _ranks(groups, usable)[usable] * np.minimum(count, MAX_BLOCKS) // count
    place = groups.of_pair[usable].astype(np.int64) * MAX_BLOCKS + block
    size = len(groups.starts) * MAX_BLOCKS
    sums: NDArray[np.float64] = np.bincount(place, weights=deviations[usable], minlength=size).astype(np.float64)
    counts = np.bincount(place, minlength=size)
    return interval(sums.reshape(-1, MAX_BLOCKS), counts.reshape(-1, MAX_BLOCKS))


def _by_t(
    groups: Groups, deviations: NDArray[np.float64], *, kept: NDArray[np.float64], usable: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Half the width of Student's interval of the mean for groups of three to five pairs; NaN for others.

    So few pairs have too few flips of signs for 95%. Pairs that are all equal have none: rounded numbers are often
    equal by chance, and two pairs say next to nothing about their spread.
    """
    count = groups.sums(usable.astype(np.int64))
    squares = groups.sums(np.where(usable, deviations, 0.0) ** 2)
    few = (count >= FEWEST_BY_T) & (count < EXACT_FROM) & (squares > EQUAL * groups.sums(kept**2))
    number = np.maximum(count, 2)
    half = t_quantiles((1 + LEVEL) / 2, number - 1) * np.sqrt(squares / (number - 1) / number)
    return np.where(few, half, np.nan)


def _ranks(groups: Groups, usable: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many usable pairs stand before each pair in its group."""
    before: NDArray[np.int64] = np.cumsum(usable) - usable
    ranks: NDArray[np.int64] = before - before[groups.starts][groups.of_pair]
    return ranks


def _levels(count: NDArray[np.int64]) -> NDArray[np.float64]:
    known = [np.nan, np.nan, *(confidence(blocks) for blocks in range(2, MAX_BLOCKS + 1))]
    return np.array(known)[np.minimum(count, MAX_BLOCKS)]


def _standard_deviation(values: NDArray[np.float64]) -> float:
    """Of the finite values; 0 where there are fewer than two."""
    finite = values[np.isfinite(values)]
    if len(finite) < 2:
        return 0.0
    scale = float(np.abs(finite).max()) or 1.0
    return scale * float((finite / scale).std(ddof=1))
