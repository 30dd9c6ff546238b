from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from compress_compare.operations import magnitude_prune, palettize, scheme
from compress_compare.operations.kmeans import kmeans_1d


def inertia(values: np.ndarray, clustered: np.ndarray) -> float:
    return float(((values - clustered) ** 2).sum())


def best_inertia(values: np.ndarray, count: int) -> float:
    """By brute force over all ways to cut the sorted values into ``count`` runs."""
    ordered = np.sort(values)
    cuts = itertools.combinations(range(1, len(ordered)), count - 1)
    return min(sum(((part - part.mean()) ** 2).sum() for part in np.split(ordered, cut)) for cut in cuts)


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 8])
def test_number_of_distinct_values(bits: int) -> None:
    model = nn.Linear(40, 30)
    child = palettize(model, bits)
    assert len(child.weight.unique()) == 2**bits
    assert torch.equal(child.bias, model.bias)
    entry = scheme.of(child)["weight"]
    assert (entry.kind, entry.bits, entry.codebook_size) == ("palettized", bits, 2**bits)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_every_weight_has_the_mean_of_its_cluster_and_the_nearest_value(bits: int) -> None:
    model = nn.Linear(40, 30).double()
    values, clustered = model.weight.detach().numpy().ravel(), palettize(model, bits).weight.detach().numpy().ravel()
    table = np.unique(clustered)
    for entry in table:
        assert abs(values[clustered == entry].mean() - entry) < 1e-9
    distance = np.abs(values[:, None] - table)
    np.testing.assert_allclose(np.abs(values - clustered), distance.min(axis=1), atol=1e-9)


@settings(deadline=None, max_examples=60)
@given(
    values=st.lists(st.integers(-1000, 1000), min_size=3, max_size=11, unique=True),
    count=st.integers(1, 4),
)
def test_small_problems_are_solved_exactly(values: list[int], count: int) -> None:
    data = np.array(values, dtype=float)
    clustered = kmeans_1d(data, count)
    assert len(np.unique(clustered)) == min(count, len(data))
    assert inertia(data, clustered) <= best_inertia(data, min(count, len(data))) * (1 + 1e-9) + 1e-6


@pytest.mark.parametrize("count", [2, 4, 16, 64])
@pytest.mark.parametrize("size", [2000, 20_000])
def test_never_worse_than_scikit_learn(count: int, size: int) -> None:
    cluster = pytest.importorskip("sklearn.cluster", reason="scikit-learn is not installed")
    values = np.random.default_rng(0).normal(size=size)
    theirs = cluster.KMeans(count, n_init=4, random_state=0).fit(values[:, None]).inertia_
    assert inertia(values, kmeans_1d(values, count)) <= theirs


def test_far_from_zero_is_no_harder() -> None:
    values = np.random.default_rng(1).normal(size=500)
    near, far = kmeans_1d(values, 8), kmeans_1d(values + 1e6, 8)
    np.testing.assert_allclose(far - 1e6, near, atol=1e-6)


def test_few_distinct_values_are_kept_exactly() -> None:
    model = nn.Linear(10, 10)
    with torch.no_grad():
        model.weight.copy_(torch.randint(0, 4, (10, 10)).float())
    assert torch.equal(palettize(model, 2).weight, model.weight)


def test_pruned_weights_stay_zero_unless_told_otherwise() -> None:
    pruned = magnitude_prune(nn.Linear(40, 30), 0.6)
    zero = pruned.weight == 0
    child = palettize(pruned, 3)
    assert torch.equal(child.weight == 0, zero) and len(child.weight.unique()) == 8
    assert scheme.of(child)["weight"].pruned
    plain = palettize(pruned, 1, keep_zeros=False)
    assert len(plain.weight.unique()) == 2 and not scheme.of(plain)["weight"].pruned


@pytest.mark.parametrize("layer", [nn.Linear(6, 7), nn.ConvTranspose2d(3, 7, 2)])
def test_groups_of_channels_have_values_of_their_own(layer: nn.Module) -> None:
    child = palettize(layer, bits=2, group_size=3)
    axis = 0 if isinstance(layer, nn.Linear) else 1
    before, after = (np.moveaxis(m.weight.detach().numpy(), axis, 0) for m in (layer, child))
    for start in (0, 3, 6):
        part = nn.Linear(1, 1, bias=False)
        part.weight = nn.Parameter(torch.from_numpy(before[start : start + 3].copy()))
        np.testing.assert_array_equal(after[start : start + 3], palettize(part, bits=2).weight.detach().numpy())
    entry = scheme.of(child)["weight"]
    assert entry.num_tables(tuple(layer.weight.shape)) == 3 and entry.channel_axis == axis
