"""Inputs of a model: a tensor, a tuple of positional arguments or a mapping of keyword arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map


def call(model: nn.Module, inputs: Any) -> Any:
    """Call a model with inputs of any of the three kinds."""
    if isinstance(inputs, Mapping):
        return model(**inputs)
    return model(*inputs) if isinstance(inputs, tuple | list) else model(inputs)


def each(inputs: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Return the inputs with ``change`` applied to every tensor."""
    plain = dict(inputs) if isinstance(inputs, Mapping) else inputs
    return tree_map(lambda value: change(value) if isinstance(value, Tensor) else value, plain)


def tensors(inputs: Any) -> list[Tensor]:
    """Return the tensors in the inputs, in order."""
    plain = dict(inputs) if isinstance(inputs, Mapping) else inputs
    return [leaf for leaf in tree_leaves(plain) if isinstance(leaf, Tensor)]


def first(inputs: Any) -> Any:
    """Return the first instance of each tensor, as a batch of one; a tensor without dimensions stays as it is."""
    return each(inputs, lambda tensor: tensor[:1] if tensor.ndim else tensor)


def repeated(inputs: Any, times: int) -> Any:
    """Return the first instance of each tensor, repeated ``times`` times."""
    return each(
        inputs, lambda tensor: tensor[:1].expand(times, *tensor.shape[1:]).contiguous() if tensor.ndim else tensor
    )


def described(inputs: Any) -> str:
    """Return the shapes as text, e.g. ``input 1×3×32×32`` or ``input input_ids 1×12, attention_mask 1×12``."""
    if isinstance(inputs, Mapping):
        shapes = [f"{key} {_shape(value)}" for key, value in inputs.items() if isinstance(value, Tensor)]
    else:
        shapes = [_shape(tensor) for tensor in tensors(inputs)]
    return f"input {', '.join(shapes)}"


def answer(output: Any) -> Tensor:
    """Return the scores in the output of a model: its ``logits`` if it has some, else the first tensor of numbers.

    Raises:
        ValueError: if the output contains no tensor of numbers.
    """
    from ..operations.parts.data import tensors_of

    found = getattr(output, "logits", None)
    if isinstance(found, Tensor):
        return found
    inside = tensors_of(output)
    if not inside:
        raise ValueError(f"the model returned {type(output).__name__}, in which there is no tensor of numbers")
    return inside[0]


def device(inputs: Any) -> torch.device:
    """Return the device of the inputs."""
    return next((tensor.device for tensor in tensors(inputs)), torch.device("cpu"))


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape))
