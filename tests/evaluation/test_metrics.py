"""What is measured: which numbers are better, which come first, and between which bounds they lie."""

import pytest

from compress_compare.evaluation import metrics
from compress_compare.records import Metric

LISTED = {metric.name: metric for metric in vars(metrics).values() if isinstance(metric, Metric)}
FIRST = {"Top-1 Accuracy", "Packed Size", "Sparsity", "Latency"}
"""Quality, size, share of zeros and time: one of each kind."""
MORE_IS_BETTER = {"Top-1 Accuracy", "Sparsity", "Weight Sparsity"}
SHARES = {*MORE_IS_BETTER, "Integer Products", "Integer Products (ONNX Runtime)"}
"""Whether products of integers are good depends on the machine."""


@pytest.mark.parametrize("name", LISTED)
def test_directions_bounds_and_what_comes_first(name):
    metric = LISTED[name]
    expected = None if name.startswith("Integer Products") else name in MORE_IS_BETTER
    assert metric.higher_is_better is expected
    assert metric.primary is (name in FIRST)
    assert (metric.min, metric.max) == (0, 1 if name in SHARES else None)
    assert metric.description.endswith(".")


def test_none_is_missing():
    assert LISTED.keys() >= FIRST | SHARES
    assert {metric.unit for metric in LISTED.values()} == {"", "nat", "B", "s"}
