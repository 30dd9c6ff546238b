"""Counts the products that PyTorch computes on integers, however the weights are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ..records import MetricValue
from . import inputs
from .compute import is_contraction
from .forward import observing

INTEGERS = (torch.int8, torch.uint8, torch.qint8, torch.quint8, torch.int16, torch.int32)


def integer_products(model: nn.Module, example: Any) -> MetricValue | None:
    """Return the share of matrix products and convolutions of a forward pass that run on integers.

    ``count`` is the number of all products. The result is ``None`` for a model that runs none.
    """
    seen = _Products()
    with observing(model), seen:
        inputs.call(model, example)
    return MetricValue(seen.integers / seen.total, count=seen.total) if seen.total else None


class _Products(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts products, and those of which no operand with two or more dimensions is in floating point."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0
        self.integers = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if is_contraction(getattr(func, "overloadpacket", func)):
            operands = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor) and leaf.ndim > 1]
            self.total += 1
            self.integers += bool(operands) and all(operand.dtype in INTEGERS for operand in operands)
        return func(*args, **(kwargs or {}))
