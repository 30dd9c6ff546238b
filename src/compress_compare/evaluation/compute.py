"""Counts the multiply-accumulates of a forward pass. A product that cannot be counted is an error, never a zero."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from ..errors import InvalidValue
from ..records import MetricValue
from . import inputs
from .forward import observing

_CONTRACTION = re.compile(
    r"conv(?:\d|_|olution)|(?:^|_|q)linear(?:_|$)|trilinear|mm(?:_|$)|mv$|dot$|matmul|attention|rnn|lstm|gru|transformer"
)


def macs(model: nn.Module, example: Any) -> MetricValue:
    """Count the dense multiply-accumulates of a forward pass on ``example``; the value's device names its shape.

    Counts matrix products, convolutions and attention (a fused multiply-add is one), not biases, norms or activations.
    Zero weights count like any other. Fused attention, the transformer fast path and oneDNN recurrences are switched
    off while counting, because their kernels report nothing.

    Args:
        model: left as it was.
        example: inputs of the model: a tensor, a tuple of positional or a mapping of keyword arguments.

    Raises:
        InvalidValue: ``compute.uncounted`` if the model runs a product of unknown cost, such as a quantized kernel, or
            if it has weight matrices and nothing was counted.
    """
    seen = _Seen()
    counter = FlopCounterMode(display=False, custom_mapping=_extra_formulas())
    with observing(model), _plain_kernels(), seen, counter:
        inputs.call(model, example)
    unknown = sorted(str(op) for op in seen.packets if op not in counter.flop_registry and is_contraction(op))
    total = counter.get_total_flops() // 2
    if unknown or (total == 0 and any(parameter.ndim > 1 for parameter in model.parameters())):
        raise InvalidValue(
            "compute.uncounted",
            "The multiply-accumulates of this model cannot be counted.",
            detail=f"Not known: {', '.join(unknown) or 'every operation that uses its weights'}.",
            hint="Count them on the model in floating point.",
        )
    return MetricValue(total, device=inputs.described(example))


class _Seen(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records which operators ran. Entered outside the counter, it sees them after decomposition."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.packets: set[Any] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        self.packets.add(getattr(func, "overloadpacket", func))
        return func(*args, **(kwargs or {}))


def is_contraction(operator: Any) -> bool:
    """Whether an operator sums products: a matrix product, a convolution, attention or a recurrence."""
    name = str(operator).rpartition(".")[2]
    return _CONTRACTION.search(name) is not None


@contextmanager
def _plain_kernels() -> Iterator[None]:
    mkldnn: Any = torch.backends.mkldnn
    fast_path, onednn = torch.backends.mha.get_fastpath_enabled(), mkldnn.enabled
    torch.backends.mha.set_fastpath_enabled(False)
    mkldnn.enabled = False
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        mkldnn.enabled = onednn
        torch.backends.mha.set_fastpath_enabled(fast_path)


def _extra_formulas() -> dict[Any, Any]:
    """Operations in FLOPs (two per multiply-accumulate) for products that torch's own table lacks."""
    aten = torch.ops.aten
    return {
        aten.mv: lambda *shapes, **_: 2 * math.prod(shapes[0]),
        aten.addmv: lambda *shapes, **_: 2 * math.prod(shapes[1]),
        aten.dot: lambda *shapes, **_: 2 * math.prod(shapes[0]),
        aten.addbmm: lambda *shapes, **_: 2 * math.prod(shapes[1]) * shapes[2][-1],
    }
