"""What the metrics of tasks say about themselves: what is better, which leads, and their bounds."""

from __future__ import annotations

import pytest

from compress_compare.evaluation.evaluators import (
    detection,
    perplexity,
    segmentation,
    similarity,
    speech,
    token_classification,
)
from compress_compare.records import Metric

MODULES = (detection, perplexity, segmentation, similarity, speech, token_classification)
LISTED = {one.name: one for module in MODULES for one in vars(module).values() if isinstance(one, Metric)}
FIRST = {
    *("Token Accuracy", "Mean IoU", "Average Precision", "Spearman Correlation", "Perplexity", "Word Error Rate"),
}
"""One for each task."""
SHARES = {"Token Accuracy", "Token F1", "Mean IoU", "Average Precision", "Average Precision 50"}
CORRELATIONS = {"Spearman Correlation", "Pearson Correlation"}


@pytest.mark.parametrize("name", LISTED)
def test_directions_bounds_and_what_comes_first(name: str) -> None:
    metric = LISTED[name]
    assert metric.higher_is_better is (name in SHARES | CORRELATIONS)
    assert metric.primary is (name in FIRST)
    lowest = -1 if name in CORRELATIONS else 1 if name == "Perplexity" else 0
    assert (metric.min, metric.max) == (lowest, 1 if name in SHARES | CORRELATIONS else None)


def test_none_is_missing() -> None:
    assert LISTED.keys() == FIRST | SHARES | CORRELATIONS | {"NaN Texts"}
