"""Ranges and counts of histograms against ``numpy.histogram``."""

import numpy as np
import pytest

from compress_compare.analysis.layers import histogram


def test_a_range_that_holds_all():
    assert histogram.union([(0.0, 1.0), (-2.0, 0.5), histogram.EMPTY]) == (-2.0, 1.0)
    assert histogram.union([]) == histogram.EMPTY


@pytest.mark.parametrize("span", [(-2.0, 3.0), (0.0, 0.0), (4.0, 4.0)])
def test_edges_are_those_of_numpy(span):
    numbers = np.array(span)
    assert histogram.edges(span).tolist() == np.histogram_bin_edges(numbers, histogram.NUM_BINS, range=span).tolist()


def test_of_nothing_the_edges_are_those_of_zero():
    assert histogram.edges(histogram.EMPTY).tolist() == np.linspace(-0.5, 0.5, 65).tolist()


@pytest.mark.parametrize("weighted", [False, True])
def test_counts_are_those_of_numpy(weighted):
    rng = np.random.default_rng(0)
    numbers = np.sort(np.concatenate([rng.normal(size=500), [-1.0, -1.0, 1.0, 1.0, 0.0]]))
    weights = rng.integers(1, 5, numbers.size) if weighted else None
    bins = np.stack([histogram.edges((-1.0, 1.0)), histogram.edges((-9.0, 9.0))])
    found = histogram.counts(numbers, bins, weights=weights)
    of_each = np.ones(numbers.size, int) if weights is None else weights
    for row, edges in zip(found, bins, strict=True):
        inside, _ = np.histogram(numbers, edges, weights=weights)
        assert row[1:-1].tolist() == inside.tolist()
        assert row[0] == of_each[numbers < edges[0]].sum()
        assert row[-1] == of_each[numbers > edges[-1]].sum()
