from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from compress_compare.errors import InvalidValue
from compress_compare.evaluation.size import packed_size
from compress_compare.operations import Palettize, magnitude_prune, palettize
from compress_compare.operations.clustering import windows
from compress_compare.operations.clustering.kmeans import Line, clusters
from compress_compare.operations.dkm import packing
from compress_compare.schemes import scheme


def kmeans_1d(values: np.ndarray, count: int, *, exact: bool | None = None) -> np.ndarray:
    """Each value replaced by the mean of its cluster."""
    points, counts = np.unique(values, return_counts=True)
    return clusters(points, counts, number=count, exact=exact).of(values)


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


@settings(max_examples=60)
@given(
    values=st.lists(st.integers(-1000, 1000), min_size=3, max_size=11, unique=True),
    count=st.integers(1, 4),
)
def test_small_problems_are_solved_exactly(values: list[int], count: int) -> None:
    data = np.array(values, dtype=float)
    clustered = kmeans_1d(data, count)
    assert len(np.unique(clustered)) == min(count, len(data))
    assert inertia(data, clustered) <= best_inertia(data, min(count, len(data))) * (1 + 1e-9) + 1e-6


def least_inertia(values: np.ndarray, count: int) -> float:
    """By the plain recursion: the best for some points is the best for fewer with one cluster less, plus a cluster."""
    ordered = np.sort(values - values.mean())
    sums, squares = (np.concatenate(([0.0], (ordered**power).cumsum())) for power in (1, 2))
    ends = np.arange(1, len(ordered) + 1)
    best = np.concatenate(([0.0], squares[1:] - sums[1:] ** 2 / ends))
    for _ in range(count - 1):
        longer = np.full(len(best), np.inf)
        for end in ends:
            begins = np.arange(end)
            error = squares[end] - squares[:end] - (sums[end] - sums[:end]) ** 2 / (end - begins)
            longer[end] = (best[:end] + error).min()
        best = longer
    return float(best[-1])


