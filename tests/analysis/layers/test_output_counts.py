"""Counts of outputs in batches against ``numpy.histogram`` of all of them at once."""

import numpy as np
import pytest

from compress_compare.analysis.layers.activations import Activation
from compress_compare.analysis.layers.output_counts import OutputCounts

RNG = np.random.default_rng(0)
OUTPUTS = {
    "bell": RNG.normal(size=10_000),
    "rectified": np.maximum(RNG.normal(size=5_000), 0),
    "tiny": RNG.normal(size=3_000) * 1e-30,
    "far from zero": RNG.uniform(100, 101, size=500),
    "a power of two": np.array([2.0]),
    "subnormal": np.array([0.0, 1e-42, 3e-40]),
    "none but zeros": np.zeros(4),
}


def counted(numbers, parts=7):
    found = OutputCounts()
    for part in np.array_split(numbers, parts):
        found.add(part)
    return found


@pytest.mark.parametrize("name", OUTPUTS)
def test_batches_make_the_histogram_of_all(name):
    numbers = OUTPUTS[name].astype(np.float32).astype(np.float64)
    found = counted(numbers)
    edges = found.edges()
    assert edges[0] <= numbers.min() and numbers.max() <= edges[-1]
    assert len(edges) - 1 <= 64 and np.allclose(np.diff(edges), edges[1] - edges[0])
    assert found.histogram(edges) == [0, *np.histogram(numbers, edges)[0], 0]


def test_a_bell_has_many_bins():
    assert len(counted(OUTPUTS["bell"]).edges()) - 1 > 32


def test_the_range_is_that_of_the_base():
    base, model = OutputCounts(), OutputCounts()
    base.add(np.array([0.0, 1.0, 1.5]))
    model.add(np.array([-3.0, 0.5, 1000.0, np.nan, np.inf]))
    counts = model.histogram(base.edges())
    assert (counts[0], sum(counts[1:-1]), counts[-1]) == (1, 1, 1)


def test_nothing_has_no_range():
    assert counted(np.array([np.nan])).edges() is None
    row = Activation().columns()
    assert row["histogram"] is row["base_histogram"] is row["histogram_low"] is None


def test_the_columns_of_an_activation():
    found = Activation()
    found.add(np.array([[1.0, 2.0]]), np.array([[1.0, 1.0]]))
    found.add(np.array([[4.0, 0.0]]), np.array([[0.0, 3.0]]))
    row = found.columns()
    assert sum(row["histogram"]) == sum(row["base_histogram"]) == row["num_compared"] == 4
    # unchanged; halved; a number that became zero; a zero that became a number
    assert row["change_bands"] == [1, 0, 1, 0, 1, 1]
    alone = Activation()
    alone.add(None, np.array([[1.0, 2.0]]))
    row = alone.columns()
    assert sum(row["histogram"]) == 2 and row["base_histogram"] is row["change_bands"] is None
