"""The change of a mean between two models that answered the same examples, with its 95% interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from . import intervals


@dataclass(frozen=True)
class PairedChange:
    """The mean of (model's − base's) scores.

    Args:
        mean: of the differences.
        low: lower end of the 95% interval; NaN below two examples.
        high: upper end.
        count: examples.
        method: the name of the interval.
    """

    mean: float
    low: float
    high: float
    count: int
    method: str


def paired_change(base: ArrayLike, model: ArrayLike) -> PairedChange:
    """Compare two arrays of scores ``[n]``, one per example in the same order.

    Scores of 0 and 1 alone are proportions, whose interval stays honest when few examples change; others have the
    paired t interval.

    Raises:
        ValueError: if the arrays differ in length.
    """
    before, after = np.asarray(base, dtype=np.float64), np.asarray(model, dtype=np.float64)
    if before.shape != after.shape:
        raise ValueError(f"{before.shape} and {after.shape} scores are not of the same examples")
    difference, count = after - before, len(before)
    mean = float(difference.mean()) if count else float("nan")
    if np.isin(np.concatenate([before, after]), (0.0, 1.0)).all():
        right, kept = before == 1, after == 1
        low, high = intervals.newcombe(
            np.sum(right & kept),
            np.sum(right & ~kept),
            model_only=np.sum(~right & kept),
            neither=np.sum(~right & ~kept),
        )
        return PairedChange(mean, float(low), float(high), count, intervals.NEWCOMBE)
    deviation = difference.std(ddof=1) if count > 1 else np.nan
    low, high = intervals.paired_t(mean, deviation, counts=count)
    return PairedChange(mean, float(low), float(high), count, intervals.PAIRED_T)
