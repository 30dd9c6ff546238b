"""What the kernel of a convolution is laid on, as rows of a matrix. Needs torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .operands import Operand

_NUMBERS = 1 << 24
"""Numbers that are looked at together."""


def by_rows(vectors: Tensor) -> Iterator[Tensor]:
    """Vectors [n, inputs] in runs of at most 16 million numbers."""
    yield from torch.split(vectors.reshape(-1, vectors.shape[-1]), max(_NUMBERS // max(vectors.shape[-1], 1), 1))


def patches(args: tuple[Any, ...], operand: Operand) -> Tensor:
    """What the rows of one group are multiplied by: [outputs' places, inputs], a view as far as that is possible.

    Args:
        args: of ``aten.convolution``: input, weight, bias, stride, padding, dilation, transposed, output padding and
            groups.
        operand: whose ``part`` is the group.
    """
    x, weight, _, stride, padding, dilation, transposed, more, groups = args[:9]
    size = weight.ndim - 2
    x = x.chunk(groups, 1)[operand.part]
    kernel = weight.shape[2:]
    stride, padding, dilation, more = (_each(value, size) for value in (stride, padding, dilation, more))
    sides = [(pad, pad) for pad in padding]
    if transposed:
        x = _spread(x, stride)
        reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        sides = [(far - pad, far - pad + extra) for far, pad, extra in zip(reach, padding, more, strict=True)]
        stride = (1,) * size
    x = F.pad(x, [amount for pair in reversed(sides) for amount in pair])
    for dim, (k, d, step) in enumerate(zip(kernel, dilation, stride, strict=True)):
        x = x.unfold(2 + dim, d * (k - 1) + 1, step)[..., ::d]
    if transposed:  # there, the kernel is laid on the other way round
        x = x.flip(tuple(range(2 + size, 2 + 2 * size)))
    places = range(2, 2 + size)
    return x.permute(0, *places, 1, *range(2 + size, 2 + 2 * size)).flatten(1 + size).flatten(0, size)


def _spread(x: Tensor, stride: tuple[int, ...]) -> Tensor:
    """With zeros between neighbors, as many as the stride leaves room for."""
    sizes = [(length - 1) * step + 1 for length, step in zip(x.shape[2:], stride, strict=True)]
    wide = x.new_zeros(*x.shape[:2], *sizes)
    wide[(slice(None), slice(None), *(slice(None, None, step) for step in stride))] = x
    return wide


def _each(value: Any, size: int) -> tuple[int, ...]:
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * (size // len(values))
