"""Models of 16-bit floats, made to compute in 32 bits. Needs torch."""

from __future__ import annotations

from functools import wraps
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from ..types import Context

NARROW = (torch.float16, torch.bfloat16)


def widened(model: nn.Module, context: Context) -> nn.Module:
    """The model with 32-bit floats in place of 16-bit ones, also in what it is given; the log says so.

    Args:
        model: a private copy, which is changed.
        context: says it.
    """
    narrow = {parameter.dtype for parameter in model.parameters() if parameter.dtype in NARROW}
    if not narrow:
        return model
    kinds = " and ".join(sorted(str(kind).removeprefix("torch.") for kind in narrow))
    context.progress(0.0, f"cast from {kinds} to 32 bits, in which the result computes and answers")
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data = _wide(tensor.data)
    inner = model.forward

    @wraps(inner)
    def forward(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = pytree.tree_map(_wide, (args, kwargs))
        return inner(*args, **kwargs)

    model.forward = forward
    return model


def _wide(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) and value.dtype in NARROW else value
