"""Computes the memory that a forward pass needs: the weights and the tensors that are alive at the same time."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ..records import MetricValue
from . import inputs
from .forward import observing


def peak_memory(model: nn.Module, example: Any) -> MetricValue:
    """Return the largest sum of bytes of parameters, buffers, ``example`` and live outputs of operators.

    The value is the same on every machine, because it sums tensor sizes and ignores the allocator. It leaves out the
    internal buffers of kernels, such as the unfolded patches of a convolution. Its device names the input shape.
    """
    held = _Alive()
    example = inputs.each(example, torch.clone)  # a part of a larger tensor holds all of it
    with observing(model):
        for tensor in (*model.parameters(), *model.buffers(), *inputs.tensors(example)):
            held.add(tensor)
        with held:
            inputs.call(model, example)
    return MetricValue(held.peak, device=inputs.described(example))


class _Alive(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the storages that exist, from the first operator that returns each until its last tensor is gone."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._bytes = 0
        self._known: weakref.WeakKeyDictionary[Any, None] = weakref.WeakKeyDictionary()

    def add(self, tensor: Tensor) -> None:
        """Count the storage of a tensor, once."""
        storage = tensor.untyped_storage()
        if storage not in self._known:
            self._known[storage] = None
            self._bytes += storage.nbytes()
            self.peak = max(self.peak, self._bytes)
            weakref.finalize(storage, self._drop, storage.nbytes()).atexit = False

    def _drop(self, num_bytes: int) -> None:
        self._bytes -= num_bytes

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self.add(leaf)
        return result
