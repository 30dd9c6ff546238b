"""Weights that are clustered while they train: soft in training mode, snapped in evaluation. Needs torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ..clustering.vectors import centroids, clustered, join, nearest, split
from .attention import CentroidAttention, ClusteredRows, cluster, cluster_distinct

_HALF = torch.finfo(torch.float16)


@dataclass(frozen=True)
class ClusterPlan:
    """How one tensor is clustered.

    Args:
        bits: per label.
        dim: weights per label.
        axis: the dimension of the tensor that counts output channels.
        keep_zeros: whether exact zeros have a centroid of their own.
    """

    bits: int
    dim: int
    axis: int
    keep_zeros: bool


class Palette(nn.Module):
    """The centroids of one tensor. Called with the tensor, gives it clustered: same shape and dtype.

    All is computed with the ``origin`` (the mean, or 0 where zero is a centroid) subtracted, in units of the
    ``spacing`` √d · 4σ / 2^(bits/d): the width of one of 2^(bits/d) levels that divide ±2σ in each of d dimensions.
    """

    centroids: Tensor

    def __init__(
        self, weight: Tensor, plan: ClusterPlan, *, attention: CentroidAttention, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.plan, self.attention = plan, attention
        vectors, _ = split(_wide(weight.detach()), dim=plan.dim, axis=plan.axis)
        pinned = (vectors == 0).all(1)
        self.zero = plan.keep_zeros and bool(pinned.any())
        self.origin = 0.0 if self.zero else float(vectors.mean())
        self.spacing = spacing(weight, bits=plan.bits, dim=plan.dim) or 1.0
        vectors = (vectors - self.origin) / self.spacing
        count = 2**plan.bits - int(self.zero)
        free = vectors[~pinned] if self.zero else vectors
        found = centroids(free, count, generator=generator) if len(free) else free
        if self.zero:
            found = torch.cat([found.new_zeros(1, plan.dim), found])
        self.register_buffer("centroids", found)

    def forward(self, weight: Tensor) -> Tensor:
        """The clustered weight: a mixture of centroids in training mode, the nearest centroid in evaluation mode."""
        if not self.training:
            return self.snapped(weight)
        vectors, rest = split(_wide(weight), dim=self.plan.dim, axis=self.plan.axis)
        vectors = (vectors - self.origin) / self.spacing
        if weight.element_size() == 2 and self.plan.dim == 1:
            found = cluster_distinct(ClusteredRows(vectors, zero=self.zero), self.centroids, attention=self.attention)
        else:
            found = cluster(ClusteredRows(vectors, zero=self.zero), self.centroids, attention=self.attention)
        self.centroids = found.centroids.detach()
        soft = found.mixtures * self.spacing + self.origin
        return join(soft, rest, shape=tuple(weight.shape), axis=self.plan.axis).to(weight.dtype)

    def snapped(self, weight: Tensor) -> Tensor:
        """Every vector replaced by its nearest row of :meth:`table`; leftover weights stay."""
        vectors, rest = split(weight.detach(), dim=self.plan.dim, axis=self.plan.axis)
        label = nearest((_wide(vectors) - self.origin) / self.spacing, self.centroids)
        hard = self.table(weight.dtype)[label]
        return join(hard, rest, shape=tuple(weight.shape), axis=self.plan.axis)

    def table(self, dtype: torch.dtype) -> Tensor:
        """The centroids [k, d] as they are stored, 16 bits each, given in ``dtype``."""
        return storable((self.centroids * self.spacing + self.origin).to(dtype))


class SmallPalette(nn.Module):
    """A tensor too small for its table to pay: trained as it is, and given 2^bits values by k-means when evaluated."""

    def __init__(self, plan: ClusterPlan) -> None:
        super().__init__()
        self.plan = plan

    def forward(self, weight: Tensor) -> Tensor:
        """The weight itself in training mode, the clustered weight in evaluation mode."""
        return weight if self.training else self.snapped(weight)

    def snapped(self, weight: Tensor) -> Tensor:
        """Every weight replaced by the mean of its cluster, 16 bits each."""
        result = clustered(
            weight.reshape(-1, 1), 2**self.plan.bits, keep_zeros=self.plan.keep_zeros, generator=torch.Generator()
        )
        return storable(result.reshape(weight.shape))


def spacing(weight: Tensor, *, bits: int, dim: int) -> float:
    """√d · 4σ / 2^(bits/d), the scale of a tensor's clusters; σ is the standard deviation of all its elements."""
    sigma = float(_wide(weight.detach()).std(correction=0))
    return float(dim**0.5 * 4 * sigma / 2 ** (bits / dim))


def storable(values: Tensor) -> Tensor:
    """Values rounded to what 16 bits hold, in their own type; unchanged where half precision cannot reach them."""
    largest = float(values.abs().max()) if values.numel() else 0.0
    if values.element_size() == 2 or not (largest == 0 or _HALF.tiny <= largest <= _HALF.max):
        return values
    return values.half().to(values.dtype)


def table_bits(values: Tensor) -> Literal[16, 32, 64]:
    """Bits of one number in a table that holds these values exactly."""
    exact = values.element_size() == 2 or bool((values.half().to(values.dtype) == values).all())
    return 16 if exact else 32 if values.element_size() == 4 else 64


def _wide(weight: Tensor) -> Tensor:
    return weight.float() if weight.element_size() < 4 else weight
