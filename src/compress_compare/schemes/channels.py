"""How a model that lost channels says which of the original ones it has, so that tensors can be aligned by them.

The attribute ``kept_channels`` of the root module is a plain ``dict`` from tensor name to dimension to the indices, in
the model from which the first channel was removed, of what is left along that dimension::

    kept.of(model)                # {"conv1.weight": {0: [0, 2, 5]}, "conv2.weight": {0: […], 1: [0, 2, 5]}, …}

Whoever saves the model stores :func:`to_json` with the checkpoint, beside the scheme. Later operations keep it,
because they work on copies of the module; removing more channels composes with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

ATTRIBUTE = "kept_channels"
Kept = dict[str, dict[int, list[int]]]


def of(model: nn.Module) -> Kept:
    """The indices that each tensor has kept, by name and dimension; what is whole is not mentioned."""
    return {name: dict(dims) for name, dims in getattr(model, ATTRIBUTE, {}).items()}


def attach(model: nn.Module, kept: Kept) -> None:
    """Note what tensors have kept of the dimensions they had before; composes with what was noted earlier."""
    composed = of(model)
    for name, dims in kept.items():
        entry = composed.setdefault(name, {})
        for dim, indices in dims.items():
            before = entry.get(dim)
            entry[dim] = list(indices) if before is None else [before[index] for index in indices]
    setattr(model, ATTRIBUTE, composed)


def to_json(kept: Kept) -> dict[str, dict[str, list[int]]]:
    """As plain JSON data."""
    return {name: {str(dim): list(indices) for dim, indices in dims.items()} for name, dims in kept.items()}


def from_json(data: Mapping[str, Mapping[str, list[int]]]) -> Kept:
    """The inverse of :func:`to_json`."""
    return {name: {int(dim): list(indices) for dim, indices in dims.items()} for name, dims in data.items()}
