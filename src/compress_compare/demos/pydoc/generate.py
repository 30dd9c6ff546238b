"""Drawing text from the language model, so that models that hardly differ write the same."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ...evaluation.forward import observing
from .network import BLOCKS, Memory

TEMPERATURE = 0.7


def continuations(model: nn.Module, starts: Tensor, *, chances: Tensor) -> Tensor:
    """Pieces that go on after ``starts``, drawn one by one at temperature 0.7.

    Every draw inverts the distribution function at a given chance, the same for all models: texts differ only where
    distributions do.

    Args:
        model: the model.
        starts: ``(N, pieces)``.
        chances: what to draw with, ``(N, steps)`` in 0–1.

    Returns:
        ``(N, steps)``.
    """
    memories, found = [Memory() for _ in range(BLOCKS)], [starts]
    with observing(model):
        for step in range(chances.shape[1]):
            logits = model(found[-1], memories)[:, -1].double()
            reached = (logits / TEMPERATURE).softmax(-1).cumsum(-1)
            drawn = torch.searchsorted(reached, chances[:, step, None].contiguous())
            found.append(drawn.clamp(max=logits.shape[1] - 1))
    return torch.cat(found[1:], 1)


def chances(count: int, steps: int, *, seed: int) -> Tensor:
    """Numbers in 0–1 to draw with, ``(count, steps)``."""
    return torch.from_numpy(np.random.default_rng(seed).random((count, steps)))
