"""Masks of weights by scores that learn from the gradient of the masked weights. Needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


class Masks:
    """One :class:`Mask` for each weight, with a common threshold on their scores.

    Args:
        weights: by name.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        self.weights = dict(weights)
        self.modules = {name: Mask(weight) for name, weight in weights.items()}

    def set(self, amount: float) -> None:
        """Drop the share ``amount`` of all weights, those of lowest score; of equal scores, the smallest weights."""
        scores = torch.cat([mask.scores.detach().flatten() for mask in self.modules.values()])
        sizes = torch.cat([weight.detach().abs().flatten() for weight in self.weights.values()])
        by_size = sizes.argsort(stable=True)
        order = by_size[scores[by_size].argsort(stable=True)]
        kept = torch.ones_like(scores, dtype=torch.bool)
        kept[order[: round(amount * len(order))]] = False
        parts = torch.split(kept, [mask.scores.numel() for mask in self.modules.values()])
        for mask, part in zip(self.modules.values(), parts, strict=True):
            mask.mask = part.reshape(mask.scores.shape)


class Mask(nn.Module):
    """From a weight to its masked values; scores and weight are parameters to train."""

    mask: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros_like(weight))
        self.register_buffer("mask", torch.ones_like(weight, dtype=torch.bool))

    def forward(self, weight: Tensor) -> Tensor:
        """The weight where the mask is true, else 0."""
        masked: Tensor = _Masked.apply(weight, self.scores, self.mask)  # type: ignore[no-untyped-call]
        return masked


class _Masked(torch.autograd.Function):
    """W ⊙ M, with ∂L/∂W = G ⊙ M and ∂L/∂S = G ⊙ W, where G is the gradient of the masked weight."""

    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> Tensor:
        weight, _scores, mask = tensors
        ctx.save_for_backward(weight, mask)
        return weight * mask

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        weight, mask = ctx.saved_tensors
        return gradients[0] * mask, gradients[0] * weight, None
