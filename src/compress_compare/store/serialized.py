"""Tensors from memory as the bytes of one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError

from ..errors import InvalidValue
from ..readers import safetensors

if TYPE_CHECKING:
    import torch


def serialized(state: Mapping[str, Any], extra: Mapping[str, Any]) -> bytes:
    """The content of a safetensors file with these tensors and, in its header, ``extra``.

    Raises:
        InvalidValue: ``model.no_tensors``, ``checkpoint.not_a_tensor``, ``checkpoint.number_type``.
    """
    if not state:
        raise InvalidValue("model.no_tensors", "The checkpoint holds no tensor.")
    if any(hasattr(tensor, "layout") or isinstance(tensor, tuple) for tensor in state.values()):
        from .plain import plain

        state = plain(state)
    for name, tensor in state.items():
        if not hasattr(tensor, "shape") or not hasattr(tensor, "dtype"):
            raise InvalidValue(
                "checkpoint.not_a_tensor",
                "Every value of a state dict must be a tensor.",
                detail=f"{name!r} is {type(tensor).__name__}.",
                hint="Leave it out, or pass the state dict that is inside: checkpoint['model'], for example.",
            )
    is_torch = any(hasattr(tensor, "data_ptr") for tensor in state.values())
    if not is_torch:
        from safetensors.numpy import save as save_arrays

        arrays = {name: np.ascontiguousarray(array) for name, array in state.items()}
        return _written(save_arrays, arrays, metadata=_metadata(state, {}, extra))
    from safetensors.torch import save

    unique, tied = _untie(state)
    return _written(save, unique, metadata=_metadata(state, tied, extra))


def _written(save: Callable[..., bytes], tensors: Mapping[str, Any], *, metadata: dict[str, str]) -> bytes:
    """What safetensors makes of tensors; a type of numbers that it has no name for is refused by the tensor's name."""
    try:
        return save(tensors, metadata=metadata)
    except (KeyError, SafetensorError):
        for name, tensor in tensors.items():
            try:
                save({name: tensor[:0] if tensor.shape else tensor})
            except (KeyError, SafetensorError):
                raise InvalidValue(
                    "checkpoint.number_type",
                    f"The tensor {name!r} has the type {tensor.dtype}, which safetensors cannot store.",
                    detail=f"It is safetensors {version('safetensors')}; newer releases know more types.",
                    hint="Leave the tensor out, or convert it, for example to float32.",
                ) from None
        raise


def _metadata(names: Iterable[str], tied: Mapping[str, str], extra: Mapping[str, Any]) -> dict[str, str]:
    """One entry, since safetensors writes several in an order that changes from run to run, and sorts the tensors."""
    return {safetensors.HEADER_KEY: json.dumps({"order": list(names), "tied": tied, **extra}, sort_keys=True)}


def _untie(state: Mapping[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Split into tensors with memory of their own and aliases of one of those. Views of other shapes are copied."""
    first: dict[tuple[Any, ...], str] = {}
    unique, tied = {}, {}
    for name, tensor in state.items():
        plain = tensor.detach().cpu()
        view = (plain.data_ptr(), tuple(plain.shape), plain.stride(), plain.dtype)
        if plain.numel() and view in first:
            tied[name] = first[view]
            continue
        first[view] = name
        own = plain.is_contiguous() and plain.untyped_storage().nbytes() == plain.numel() * plain.element_size()
        unique[name] = plain if own else plain.contiguous().clone()
    return unique, tied
