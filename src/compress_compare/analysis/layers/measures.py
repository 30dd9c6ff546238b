"""What the rows of the modes hold: statistics of a tensor that add up to those of its module."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from .statistics import Change, Own, Zeros
from .values import Array

SPARSITY = pa.schema(
    [
        ("num_zeros", pa.int64()),
        ("zero_both", pa.int64()),
        ("zero_model_only", pa.int64()),
        ("zero_base_only", pa.int64()),
    ]
)
WEIGHTS = pa.schema(
    [
        ("mean_abs", pa.float64()),
        ("mean_abs_change", pa.float64()),
        ("relative_error", pa.float64()),
        ("sqnr_db", pa.float64()),
        ("cosine", pa.float64()),
        ("num_distinct", pa.int64()),
        ("entropy_bits", pa.float64()),
        ("num_nonfinite", pa.int64()),
        ("histogram", pa.list_(pa.int64())),
        ("histogram_low", pa.float64()),
        ("histogram_high", pa.float64()),
        ("change_bands", pa.list_(pa.int64())),
        ("mean", pa.float64()),
        ("standard_deviation", pa.float64()),
        ("min", pa.float64()),
        ("max", pa.float64()),
        ("num_compared", pa.int64()),
        *SPARSITY,
    ]
)
STORAGE = pa.schema(
    [
        ("dtype", pa.string()),
        ("bits", pa.int32()),
        ("scheme", pa.string()),
        ("group_size", pa.int32()),
        ("bytes", pa.int64()),
        ("file_bytes", pa.int64()),
        ("bits_per_parameter", pa.float64()),
        ("num_scales", pa.int64()),
        ("scale_min", pa.float64()),
        ("scale_max", pa.float64()),
        ("code_min", pa.float64()),
        ("code_max", pa.float64()),
        ("zero_point_min", pa.float64()),
        ("zero_point_max", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Sparsity:
    """Zeros: how many numbers there are, how many are zero, and how that compares where there is a counterpart."""

    count: int
    num_zeros: int
    zeros: Zeros | None

    def __add__(self, other: Sparsity) -> Sparsity:
        return Sparsity(self.count + other.count, self.num_zeros + other.num_zeros, _plus(self.zeros, other.zeros))

    def columns(self) -> dict[str, Any]:
        """By the names of the result's columns."""
        zeros = self.zeros
        return {
            "num_zeros": self.num_zeros,
            "zero_both": zeros.both if zeros else None,
            "zero_model_only": zeros.model_only if zeros else None,
            "zero_base_only": zeros.base_only if zeros else None,
        }


@dataclass(frozen=True)
class Weight:
    """Values of a tensor or module and how they differ from the base's.

    Args:
        own: of the model's numbers.
        zeros: against the base's; ``None`` without a counterpart.
        change: against the base's; ``None`` without a counterpart.
        histograms: counts ``(levels, 66)`` on the ranges of each module from the root down to this row itself.
        bins: their edges ``(levels, 65)``.
    """

    own: Own
    zeros: Zeros | None
    change: Change | None
    histograms: Array
    bins: Array

    @property
    def count(self) -> int:
        """How many numbers there are."""
        return self.own.count

    def __add__(self, other: Weight) -> Weight:
        return Weight(
            self.own + other.own,
            _plus(self.zeros, other.zeros),
            _plus(self.change, other.change),
            self.histograms + other.histograms,
            self.bins,
        )

    def outer(self) -> Weight:
        """The same for merging into the module that this row is in, which has one level less."""
        return replace(self, histograms=self.histograms[:-1], bins=self.bins[:-1])

    def columns(self) -> dict[str, Any]:
        """By the names of the result's columns."""
        own, change = self.own, self.change
        finite = own.count > own.nonfinite
        mean = own.total / own.count if own.count else None
        return {
            "mean_abs": own.mean_absolute,
            "mean_abs_change": change.mean_absolute if change else None,
            "relative_error": change.relative_error if change else None,
            "sqnr_db": change.sqnr_db if change else None,
            "cosine": change.cosine if change else None,
            "num_distinct": own.distinct,
            "entropy_bits": own.entropy_bits,
            "num_nonfinite": own.nonfinite,
            "histogram": self.histograms[-1],
            "histogram_low": self.bins[-1][0],
            "histogram_high": self.bins[-1][-1],
            "change_bands": change.bands if change else None,
            "mean": mean,
            "standard_deviation": None if mean is None else float(np.sqrt(max(own.squares / own.count - mean**2, 0))),
            "min": own.minimum if finite else None,
            "max": own.maximum if finite else None,
            "num_compared": change.count if change else 0,
            **Sparsity(own.count, own.zeros, self.zeros).columns(),
        }


def _plus(first: Any, second: Any) -> Any:
    if first is None or second is None:
        return second if first is None else first
    return first + second
