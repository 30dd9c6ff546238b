"""A weight as a matrix: one row for each output channel, however the tensor lays them out. Needs torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

_INPUTS_FIRST = ("Llama4TextExperts", "GptOssExperts")
"""Fused experts [experts, inputs, outputs] of transformers; others that are stored so have ``is_transposed``."""


@dataclass(frozen=True)
class Layout:
    """Where a tensor has its output channels and its inputs.

    Args:
        axis: the dimension that counts output channels.
        groups: how many runs the first dimension is cut into, each with output channels of its own: the experts of a
            fused weight, the groups of a transposed convolution.
        inputs: the dimension that counts inputs.
    """

    axis: int = 0
    groups: int = 1
    inputs: int = 1

    @property
    def stacked(self) -> bool:
        """Whether the tensor is a stack of matrices."""
        return self.axis > 0 and self.inputs > 0

    def rows(self, values: Tensor) -> Tensor:
        """[output channels of all groups, weights of each]; a tensor of fewer than two dimensions is one row."""
        if values.ndim < 2:
            return values.reshape(1, -1)
        cut = values.reshape(self._cut(values.shape)).movedim(self.axis + 1, 1)
        return cut.reshape(cut.shape[0] * cut.shape[1], -1)

    def tensor(self, rows: Tensor, shape: tuple[int, ...]) -> Tensor:
        """The inverse of :meth:`rows`, contiguous."""
        if len(shape) < 2:
            return rows.reshape(shape)
        cut = self._cut(shape)
        others = [size for place, size in enumerate(cut) if place not in (0, self.axis + 1)]
        moved = rows.reshape(cut[0], cut[self.axis + 1], *others).movedim(1, self.axis + 1)
        return moved.reshape(shape).contiguous()

    def places(self, flat: Tensor, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """Row and column in :meth:`rows` of elements that are given by their place in the flattened tensor."""
        cut = self._cut(shape)
        indices = torch.unravel_index(flat, cut)
        row = indices[0] * cut[self.axis + 1] + indices[self.axis + 1]
        column = torch.zeros_like(flat)
        for place, (index, size) in enumerate(zip(indices, cut, strict=True)):
            if place not in (0, self.axis + 1):
                column = column * size + index
        return row, column

    def size(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Rows and columns of :meth:`rows`."""
        if len(shape) < 2:
            return 1, math.prod(shape)
        rows = self.groups * self._cut(shape)[self.axis + 1]
        return rows, math.prod(shape) // max(rows, 1)

    def _cut(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (self.groups, shape[0] // self.groups, *shape[1:])


def layout_of(module: nn.Module, values: Tensor) -> Layout:
    """The layout of a parameter of a module, from what the module computes with it.

    Transposed convolutions have inputs first, and output channels in every group; so has GPT-2's ``Conv1D``. Other
    parameters of three dimensions are stacks of matrices, such as the experts of a mixture: [experts, outputs, inputs].
    """
    if isinstance(module, _ConvTransposeNd) and values.ndim > 2:
        return Layout(axis=1, groups=module.groups, inputs=0)
    if type(module).__name__ == "Conv1D" and values.ndim == 2:
        return Layout(axis=1, inputs=0)
    if values.ndim != 3 or isinstance(module, _ConvNd | nn.Bilinear):
        return Layout()
    if getattr(module, "is_transposed", False) or type(module).__name__ in _INPUTS_FIRST:
        return Layout(axis=2, groups=values.shape[0], inputs=1)
    return Layout(axis=1, groups=values.shape[0], inputs=2)
