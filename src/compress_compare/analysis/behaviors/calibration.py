"""Whether a model's confidence is how often it is right: reliability bins and the expected calibration error."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from .joined import Floats

BINS = 15


def reliability(model: str, *, confidence: Floats, correct: Floats) -> pa.Table:
    """Instances by confidence in 15 bins of equal width, a value on a border belonging below it.

    Args:
        model: id.
        confidence: ``[instances]`` probability of the prediction; NaN is left out.
        correct: ``[instances]`` 1 or 0; NaN is left out.

    Returns:
        ``model, low, high, count, confidence`` (mean), ``accuracy``, both null in an empty bin.

    Source: Guo et al. 2017.
    """
    used = np.isfinite(confidence) & np.isfinite(correct)
    sure, right = confidence[used], correct[used]
    edges = np.linspace(0, 1, BINS + 1)
    places = np.clip(np.searchsorted(edges, sure, side="left") - 1, 0, BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    empty = counts == 0
    return pa.table(
        {
            "model": [model] * BINS,
            "low": edges[:-1],
            "high": edges[1:],
            "count": counts.astype(np.int64),
            "confidence": pa.array(np.bincount(places, sure, BINS) / np.maximum(counts, 1), mask=empty),
            "accuracy": pa.array(np.bincount(places, right, BINS) / np.maximum(counts, 1), mask=empty),
        }
    )


def expected_error(bins: pa.Table) -> float | None:
    """Expected calibration error: the mean over instances of |accuracy − confidence| of their bin.

    ``None`` if there is no instance. Source: Naeini et al. 2015.
    """
    counts = bins["count"].to_numpy()
    total = int(counts.sum())
    if not total:
        return None
    gaps = np.abs(bins["accuracy"].to_numpy() - bins["confidence"].to_numpy())
    return float(np.nansum(gaps * counts) / total)
