"""Two models on the same examples."""

from __future__ import annotations

from collections.abc import Sequence

from compress_compare.analysis.inference.intervals import newcombe


def paired(ours: Sequence[bool], theirs: Sequence[bool]) -> tuple[float, float]:
    """Limits of 95% for the difference of two accuracies on the same examples, by Newcombe."""
    pairs = list(zip(ours, theirs, strict=True))
    low, high = newcombe(
        [pairs.count((True, True))],
        [pairs.count((False, True))],
        model_only=[pairs.count((True, False))],
        neither=[pairs.count((False, False))],
    )
    return float(low[0]), float(high[0])
