"""Setting weights to zero by their scores, over all tensors together or one by one. Needs torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ..targets import Weight

Choice = Callable[[Tensor], Tensor]
"""Scores [n] → whether each goes [n]."""


def zero_by(choose: Choice, weights: Sequence[Weight], *, scores: Sequence[Tensor], scope: str) -> None:
    """Zero weights in place where ``choose`` says so by their scores. Nothing is registered on the modules.

    Args:
        choose: which scores go.
        weights: the tensors to change.
        scores: one tensor per weight, of its shape.
        scope: choose from all scores as one vector (``global``), or tensor by tensor (``local``).
    """
    flat = [score.detach().reshape(-1).cpu() for score in scores]
    if scope == "global":
        dropped = torch.split(choose(torch.cat(flat)), [score.numel() for score in flat])
    else:
        dropped = tuple(choose(score) for score in flat)
    for weight, gone in zip(weights, dropped, strict=True):
        parameter = weight.parameter
        parameter.data.masked_fill_(gone.reshape(parameter.shape).to(parameter.device), 0)


def smallest(amount: float) -> Choice:
    """The share of smallest magnitude goes, as by ``torch.nn.utils.prune.L1Unstructured``; of equals, the first.

    It selects in linear time, where that sorts all that goes.
    """

    def choose(scores: Tensor) -> Tensor:
        magnitudes = (scores.float() if scores.element_size() < 4 else scores).abs().numpy()
        count = round(amount * len(magnitudes))
        if count == 0:
            return torch.zeros_like(scores, dtype=torch.bool)
        limit = np.partition(magnitudes, count - 1)[count - 1]
        gone = magnitudes < limit
        gone[np.flatnonzero(magnitudes == limit)[: count - int(gone.sum())]] = True
        return torch.from_numpy(gone)

    return choose
