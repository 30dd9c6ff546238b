"""Histograms of per-instance values: shared bins for all models, so that they can be laid over each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .joined import BLOCK, Floats, Mask, side_by_side


def bounds(values: Mapping[str, Floats]) -> tuple[float, float]:
    """The smallest and the largest finite number of all models; 0 and 1 if there is none."""
    lows, highs = [], []
    for numbers in values.values():
        finite = numbers[np.isfinite(numbers)]
        if len(finite):
            lows.append(float(finite.min()))
            highs.append(float(finite.max()))
    if not lows:
        return 0.0, 1.0
    low, high = min(lows), max(highs)
    if high / 2 - low / 2 > 0:
        return low, high
    margin = max(0.5, abs(low) / 1024)
    return low - margin, high + margin


def differences(values: Floats, base: Floats) -> Floats:
    """``[instances]`` values minus those of the base; NaN where either is no number."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(values - base)


def histogram(numbers: Floats, bins: int, *, low: float, high: float) -> NDArray[np.int64]:
    """Counts of the finite numbers in bins of equal width; the last has its upper edge.

    Halves are subtracted, as the difference of large numbers may overflow.
    """
    counts = np.zeros(bins, np.int64)
    for start in range(0, len(numbers), BLOCK):
        part = numbers[start : start + BLOCK]
        finite = part[np.isfinite(part)]
        places = ((finite / 2 - low / 2) / (high / 2 - low / 2) * bins).astype(np.int64)
        counts += np.bincount(np.clip(places, 0, bins - 1), minlength=bins)
    return counts


def table(
    values: Mapping[str, Floats], present: Mapping[str, Mask], *, bins: int, bounds: tuple[float, float]
) -> pa.Table:
    """One row per model, the base included.

    Args:
        values: ``[instances]`` by model.
        present: which instances each model answered.
        bins: how many.
        bounds: lower edge of the first bin and upper edge of the last.

    Returns:
        ``model, low, high, counts`` (list), ``nan, positive_infinity, negative_infinity, missing``.
    """
    low, high = bounds

    def row(model: str) -> dict[str, Any]:
        numbers, there = values[model], present[model]
        answered = numbers if there.all() else numbers[there]
        return {
            "model": model,
            "low": low,
            "high": high,
            "counts": histogram(answered, bins, low=low, high=high).tolist(),
            "nan": int(np.isnan(answered).sum()),
            "positive_infinity": int(np.isposinf(answered).sum()),
            "negative_infinity": int(np.isneginf(answered).sum()),
            "missing": len(numbers) - len(answered),
        }

    return pa.Table.from_pylist(side_by_side(row, values))
