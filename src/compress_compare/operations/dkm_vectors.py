"""A weight tensor as vectors to be clustered: ``dim`` consecutive output channels make one vector. Needs torch."""

from __future__ import annotations

import torch
from torch import Tensor


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
