"""A linear layer that multiplies integers. Needs torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

TOP = 127


class DynamicLinear(nn.Module):
    """y = (q_x · q_Wᵀ) · s_x · s_W + b, with q the nearest integers from −127 to 127 of x / s_x and W / s_W.

    Every input vector has a scale s_x of its own, max|x| / 127, and every output s_W. Nothing in it can be trained.

    Args:
        layer: the layer to take over, whose bias is shared: linear, or a Conv1D of Hugging Face transformers.
    """

    weight_scale: Tensor

    def __init__(self, layer: Any) -> None:
        super().__init__()
        weight = layer.weight.detach()
        levels, scale = to_int8(weight if isinstance(layer, nn.Linear) else weight.t().contiguous())
        self.weight = nn.Parameter(levels, requires_grad=False)
        self.register_buffer("weight_scale", scale)
        self.bias = layer.bias
        self.train(layer.training)

    def forward(self, x: Tensor) -> Tensor:
        """From [..., inputs] to [..., outputs] in the type of ``x``."""
        levels, scale = to_int8(x.reshape(-1, x.shape[-1]))
        sums = _product(levels, self.weight.t())
        y = (sums * scale[:, None] * self.weight_scale).to(x.dtype)
        return (y if self.bias is None else y + self.bias).reshape(*x.shape[:-1], len(self.weight))


def to_int8(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Integers [n, m] and scales [n] of the rows of a matrix."""
    scale = rows.abs().amax(1) / TOP
    scale = torch.where(scale == 0, torch.ones_like(scale), scale)
    return (rows / scale[:, None]).round().clamp(-TOP, TOP).to(torch.int8), scale


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Exact sums of products of int8 matrices, in float."""
    if a.device.type == "cpu":
        return torch._int_mm(a, b).float()
    return (a.double() @ b.double()).float()  # exact as well; kernels for other devices restrict their shapes
