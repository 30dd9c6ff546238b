from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from compress_compare.operations.clustering.vectors import centroids, nearest
from compress_compare.operations.dkm.attention import CentroidAttention, ClusteredRows, cluster, cluster_distinct

DISTANCES = ["squared", "euclidean"]


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def started(vectors: Tensor, count: int) -> Tensor:
    return centroids(vectors, count, generator=torch.Generator().manual_seed(0))


def by_hand(vectors: np.ndarray, centroids: np.ndarray, method: CentroidAttention) -> tuple[np.ndarray, np.ndarray]:
    """The algorithm as the paper writes it, in NumPy: mixtures and centroids."""
    for _ in range(method.max_iter):
        apart = np.linalg.norm(vectors[:, None] - centroids, axis=2)
        scores = -(apart**2 if method.distance == "squared" else apart) / method.temperature
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        moved = weights.T @ vectors / weights.sum(axis=0)[:, None]
        still = np.abs(moved - centroids).max() <= method.tolerance
        centroids = moved
        if still:
            break
    return weights @ centroids, centroids


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("dim", [1, 3])
@pytest.mark.parametrize("chunk", [0, 7])
@pytest.mark.parametrize("gradient", ["unrolled", "jfb"])
def test_the_algorithm_is_that_of_the_paper(distance: str, dim: int, chunk: int, gradient: str) -> None:
    vectors = normal(40, dim)
    method = CentroidAttention(0.3, distance, 4, 1e-9, gradient, chunk)  # type: ignore[arg-type]
    first = started(vectors, 4)
    found = cluster(ClusteredRows(vectors), first, attention=method)
    mixtures, centroids = by_hand(vectors.numpy(), first.numpy(), method)
    np.testing.assert_allclose(found.mixtures.numpy(), mixtures, rtol=1e-9)
    np.testing.assert_allclose(found.centroids.numpy(), centroids, rtol=1e-9)


# Weights from N(0, 0.05²), four clusters: mean of the largest attention, and root mean square of soft minus snapped
# weights in units of σ, measured elsewhere on one small sample; hence the tolerances for the large one here.
TABLE = [
    ("squared", 1e-5, 0.999, 0.016),
    ("squared", 1e-4, 0.978, 0.074),
    ("squared", 1e-3, 0.716, 0.22),
    ("euclidean", 1e-4, 1.000, 0.011),
    ("euclidean", 1e-3, 0.991, 0.048),
    ("euclidean", 1e-2, 0.872, 0.17),
]


@pytest.mark.parametrize(("distance", "temperature", "attention", "error"), TABLE)
def test_temperatures_behave_as_published(distance: str, temperature: float, attention: float, error: float) -> None:
    vectors = normal(20_000, 1) * 0.05
    method = CentroidAttention(temperature, distance, 30)  # type: ignore[arg-type]
    centroids = cluster(ClusteredRows(vectors), started(vectors, 4), attention=method).centroids
    weights = method.weights(vectors, centroids)
    apart = weights @ centroids - centroids[nearest(vectors, centroids)]
    assert abs(float(weights.max(1).values.mean()) - attention) < 0.015
    assert abs(float(apart.square().mean().sqrt()) / 0.05 - error) < 0.012


def test_a_high_temperature_collapses_onto_the_mean() -> None:
    vectors = normal(20_000, 1) * 0.05
    centroids = cluster(
        ClusteredRows(vectors), started(vectors, 4), attention=CentroidAttention(1e-2, max_iter=100)
    ).centroids
    assert float(centroids.max() - centroids.min()) < 1e-3
    torch.testing.assert_close(centroids.mean(), vectors.mean(), atol=1e-4, rtol=0)


