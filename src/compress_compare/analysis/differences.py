"""Statistics of paired differences of one metric, for many groups of pairs at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .student import t_quantile

LEVEL = 0.95
INTERVAL = "Student t, 95 %"
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
        margin: half the width of the 95 % interval of the mean, for two pairs and more.
        standardized: mean in standard deviations of the metric over all models.
        non_finite: int64 ``[groups]``, pairs left out because of a NaN or an infinity.
        missing: int64 ``[groups]``, pairs left out because a model lacks the metric.
    """

    groups: Groups
    usable: NDArray[np.bool_]
    count: NDArray[np.int64]
    mean: NDArray[np.float64]
    median: NDArray[np.float64]
    margin: NDArray[np.float64]
    standardized: NDArray[np.float64]
    non_finite: NDArray[np.int64]
    missing: NDArray[np.int64]

    def listed(self, ids: pa.Array, *, longest: int) -> pa.Array:
        """For each group its usable pairs as ids, at most ``longest`` of them."""
        before: NDArray[np.int64] = np.cumsum(self.usable) - self.usable
        rank: NDArray[np.int64] = before - before[self.groups.starts][self.groups.of_pair]
        pairs = self.groups.pairs[self.usable & (rank < longest)]
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
        squares: NDArray[np.float64] = np.where(usable, kept / scale - mean[groups.of_pair], 0.0) ** 2
        margin = scale * np.sqrt(groups.sums(squares) / (count - 1) / count) * _t_values(count)
        standardized = scale * mean / _standard_deviation(values)
    return Differences(
        groups=groups,
        usable=usable,
        count=count,
        mean=scale * mean,
        median=_medians(groups, np.where(usable, differences, np.inf), count=count),
        margin=np.where(count > 1, margin, np.nan),
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


def _t_values(count: NDArray[np.int64]) -> NDArray[np.float64]:
    values, inverse = np.unique(count, return_inverse=True)
    quantiles = [t_quantile(0.5 + LEVEL / 2, int(n) - 1) if n > 1 else np.nan for n in values]
    return np.array(quantiles)[inverse]


def _standard_deviation(values: NDArray[np.float64]) -> float:
    """Of the finite values; 0 where there are fewer than two."""
    finite = values[np.isfinite(values)]
    if len(finite) < 2:
        return 0.0
    scale = float(np.abs(finite).max()) or 1.0
    return scale * float((finite / scale).std(ddof=1))
