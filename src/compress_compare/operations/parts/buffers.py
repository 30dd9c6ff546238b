"""Weights that a model holds as buffers: no operation changes them, so that they are named. Needs torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

BUFFERS = "it is a buffer, and operations change parameters (register it as a parameter to include it)"

_WEIGHTS = re.compile(r"(\w+_)?(q?weights?|kernels?|codebooks?|embed)")
_OTHERS = frozenset(
    {
        *("pe", "pos", "position", "positions", "positional", "relative", "rope", "rotary", "sinusoid", "sin", "cos"),
        *("mask", "masks", "freq", "freqs", "anchor", "anchors", "grid", "window", "ids", "index", "indices"),
        *("mean", "std", "var", "avg", "scale", "scales", "zeros"),
    }
)
"""Parts of the names of statistics, masks, positions, and other tables that a model computes and does not learn."""
_TABLES = frozenset({"pos", "position", "positions", "positional", "rope", "rotary", "sinusoidal"})
"""Parts of the names of classes that hold such tables, whatever these are called."""

_aten = torch.ops.aten
_PRODUCTS = frozenset(
    {
        *(_aten.mm, _aten.addmm, _aten.bmm, _aten.baddbmm, _aten.mv, _aten.addmv, _aten._grouped_mm),
        *(_aten.convolution, _aten._cdist_forward, _aten._euclidean_dist),
    }
)


def held(model: nn.Module) -> dict[str, str]:
    """Buffers that are called as weights are, by their names, with the reason why they are left alone."""
    names = (name for name, _ in _candidates(model) if _WEIGHTS.fullmatch(name.rpartition(".")[2]))
    return dict.fromkeys(names, BUFFERS)


def multiplied(model: nn.Module, run: Callable[[], object]) -> dict[str, str]:
    """Buffers that ``run`` multiplies with what is computed from an input, or looks up as a table, as :func:`held`.

    A buffer that meets nothing but other tensors of the model, such as a table of positions in front of a linear layer,
    is no weight. What is computed from a buffer, as from integers and their scales, counts as the buffer.
    """
    candidates = {name: tensor for name, tensor in _candidates(model) if tensor.is_floating_point()}
    if not candidates:
        return {}
    watcher = _Watcher(model, candidates)
    with torch.no_grad(), suppress(Exception), watcher:  # a model that cannot be watched is worked on all the same
        run()
    return {name: BUFFERS for name in candidates if name in watcher.found}


def _candidates(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Matrices and more that are saved with the model and not called as what is no weight."""
    for path, module in model.named_modules():
        words = set(re.findall("[a-z]+", re.sub("(?<=[a-z])(?=[A-Z])", "_", type(module).__name__).lower()))
        if words & _TABLES:
            continue
        for attribute, tensor in module.named_buffers(recurse=False):
            named = set(attribute.lower().split("_")) & _OTHERS or attribute in module._non_persistent_buffers_set
            if not named and tensor.ndim > 1 and max(tensor.shape) < tensor.numel() and tensor.dtype != torch.bool:
                yield (f"{path}.{attribute}" if path else attribute), tensor


class _Watcher(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees which buffers take part in products, whatever code asks for them."""

    def __init__(self, model: nn.Module, candidates: Mapping[str, Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: set[str] = set()
        self._names: dict[int, frozenset[str]] = {
            _storage(tensor): frozenset() for tensor in (*model.buffers(), *model.parameters())
        }
        self._names |= {_storage(tensor): frozenset({name}) for name, tensor in candidates.items()}
        self._alive: list[Tensor] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        packet = getattr(func, "overloadpacket", func)
        given = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor) and each.ndim]
        sources = [self._names.get(_storage(each)) for each in given]
        names = frozenset().union(*(each for each in sources if each))
        if packet is _aten.embedding:
            self.found |= self._names.get(_storage(args[0]), frozenset())
        elif packet in _PRODUCTS:
            self.found |= names if None in sources else frozenset()
        elif names and None not in sources:
            for made in tree_leaves(result):
                if isinstance(made, Tensor) and _storage(made) not in self._names:
                    self._alive.append(made)  # so that nothing else comes to lie where it is
                    self._names[_storage(made)] = names
        return result


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr() if tensor.layout == torch.strided else -id(tensor)
