"""Differentiable k-means: every weight is an attention-weighted mixture of centroids, all of it differentiable.

Cho, Alizadeh-Vahid, Adya, Rastegari: DKM, differentiable k-means clustering layer for neural network compression. ICLR
2022, arXiv 2108.12659. The gradient ``jfb`` follows Jaffe, Singh, Bullo: IDKM. 2023, arXiv 2312.07759; clustering
distinct values with their counts follows Cho et al.: eDKM. 2023, arXiv 2309.00964. Needs torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

_ROWS = 65_536
_NEAR = 1e-12
"""Squared distance below which the gradient of the plain distance is taken to be zero."""


@dataclass(frozen=True)
class CentroidAttention:
    """How vectors attend to centroids, and how the centroids are found.

    Args:
        temperature: divides the distances; toward 0 this is ordinary k-means.
        distance: the squared Euclidean distance, or the distance itself.
        max_iter: updates of the centroids for one forward pass, at most.
        tolerance: stop when no coordinate of a centroid moves further.
        gradient: through all iterations (``unrolled``), or through the last alone (``jfb``), with memory for one.
        chunk: rows treated at a time; their attention is computed again for the gradient. 0: with ``unrolled`` all at
            once, kept in memory; with ``jfb``, which looks at it once, 65,536.
    """

    temperature: float
    distance: Literal["squared", "euclidean"] = "squared"
    max_iter: int = 5
    tolerance: float = 1e-4
    gradient: Literal["unrolled", "jfb"] = "unrolled"
    chunk: int = 0

    @property
    def rows(self) -> int:
        """Rows treated at a time; 0: all."""
        return self.chunk or (_ROWS if self.gradient == "jfb" else 0)

    def weights(self, vectors: Tensor, centroids: Tensor) -> Tensor:
        """The attention of m vectors [m, d] to k centroids [k, d]: [m, k], rows sum to 1."""
        squares = (centroids**2).sum(1)
        if self.distance == "squared":  # the vector's own square is the same for all centroids: softmax ignores it
            scale = 1 / self.temperature
            return torch.addmm(-scale * squares, vectors, 2 * scale * centroids.T).softmax(1)
        apart = torch.addmm((vectors**2).sum(1, keepdim=True) + squares, vectors, centroids.T, alpha=-2)
        return (apart.clamp_min(_NEAR).sqrt() / -self.temperature).softmax(1)


@dataclass(frozen=True)
class ClusteredRows:
    """What is clustered.

    Args:
        vectors: [m, d].
        counts: [m], how often each occurs; ``None``: once.
        zero: whether centroid 0 stays at the origin.
    """

    vectors: Tensor
    counts: Tensor | None = None
    zero: bool = False

    def chunks(self, size: int) -> list[tuple[Tensor, Tensor | None]]:
        """The rows in runs of ``size``."""
        if self.counts is None:
            return [(part, None) for part in torch.split(self.vectors, size)]
        return list(zip(torch.split(self.vectors, size), torch.split(self.counts, size), strict=True))


@dataclass(frozen=True)
class Clusters:
    """What :func:`cluster` finds.

    Args:
        mixtures: [m, d], the vectors as mixtures of ``centroids``, with gradients with respect to the vectors.
        centroids: [k, d], after the last update, with gradients likewise.
        previous: [k, d], before the last update: what the vectors attend to.
    """

    mixtures: Tensor
    centroids: Tensor
    previous: Tensor


def cluster(rows: ClusteredRows, centroids: Tensor, *, attention: CentroidAttention) -> Clusters:
    """Cluster the rows by at most ``max_iter`` updates.

    Args:
        rows: what is clustered.
        centroids: [k, d], where to start; no gradient goes into it.
        attention: the method.
    """
    centroids = centroids.detach()
    steps = attention.max_iter
    if attention.gradient == "jfb":
        with torch.no_grad():
            for _ in range(steps - 1):
                moved = _update(rows, centroids, attention)[0]
                still = _still(moved, centroids, attention)
                centroids = moved
                if still:
                    break
        steps = 1
    for _ in range(steps):
        previous = centroids
        centroids, weights = _update(rows, previous, attention)
        if _still(centroids, previous, attention):
            break
    if weights is not None:
        return Clusters(weights @ centroids, centroids, previous)
    parts = [_again(_mix, attention, part, previous, centroids) for part, _ in rows.chunks(attention.rows)]
    return Clusters(torch.cat(parts), centroids, previous)


def cluster_distinct(rows: ClusteredRows, centroids: Tensor, *, attention: CentroidAttention) -> Clusters:
    """:func:`cluster` of numbers [m, 1] by way of their distinct values: the same mixtures and the same gradients.

    Made for weights of 16 bits, of which there are at most 65,536. A weight moves its own mixture, by ``slope``; with
    its equals it moves the centroids: there, their mean stands for all of them.
    """
    numbers = rows.vectors[:, 0]
    values, inverse, counts = torch.unique(numbers.detach(), return_inverse=True, return_counts=True)
    means = torch.zeros_like(values).index_add(0, inverse, numbers) / counts
    moving = (values + means - means.detach())[:, None]
    found = cluster(ClusteredRows(moving, counts.to(values), rows.zero), centroids, attention=attention)
    with torch.enable_grad():
        point = values[:, None].requires_grad_()
        mixtures = attention.weights(point, found.previous.detach()) @ found.centroids.detach()
        (slope,) = torch.autograd.grad(mixtures.sum(), point)
    own = numbers - means[inverse]
    mixed = found.mixtures[inverse] + slope[inverse] * (own - own.detach())[:, None]
    return Clusters(mixed, found.centroids, found.previous)


def _update(rows: ClusteredRows, centroids: Tensor, attention: CentroidAttention) -> tuple[Tensor, Tensor | None]:
    """One iteration: the attention-weighted means, and the attention [m, k] unless rows come in chunks."""
    weights = None
    if attention.rows and attention.rows < len(rows.vectors):
        parts = [_again(_sums, attention, part, counts, centroids) for part, counts in rows.chunks(attention.rows)]
        totals, masses = sum(total for total, _ in parts), sum(mass for _, mass in parts)
    else:
        weights = attention.weights(rows.vectors, centroids)
        totals, masses = _weigh(weights, rows.vectors, rows.counts)
    empty = (masses <= torch.finfo(masses.dtype).tiny)[:, None]
    moved = torch.where(empty, centroids, totals / masses.clamp_min(torch.finfo(masses.dtype).tiny)[:, None])
    if rows.zero:
        moved = torch.cat([torch.zeros_like(moved[:1]), moved[1:]])
    return moved, weights


def _weigh(weights: Tensor, vectors: Tensor, counts: Tensor | None) -> tuple[Tensor, Tensor]:
    """Per centroid: the sum of the vectors by their attention [k, d], and the sum of the attention [k]."""
    if counts is None:
        return weights.T @ vectors, weights.sum(0)
    return weights.T @ (vectors * counts[:, None]), counts @ weights


def _sums(
    attention: CentroidAttention, vectors: Tensor, counts: Tensor | None, centroids: Tensor
) -> tuple[Tensor, Tensor]:
    return _weigh(attention.weights(vectors, centroids), vectors, counts)


def _mix(attention: CentroidAttention, vectors: Tensor, previous: Tensor, centroids: Tensor) -> Tensor:
    return attention.weights(vectors, previous) @ centroids


def _again(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of one chunk, keeping for the gradient no more than what went in."""
    return checkpoint(function, *arguments, use_reentrant=False, preserve_rng_state=False)


def _still(moved: Tensor, centroids: Tensor, attention: CentroidAttention) -> bool:
    return bool((moved.detach() - centroids.detach()).abs().max() <= attention.tolerance)
