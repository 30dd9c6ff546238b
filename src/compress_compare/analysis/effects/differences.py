"""Statistics of paired differences of one metric, for many groups of pairs at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..inference.sign_flips import MAX_BLOCKS, confidence, interval

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
        low: lower end of the exact interval of the mean by `sign_flips`, for two pairs and more.
        high: its upper end.
        confidence: the level of that interval.
        standardized: mean in standard deviations of the metric over all models.
        non_finite: int64 ``[groups]``, pairs left out because of a NaN or an infinity.
        missing: int64 ``[groups]``, pairs left out because a model lacks the metric.
    """

    groups: Groups
    usable: NDArray[np.bool_]
    count: NDArray[np.int64]
    mean: NDArray[np.float64]
    median: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    confidence: NDArray[np.float64]
    standardized: NDArray[np.float64]
    non_finite: NDArray[np.int64]
    missing: NDArray[np.int64]

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
        low, high = _interval(groups, kept / scale - mean[groups.of_pair], usable=usable)
        standardized = scale * mean / _standard_deviation(values)
    return Differences(
        groups=groups,
        usable=usable,
        count=count,
        mean=scale * mean,
        median=_medians(groups, np.where(usable, differences, np.inf), count=count),
        low=scale * (mean + low),
        high=scale * (mean + high),
        confidence=_levels(count),
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
