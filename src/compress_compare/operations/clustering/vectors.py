"""k-means of vectors: a weight cut into them, and the best of several k-means++ starts. Needs torch.

Arthur, Vassilvitskii: k-means++, the advantages of careful seeding. SODA 2007.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .kmeans import clusters
from .line import Floats, Indices

_TRIES = 4
_SAMPLE = 65_536
_ITERATIONS = 100
_ROWS = 65_536


def split(weight: Tensor, *, dim: int, axis: int) -> tuple[Tensor, Tensor]:
    """The vectors [⌊N/dim⌋, dim] of a weight of N elements, and the N mod dim elements left over.

    With ``dim`` 1 the elements keep their order; else the output channels, dimension ``axis``, run fastest.
    """
    flat = weight.reshape(-1) if dim == 1 else weight.movedim(axis, -1).reshape(-1)
    whole = flat.numel() - flat.numel() % dim
    return flat[:whole].reshape(-1, dim), flat[whole:]


def join(vectors: Tensor, rest: Tensor, *, shape: tuple[int, ...], axis: int) -> Tensor:
    """The inverse of :func:`split`."""
    if vectors.shape[1] == 1:
        return vectors.reshape(shape)
    moved = (*shape[:axis], *shape[axis + 1 :], shape[axis])
    return torch.cat([vectors.reshape(-1), rest]).reshape(moved).movedim(-1, axis)


def clustered(
    vectors: Tensor, count: int, *, keep_zeros: bool, generator: torch.Generator, exact: bool | None = None
) -> Tensor:
    """Every vector [m, d] replaced by its cluster's mean (d = 1) or nearest centroid: at most ``count`` of them.

    With ``keep_zeros``, vectors of exact zeros stay, and where there are any, zero is one of the ``count``. For
    ``exact`` see :func:`compress_compare.operations.clustering.kmeans.clusters`.
    """
    if vectors.shape[1] == 1:
        flat = vectors.detach().reshape(-1)
        return _on_a_line(flat, count, keep_zeros=keep_zeros, exact=exact).reshape(vectors.shape)
    wide = vectors.detach().double()
    free = (wide != 0).any(1) if keep_zeros else torch.ones_like(wide[:, 0], dtype=torch.bool)
    result = torch.zeros_like(wide)
    if bool(free.any()):
        left = count - int(not bool(free.all()))
        result[free] = _replaced(wide[free], left, generator)
    return result.to(vectors)


def _on_a_line(values: Tensor, count: int, *, keep_zeros: bool, exact: bool | None) -> Tensor:
    points, counts = _distinct(values)
    free = points != 0 if keep_zeros else np.ones(len(points), bool)
    has_zeros = not free.all()
    result = torch.zeros_like(values)
    if not free.any():
        return result
    found = clusters(points[free], counts[free], number=count - int(has_zeros), exact=exact)
    for part, out in zip(torch.split(values, _ROWS), torch.split(result, _ROWS), strict=True):
        out.copy_(torch.from_numpy(found.of(part.double().cpu().numpy())))
        if has_zeros:
            out.masked_fill_(part == 0, 0)
    return result


def _distinct(values: Tensor) -> tuple[Floats, Indices]:
    """The distinct values, sorted, and how often each is there. Those of 16 bits are counted, not sorted."""
    if values.element_size() != 2:
        points, counts = np.unique(values.cpu().numpy(), return_counts=True)
        return points.astype(np.float64), counts
    every = torch.arange(1 << 16, dtype=torch.int32).to(torch.int16).view(values.dtype).double()
    seen = torch.zeros(1 << 16, dtype=torch.int64)
    for part in torch.split(values, _ROWS):
        seen += torch.bincount(part.contiguous().view(torch.int16).cpu().int() & 0xFFFF, minlength=1 << 16)
    there = seen > 0
    points, place = np.unique(every[there].numpy(), return_inverse=True)  # both zeros are one
    return points, np.bincount(place, weights=seen[there].numpy()).astype(np.int64)


def _replaced(vectors: Tensor, count: int, generator: torch.Generator) -> Tensor:
    found = centroids(vectors, count, generator=generator)
    return found[nearest(vectors, found)]


def centroids(vectors: Tensor, count: int, *, generator: torch.Generator) -> Tensor:
    """At most ``count`` centroids [k, d] for vectors [m, d]; as many as there are distinct vectors if those are fewer.

    For d = 1 the exact clustering (see ``kmeans.clusters``); else the best of
    several k-means++ starts with Lloyd's iterations, on at most 65,536 of the vectors.
    """
    if vectors.shape[1] == 1:
        return torch.from_numpy(clusters(*_distinct(vectors.detach().reshape(-1)), number=count).means)[:, None].to(
            vectors
        )
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


def nearest(vectors: Tensor, centroids: Tensor, *, chunk: int = _ROWS) -> Tensor:
    """The index of the nearest centroid for each vector: [m], from 0 to k − 1."""
    squares = (centroids**2).sum(1)
    return torch.cat(
        [torch.addmm(squares, part, centroids.T, alpha=-2).argmin(1) for part in torch.split(vectors, chunk)]
    )


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


def _lloyd(points: Tensor, weights: Tensor, middles: Tensor) -> tuple[float, Tensor]:
    """The sum of squared errors and the centroids after Lloyd's iterations; one that loses all points stays."""
    for _ in range(_ITERATIONS):
        label = nearest(points, middles)
        mass = torch.zeros_like(middles[:, 0]).index_add_(0, label, weights)
        total = torch.zeros_like(middles).index_add_(0, label, points * weights[:, None])
        moved = torch.where(mass[:, None] > 0, total / mass.clamp_min(1)[:, None], middles)
        if torch.equal(moved, middles):
            break
        middles = moved
    apart = ((points - middles[nearest(points, middles)]) ** 2).sum(1)
    return float((apart * weights).sum()), middles
