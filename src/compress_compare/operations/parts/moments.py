"""What the layers of a model see when it is run on data: second moments and magnitudes of their inputs. Needs torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ..targets import Weight
from ..types import Context
from .data import batches, forward

_LINEAR = (F.linear, torch.addmm)
_CONVOLUTIONS = (F.conv1d, F.conv2d)
_LOOKUPS = (F.embedding, torch.embedding)
_ARGUMENTS = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_PRODUCT = ("bias", "input", "weight")  # how Hugging Face's Conv1D calls addmm, with a weight [inputs, outputs]


@dataclass
class InputMoments:
    """Sums over all input vectors that were multiplied by a weight; of a convolution, over all patches.

    Args:
        second: Σ x·xᵀ, [groups, inputs, inputs], where inputs is that of the flattened weight of one output.
        absolute: Σ |x|, [groups, inputs].
        count: number of vectors.
    """

    second: Tensor
    absolute: Tensor
    count: int


def layer_inputs(
    model: nn.Module, weights: Sequence[Weight], *, context: Context, name: str
) -> dict[str, InputMoments]:
    """Moments by the name of the weight, in the order of first use, over all data in evaluation mode.

    Absent are weights that no linear layer and no one- or two-dimensional convolution is called with, and those that an
    embedding looks up as well: what suits them as an output layer does not suit them as a table.

    Args:
        model: put into evaluation mode.
        weights: the weights to follow.
        context: data and progress.
        name: of the operation, for error messages.
    """
    watcher = _Watcher({id(weight.parameter): weight.name for weight in weights})
    model.eval()
    with torch.no_grad(), watcher:
        for number, (inputs, _) in enumerate(batches(model, context.data)):
            forward(model, inputs, operation=name)
            context.progress(0.0, f"batch {number + 1}")
    return {name: moments for name, moments in watcher.found.items() if name not in watcher.tables}


class _Watcher(TorchFunctionMode):
    """Sees every call of a layer's function, also from modules that pad or scale their inputs themselves."""

    def __init__(self, names: Mapping[int, str]) -> None:
        super().__init__()
        self.names, self.found, self.tables = names, dict[str, InputMoments](), set[str]()

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func in _LINEAR or func in _CONVOLUTIONS:
            order = _PRODUCT if func is torch.addmm else _ARGUMENTS
            given = {**dict(zip(order, args, strict=False)), **(kwargs or {})}
            if id(given.get("weight")) in self.names:
                self._add(self.names[id(given["weight"])], _vectors(func, given))
        elif func in _LOOKUPS:
            self.tables |= {
                self.names[id(value)] for value in (*args, *(kwargs or {}).values()) if id(value) in self.names
            }
        return func(*args, **(kwargs or {}))

    def _add(self, name: str, vectors: Tensor) -> None:
        x = vectors.double()
        second, absolute, count = x.transpose(1, 2) @ x, x.abs().sum(1), x.shape[1]
        known = self.found.setdefault(name, InputMoments(torch.zeros_like(second), torch.zeros_like(absolute), 0))
        known.second += second
        known.absolute += absolute
        known.count += count


def _vectors(func: Callable[..., Any], given: Mapping[str, Any]) -> Tensor:
    """What rows of the flattened weight are multiplied by: [groups, vectors, inputs]."""
    x, weight = given["input"], given["weight"]
    if func in _LINEAR:
        vectors: Tensor = x.reshape(1, -1, x.shape[-1])
        return vectors
    size = weight.ndim - 2
    stride, dilation = (_each(given.get(key, 1), size) for key in ("stride", "dilation"))
    x = _padded(x if x.ndim == weight.ndim else x[None], given.get("padding", 0), weight.shape[2:], dilation)
    kernel = tuple(weight.shape[2:])
    if size == 1:
        x, kernel, stride, dilation = x[:, :, None], (1, *kernel), (1, *stride), (1, *dilation)
    patches = F.unfold(x, kernel, dilation=dilation, stride=stride)
    groups = int(given.get("groups", 1))
    by_group: Tensor = patches.reshape(len(x), groups, -1, patches.shape[-1]).permute(1, 0, 3, 2).flatten(1, 2)
    return by_group


def _padded(x: Tensor, padding: Any, kernel: Sequence[int], dilation: Sequence[int]) -> Tensor:
    if padding == "valid":
        return x
    if padding == "same":
        totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        sides = [(total // 2, total - total // 2) for total in totals]
    else:
        sides = [(side, side) for side in _each(padding, len(kernel))]
    return F.pad(x, [amount for pair in reversed(sides) for amount in pair])


def _each(value: Any, size: int) -> tuple[int, ...]:
    return (int(value),) * size if isinstance(value, int) else tuple(value) * (size // len(value))
