"""Where differentiable k-means starts: exact k-means on the line, else the best of several k-means++. Needs torch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .dkm import nearest
from .kmeans import kmeans_1d

_TRIES = 4
_SAMPLE = 65_536
_ITERATIONS = 100


def start(vectors: Tensor, count: int, *, generator: torch.Generator) -> Tensor:
    """At most ``count`` centroids [k, d] for vectors [m, d]; as many as there are distinct vectors if those are fewer.

    For d = 1 the exact clustering (see :func:`compress_compare.operations.kmeans.kmeans_1d`); else the best of
    several k-means++ starts (Arthur, Vassilvitskii 2007) with Lloyd's iterations, on at most 65,536 of the vectors.
    """
    if vectors.shape[1] == 1:
        clustered = kmeans_1d(vectors[:, 0].double().cpu().numpy(), count)
        return torch.from_numpy(np.unique(clustered))[:, None].to(vectors)
    picked = torch.randperm(len(vectors), generator=generator)[:_SAMPLE].to(vectors.device)
    points: Tensor
    points, counts = torch.unique(vectors[picked], dim=0, return_counts=True)
    if len(points) <= count:
        return points
    weights = counts.to(points)
    best, least = points, float("inf")
    for _ in range(_TRIES):
        error, found = _lloyd(points, weights, _plus_plus(points, weights, count=count, generator=generator))
        if error < least:
            best, least = found, error
    return best


def _plus_plus(points: Tensor, weights: Tensor, *, count: int, generator: torch.Generator) -> Tensor:
    """``count`` of the points, each drawn in proportion to its squared distance from those drawn before."""
    chosen = [_draw(weights, generator)]
    apart = ((points - points[chosen[0]]) ** 2).sum(1)
    while len(chosen) < count:
        chosen.append(_draw(apart * weights, generator))
        apart = torch.minimum(apart, ((points - points[chosen[-1]]) ** 2).sum(1))
    return points[chosen]


def _draw(weights: Tensor, generator: torch.Generator) -> int:
    return int(torch.multinomial(weights.cpu(), 1, generator=generator))


def _lloyd(points: Tensor, weights: Tensor, centroids: Tensor) -> tuple[float, Tensor]:
    """The sum of squared errors and the centroids after Lloyd's iterations; one that loses all points stays."""
    for _ in range(_ITERATIONS):
        label = nearest(points, centroids)
        mass = torch.zeros_like(centroids[:, 0]).index_add_(0, label, weights)
        total = torch.zeros_like(centroids).index_add_(0, label, points * weights[:, None])
        moved = torch.where(mass[:, None] > 0, total / mass.clamp_min(1)[:, None], centroids)
        if torch.equal(moved, centroids):
            break
        centroids = moved
    apart = ((points - centroids[nearest(points, centroids)]) ** 2).sum(1)
    return float((apart * weights).sum()), centroids