SHAPES = {
    "normal": lambda random, size: random.normal(size=size),
    "heavy tails": lambda random, size: random.laplace(size=size) ** 3,
    "two heaps": lambda random, size: np.concatenate(
        [random.normal(-9, 1, size // 2), random.normal(9, 0.1, size // 2)]
    ),
    "even": lambda random, size: random.permutation(size).astype(float),
    "half precision": lambda random, size: random.normal(size=size).astype(np.float16).astype(float),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [2, 5, 16, 40])
def test_many_values_are_clustered_exactly(shape: str, count: int) -> None:
    values = SHAPES[shape](np.random.default_rng(count), 3000)
    clustered = kmeans_1d(values, count, exact=True)
    least, scale = least_inertia(values, count), inertia(values, values.mean())
    assert len(np.unique(clustered)) == count
    assert abs(inertia(values, clustered) - least) <= 1e-11 * scale
    if count <= 16:
        np.testing.assert_array_equal(kmeans_1d(values, count), clustered)
    assert inertia(values, kmeans_1d(values, count, exact=False)) >= least - 1e-11 * scale


@settings(max_examples=60)
@given(
    values=st.lists(st.integers(-1000, 1000), min_size=12, max_size=60, unique=True),
    power=st.sampled_from([1, 3]),
    count=st.integers(2, 9),
)
def test_windows_hold_the_best_cuts(values: list[int], power: int, count: int) -> None:
    """The search of the windows, on few values: from any clustering, and in rounds as small as can be."""
    points = np.sort(np.array(values, dtype=float)) ** power
    points -= points.mean()
    line = Line.of(points, np.ones(len(points)))
    start = np.array([0, *range(1, count), len(points)])
    best = line.inertia(windows.least_cuts(line, start, count=count, bins=8, places=4))
    least = least_inertia(points, count)
    assert abs(best - least) <= 1e-11 * inertia(points, points.mean())


@pytest.mark.parametrize("count", [2, 4, 16, 64])
@pytest.mark.parametrize("size", [2000, 20_000])
def test_never_worse_than_scikit_learn(count: int, size: int) -> None:
    cluster = pytest.importorskip("sklearn.cluster", reason="scikit-learn is not installed")
    values = np.random.default_rng(0).normal(size=size)
    theirs = cluster.KMeans(count, n_init=4, random_state=0).fit(values[:, None]).inertia_
    assert inertia(values, kmeans_1d(values, count)) <= theirs


def test_palettize_takes_exact() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(80, 60, bias=False).double()
    values = layer.weight.detach().numpy().ravel()
    rough, best = (palettize(layer, 5, exact=flag).weight.detach().numpy().ravel() for flag in (False, True))
    np.testing.assert_array_equal(best, kmeans_1d(values, 32, exact=True))
    assert inertia(values, best) <= inertia(values, rough)


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


def vectors_of(weight: torch.Tensor, dim: int) -> np.ndarray:
    """Runs of ``dim`` consecutive output channels at one place of the kernel."""
    flat = np.moveaxis(weight.detach().numpy(), 0, -1).ravel()
    return flat[: len(flat) - len(flat) % dim].reshape(-1, dim)


@pytest.mark.parametrize("layer", [nn.Linear(40, 30), nn.Conv2d(8, 12, 3)])
@pytest.mark.parametrize(("bits", "dim"), [(4, 2), (6, 3), (2, 4)])
def test_vectors_along_output_channels_share_a_codebook(layer: nn.Module, bits: int, dim: int) -> None:
    child = palettize(layer, bits, cluster_dim=dim)
    before, after = vectors_of(layer.weight, dim), vectors_of(child.weight, dim)
    table = np.unique(after, axis=0)
    assert len(table) == 2**bits
    apart = ((before[:, None] - table) ** 2).sum(2)
    np.testing.assert_allclose(((before - after) ** 2).sum(1), apart.min(axis=1), atol=1e-6)
    assert scheme.of(child)["weight"].dim == dim
    size = packed_size(child).value - 4 * layer.bias.numel()
    assert size == -(-layer.weight.numel() // dim) * bits / 8 + 2**bits * dim * 4


def test_vectors_reconstruct_better_than_scalars_at_equal_bits_per_weight() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(256, 256, bias=False)
    torch.nn.init.normal_(layer.weight)

    def error(**parameters: int) -> float:
        return float((palettize(layer, **parameters).weight - layer.weight).detach().square().mean())

    assert error(bits=8, cluster_dim=4) < error(bits=4, cluster_dim=2) < error(bits=2)


@pytest.mark.parametrize(("count", "dim"), [(16, 2), (64, 4)])
def test_vectors_are_clustered_as_well_as_by_scikit_learn(count: int, dim: int) -> None:
    cluster = pytest.importorskip("sklearn.cluster", reason="scikit-learn is not installed")
    torch.manual_seed(0)
    layer = nn.Linear(200, 80, bias=False)
    vectors = vectors_of(layer.weight, dim)
    theirs = cluster.KMeans(count, n_init=4, random_state=0).fit(vectors).inertia_
    ours = inertia(vectors, vectors_of(palettize(layer, count.bit_length() - 1, cluster_dim=dim).weight, dim))
    assert ours <= 1.02 * theirs


def test_left_over_weights_stay_and_vectors_of_zeros_stay_zero() -> None:
    layer = nn.Linear(5, 5, bias=False)
    with torch.no_grad():
        layer.weight[:, :2] = 0
    child = palettize(layer, bits=2, cluster_dim=2)
    assert torch.equal(child.weight[:, :2], torch.zeros(5, 2))
    assert child.weight[-1, -1] == layer.weight[-1, -1]
    restored = packing.unpack(packing.pack(child))
    assert torch.equal(restored["weight"], child.weight)


def test_groups_of_vectors() -> None:
    layer = nn.Linear(9, 8)
    child = palettize(layer, bits=1, group_size=4, cluster_dim=2)
    for start in (0, 4):
        assert len(np.unique(vectors_of(child.weight[start : start + 4], 2), axis=0)) == 2
    with pytest.raises(InvalidValue, match="group_size must be a multiple of cluster_dim"):
        Palettize(group_size=3, cluster_dim=2)