@settings(max_examples=30)
@given(dim=st.integers(1, 4), count=st.integers(1, 8), power=st.integers(-6, 3), seed=st.integers(0, 99))
@pytest.mark.parametrize("distance", DISTANCES)
def test_rows_of_attention_sum_to_one(distance: str, dim: int, count: int, power: int, seed: int) -> None:
    vectors, centroids = normal(30, dim, seed=seed), normal(count, dim, seed=seed + 1)
    weights = CentroidAttention(10.0**power, distance).weights(vectors, centroids)  # type: ignore[arg-type]
    assert bool((weights >= 0).all())
    torch.testing.assert_close(weights.sum(1), torch.ones(30, dtype=torch.float64))


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("dim", [1, 2])
def test_k_distinct_vectors_are_reconstructed_as_the_temperature_falls(distance: str, dim: int) -> None:
    vectors = normal(4, dim)[torch.arange(40) % 4]
    errors = []
    for temperature in (1.0, 1e-1, 1e-2, 1e-4):
        found = cluster(ClusteredRows(vectors), started(vectors, 4), attention=CentroidAttention(temperature, distance))  # type: ignore[arg-type]
        errors.append(float((found.mixtures - vectors).abs().max()))
    assert errors == sorted(errors, reverse=True) and errors[-1] < 1e-9


@pytest.mark.parametrize("distance", DISTANCES)
def test_soft_weights_approach_the_snapped_ones(distance: str) -> None:
    vectors = normal(500, 1)
    errors = []
    for temperature in (1e-1, 1e-2, 1e-3, 1e-4, 1e-6):
        found = cluster(ClusteredRows(vectors), started(vectors, 4), attention=CentroidAttention(temperature, distance))  # type: ignore[arg-type]
        hard = found.centroids[nearest(vectors, found.centroids)]
        errors.append(float((found.mixtures - hard).square().mean()))
    assert errors == sorted(errors, reverse=True) and errors[-1] < 1e-9


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("dim", [1, 2])
@pytest.mark.parametrize("chunk", [0, 5])
@pytest.mark.parametrize("zero", [False, True])
def test_gradients_are_those_of_finite_differences(distance: str, dim: int, chunk: int, zero: bool) -> None:
    vectors = normal(14, dim).requires_grad_()
    centroids = started(vectors.detach(), 3)
    method = CentroidAttention(0.5, distance, 3, 0.0, "unrolled", chunk)  # type: ignore[arg-type]
    assert torch.autograd.gradcheck(
        lambda v: cluster(ClusteredRows(v, zero=zero), centroids, attention=method).mixtures, (vectors,)
    )


def test_one_jfb_iteration_is_one_unrolled_iteration() -> None:
    centroids = started(normal(30, 1), 4)
    gradients = []
    for gradient in ("unrolled", "jfb"):
        vectors = normal(30, 1).requires_grad_()
        method = CentroidAttention(0.2, max_iter=1, gradient=gradient)  # type: ignore[arg-type]
        (cluster(ClusteredRows(vectors), centroids, attention=method).mixtures ** 3).sum().backward()
        gradients.append(vectors.grad)
    torch.testing.assert_close(*gradients)


def test_jfb_is_the_gradient_at_the_fixed_point_up_to_its_first_term() -> None:
    """Far below the spacing, centroids hardly depend on where they were: both gradients are nearly the same."""
    start_at = started(normal(200, 1), 4)
    apart = []
    for temperature in (0.02, 0.005, 0.001):
        fixed = cluster(
            ClusteredRows(normal(200, 1)),
            start_at,
            attention=CentroidAttention(temperature, max_iter=400, tolerance=1e-14),
        ).centroids
        gradients = []
        for gradient in ("unrolled", "jfb"):
            vectors = normal(200, 1).requires_grad_()
            method = CentroidAttention(temperature, max_iter=5, tolerance=0.0, gradient=gradient)  # type: ignore[arg-type]
            found = cluster(ClusteredRows(vectors), fixed, attention=method)
            (found.mixtures * normal(200, 1, seed=5)).sum().backward()
            gradients.append(vectors.grad)
            torch.testing.assert_close(found.centroids, fixed, atol=1e-9, rtol=0)
        unrolled, jfb = gradients
        assert float(torch.nn.functional.cosine_similarity(unrolled.flatten(), jfb.flatten(), dim=0)) > 0.9
        apart.append(float((unrolled - jfb).norm() / unrolled.norm()))
    assert apart == sorted(apart, reverse=True) and apart[-1] < 0.05


