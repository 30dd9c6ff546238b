"""A linear layer that multiplies integers. Needs torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .factors import describe

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
        self._inputs_first = not isinstance(layer, nn.Linear)
        levels, scale = to_int8(weight.t().contiguous() if self._inputs_first else weight)
        self._parameters["weight"] = nn.Parameter(levels, requires_grad=False)  # the property hides it as an attribute
        self.register_buffer("weight_scale", scale)
        self.bias = layer.bias
        describe(self, layer)
        self.train(layer.training)

    @property
    def weight(self) -> Tensor:
        """The values that the integers stand for, in the shape that the layer's weight had."""
        values = self._levels.to(self.weight_scale.dtype) * self.weight_scale[:, None]
        return values.t() if self._inputs_first else values

    @property
    def _levels(self) -> Tensor:
        levels = self._parameters["weight"]
        assert levels is not None  # noqa: S101
        return levels

    def forward(self, x: Tensor) -> Tensor:
        """From [..., inputs] to [..., outputs] in the type of ``x``."""
        levels, scale = to_int8(x.reshape(-1, x.shape[-1]))
        sums = _product(levels, self._levels.t())
        y = (sums * scale[:, None] * self.weight_scale).to(x.dtype)
        return (y if self.bias is None else y + self.bias).reshape(*x.shape[:-1], len(self._levels))


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
