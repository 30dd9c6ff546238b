"""What comes back when one layer of a model is put back as the base has it.

A layer's own error says little about the harm that it does: one layer amplifies what reaches it and another drowns it.
So each changed layer in turn is replaced by the base's, the model is run again, and the change of its last output that
goes away is what the layer is blamed for. A norm that was fitted again to pruned inputs makes things worse when it is
put back, and is not blamed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import InvalidValue

EXAMPLES = 32
"""Examples of the first batch on which it is tried, where they can be counted."""

MOST = 64
"""Layers that are tried: those that add the largest errors."""

Run = Callable[[nn.Module, Any], Tensor | None]


def repairs(
    base: nn.Module, model: nn.Module, *, inputs: Any, run: Run, errors: dict[str, float | None]
) -> dict[str, float]:
    """The share of the squared change of the last output that goes away with each layer's repair; below 0: it grows.

    Args:
        base: the base, observed.
        model: the model, observed; it is left as it was.
        inputs: of a batch.
        run: gives the last output of a network on inputs, or ``None`` where it is no tensor.
        errors: by module, the error that it adds; the largest are tried first.

    Returns:
        By name of module; empty where the last outputs cannot be compared or are the same.
    """
    some = inputs[:EXAMPLES] if isinstance(inputs, Tensor) else inputs
    wanted = run(base, some)
    before = _distance(wanted, run(model, some))
    if not before:
        return {}
    layers = sorted(_changed(base, model), key=lambda name: -(errors.get(name) or 0.0))[:MOST]
    found: dict[str, float] = {}
    for name in layers:
        with _instead(model, name, base.get_submodule(name)):
            try:
                after = _distance(wanted, run(model, some))
            except (InvalidValue, RuntimeError, ValueError, TypeError, IndexError):
                continue  # its shapes are others, as where channels were pruned around it
        if after is not None:
            found[name] = 1 - after / before
    return found


def _changed(base: nn.Module, model: nn.Module) -> list[str]:
    """The innermost modules that both have and that are not the same."""
    theirs = dict(base.named_modules())
    found = []
    for name, module in model.named_modules():
        other = theirs.get(name)
        if name and other is not None and not any(True for _ in module.children()) and not _is_same(module, other):
            found.append(name)
    return found


def _is_same(first: nn.Module, second: nn.Module) -> bool:
    own, other = (dict([*each.named_parameters(), *each.named_buffers()]) for each in (first, second))
    if type(first) is not type(second) or own.keys() != other.keys():
        return False
    return all(own[name].shape == other[name].shape and torch.equal(own[name], other[name]) for name in own)


@contextmanager
def _instead(model: nn.Module, name: str, module: nn.Module) -> Iterator[None]:
    outer, _, last = name.rpartition(".")
    parent = model.get_submodule(outer)
    own = parent._modules[last]
    parent._modules[last] = module
    try:
        yield
    finally:
        parent._modules[last] = own


def _distance(wanted: Tensor | None, found: Tensor | None) -> float | None:
    if wanted is None or found is None or wanted.shape != found.shape:
        return None
    distance = float((wanted.double() - found.double()).square().sum())
    return distance if math.isfinite(distance) else None