@settings(max_examples=20)
@given(seed=st.integers(0, 999), dim=st.integers(1, 3))
def test_the_order_of_the_vectors_does_not_matter(seed: int, dim: int) -> None:
    vectors, centroids = normal(25, dim, seed=seed), normal(4, dim, seed=seed + 1)
    order = torch.randperm(25, generator=torch.Generator().manual_seed(seed))
    one = cluster(ClusteredRows(vectors), centroids, attention=CentroidAttention(0.3))
    other = cluster(ClusteredRows(vectors[order]), centroids[[2, 0, 3, 1]], attention=CentroidAttention(0.3))
    torch.testing.assert_close(other.mixtures, one.mixtures[order])
    torch.testing.assert_close(other.centroids, one.centroids[[2, 0, 3, 1]])


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("gradient", ["unrolled", "jfb"])
@pytest.mark.parametrize("zero", [False, True])
def test_distinct_values_with_counts_are_exact(distance: str, gradient: str, zero: bool) -> None:
    numbers = (normal(300, 1) * 8).round() / 8
    first = torch.cat([torch.zeros(1, 1), torch.tensor([[-1.0], [1.0], [2.0]])]).double()
    method = CentroidAttention(0.2, distance, 4, 1e-9, gradient)  # type: ignore[arg-type]
    found = []
    for way in (cluster, cluster_distinct):
        vectors = numbers.clone().requires_grad_()
        result = way(ClusteredRows(vectors, zero=zero), first, attention=method)
        (result.mixtures * normal(300, 1, seed=3)).sum().backward()
        found.append((result.mixtures.detach(), result.centroids.detach(), vectors.grad))
    for plain, by_value in zip(*found, strict=True):
        torch.testing.assert_close(by_value, plain, rtol=1e-9, atol=1e-9)


def test_a_centroid_at_zero_stays() -> None:
    vectors = normal(100, 2) + 1
    first = torch.cat([torch.zeros(1, 2), normal(3, 2)]).double()
    found = cluster(ClusteredRows(vectors, zero=True), first, attention=CentroidAttention(0.3))
    assert found.centroids[0].tolist() == [0, 0] and not torch.equal(found.centroids[1:], first[1:])


def test_a_centroid_that_nothing_attends_to_stays_where_it_is() -> None:
    first = torch.tensor([[0.0], [1e6]], dtype=torch.float64)
    found = cluster(ClusteredRows(normal(50, 1)), first, attention=CentroidAttention(1e-3))
    assert float(found.centroids[1]) == 1e6 and bool(torch.isfinite(found.mixtures).all())


@pytest.mark.parametrize("dim", [2, 4])
def test_k_means_plus_plus_is_no_worse_than_scikit_learn(dim: int) -> None:
    library = pytest.importorskip("sklearn.cluster", reason="scikit-learn is not installed")
    vectors = normal(3000, dim)
    found = started(vectors, 16)
    assert found.shape == (16, dim)
    ours = float((vectors - found[nearest(vectors, found)]).square().sum())
    theirs = library.KMeans(16, n_init=4, random_state=0).fit(vectors.numpy()).inertia_
    assert ours <= theirs * 1.01


def test_fewer_distinct_vectors_than_centroids() -> None:
    assert started(torch.ones(20, 1), 4).tolist() == [[1.0]]
    assert len(started(normal(3, 2)[torch.arange(30) % 3], 8)) == 3


def test_chunks_change_no_gradient() -> None:
    gradients = []
    for chunk in (0, 16, 1000):
        vectors = normal(100, 2).requires_grad_()
        method = replace(CentroidAttention(0.2, tolerance=0.0), chunk=chunk)
        (cluster(ClusteredRows(vectors), started(normal(100, 2), 4), attention=method).mixtures ** 2).sum().backward()
        gradients.append(vectors.grad)
    torch.testing.assert_close(gradients[0], gradients[1])
    assert torch.equal(gradients[0], gradients[2])
