"""The size of a network compressed by DKM, from the shapes of its layers alone, counted as the paper counts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

SMALL = 10_000
"""A layer with fewer weights has 8-bit scalar clusters."""


@dataclass(frozen=True)
class Layer:
    """A convolution or linear layer: its number of weights, bias left out, and the clusters it is given."""

    weights: int
    bits: int
    dim: int = 1


def layer_bytes(layer: Layer) -> float:
    """Labels of ``bits`` bits for each ``dim`` weights, and a table of 2^bits · dim numbers of 16 bits."""
    if layer.weights < SMALL:
        return layer.weights + 512
    table = 2 * layer.dim * (1 << layer.bits)
    return math.ceil(layer.weights / layer.dim) * layer.bits / 8 + table


def network_bytes(layers: Iterable[Layer], *, affine: int) -> float:
    """All layers, and 16 bits for each of the ``affine`` scales and shifts of norms, and biases."""
    return sum(map(layer_bytes, layers)) + 2 * affine
