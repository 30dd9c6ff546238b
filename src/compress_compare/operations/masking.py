"""Setting the weights of lowest score to zero, by the mask methods of ``torch.nn.utils.prune``. Needs torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn.utils import prune

from .targets import Weight


def zero_by(
    method: prune.BasePruningMethod,
    weights: Sequence[Weight],
    *,
    scores: Sequence[Tensor],
    scope: Literal["global", "local"],
) -> None:
    """Zero weights in place where ``method`` masks their scores. Nothing is registered on the modules.

    Args:
        method: computes a 0/1 mask from scores, e.g. ``prune.L1Unstructured(amount)``.
        weights: the tensors to change.
        scores: one tensor per weight, of its shape.
        scope: mask all scores as one vector (``global``), or tensor by tensor (``local``).
    """
    compute: Callable[[Tensor, Tensor], Tensor] = method.compute_mask
    flat = [score.detach().reshape(-1).cpu() for score in scores]
    if scope == "global":
        whole = torch.cat(flat)
        masks = torch.split(compute(whole, torch.ones_like(whole)), [score.numel() for score in flat])
    else:
        masks = tuple(compute(score, torch.ones_like(score)) for score in flat)
    for weight, mask in zip(weights, masks, strict=True):
        parameter = weight.parameter
        dropped = (mask == 0).reshape(parameter.shape).to(parameter.device)
        parameter.data.masked_fill_(dropped, 0)
