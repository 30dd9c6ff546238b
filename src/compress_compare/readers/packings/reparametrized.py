"""Weights that a module computes from other tensors: pruning masks, weight norm, spectral norm.

Sources: ``torch.nn.utils.prune`` (``weight_orig`` · ``weight_mask``); ``torch.nn.utils.weight_norm`` (``weight_g``,
``weight_v``) and ``torch.nn.utils.parametrizations.weight_norm`` (``original0``, ``original1``): g · v / ‖v‖, Salimans
and Kingma, 2016; ``spectral_norm`` (``weight_orig``, ``weight_u``, ``weight_v``): W / (uᵀ W v), Miyato et al., 2018.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np

from ...analysis.layers.values import Array, Values
from ..weights import StoredTensor, Weights
from .base import FLOATS, Unpacked, numbers, present

PARAMETRIZED = "parametrizations."


def masked(name: str, weights: Weights) -> Unpacked | None:
    """``NAME_orig`` with ``NAME_mask``: what pruning left, with its zeros."""
    whole = name.removesuffix("_orig")
    mask = weights.tensors.get(f"{whole}_mask")
    if whole == name or mask is None:
        return None
    return _product(whole, weights, names=(name, f"{whole}_mask"))


def normed(name: str, weights: Weights) -> Unpacked | None:
    """``NAME_v`` with ``NAME_g``, or ``parametrizations.NAME.original1`` with ``original0``."""
    if name.endswith(".original1"):
        whole, length = _parametrized(name), f"{name[:-1]}0"
    else:
        whole, length = name.removesuffix("_v"), f"{name.removesuffix('_v')}_g"
    direction, size = weights.tensors[name], weights.tensors.get(length)
    if whole in (None, name) or size is None or len(size.shape) not in (0, len(direction.shape)):
        return None
    sizes = size.shape or (1,) * len(direction.shape)  # without a dimension, one length for all numbers
    axes = tuple(at for at, one in enumerate(sizes) if one == 1)
    if any(one not in (1, whole_) for one, whole_ in zip(sizes, direction.shape, strict=True)):
        return None

    def compute() -> Array | None:
        v, g = numbers(direction), numbers(size)
        if v is None or g is None:
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(v * (g / np.sqrt((v.astype(np.float64) ** 2).sum(axes, keepdims=True))), np.float32)

    return _then_masked(
        _computed(str(whole), weights, names=(name, length), values=compute(), rule="weight norm"), weights
    )


def spectral(name: str, weights: Weights) -> Unpacked | None:
    """``NAME_orig`` with ``NAME_u``, ``NAME_v``; or ``parametrizations.NAME.original`` with ``0._u``, ``0._v``."""
    if name.endswith(".original"):
        whole, start = _parametrized(name), f"{name.removesuffix('original')}0._"
    else:
        whole, start = name.removesuffix("_orig"), f"{name.removesuffix('_orig')}_"
    u, v = (numbers(weights.tensors.get(f"{start}{part}")) for part in ("u", "v"))
    if whole in (None, name) or u is None or v is None or u.ndim != 1 or v.ndim != 1:
        return None
    matrix = numbers(weights.tensors[name])
    if matrix is None or not matrix.ndim or u.size * v.size != matrix.size:
        return None
    order = next((at for at, size in enumerate(matrix.shape[:2]) if size == u.size), 0)
    flat = np.moveaxis(matrix, order, 0).reshape(u.size, v.size).astype(np.float64)
    sigma = float(u.astype(np.float64) @ flat @ v)
    values = np.asarray(matrix / sigma, np.float32) if sigma else None
    made = _computed(str(whole), weights, names=(name, f"{start}u", f"{start}v"), values=values, rule="spectral norm")
    return _then_masked(made, weights)


def sparsified(name: str, weights: Weights) -> Unpacked | None:
    """``parametrizations.NAME.original`` with the mask that ``torch.ao.pruning`` keeps beside it."""
    whole = _parametrized(name) if name.endswith(".original") else None
    mask = f"{name.removesuffix('original')}0.mask"
    if whole is None or mask not in weights.tensors:
        return None
    return _then_masked(_product(whole, weights, names=(name, mask)), weights)


def _then_masked(made: Unpacked | None, weights: Weights) -> Unpacked | None:
    """With the masks of further parametrizations of the same weight; ``None`` where one of these is something else."""
    if made is None or PARAMETRIZED not in made.used[0]:
        return made
    start = made.used[0].rpartition(".")[0]
    others = sorted({name for name in weights.by_module.get(start, ()) if name not in made.used})
    masks = [weights.tensors[name] for name in others]
    fits = all(mask.shape == made.stored.shape and mask.values is not None for mask in masks)
    if not fits or not all(re.fullmatch(r"\d+\.mask", name[len(start) + 1 :]) for name in others):
        return None
    for mask in masks:
        product = _times(made.stored, mask)
        made = Unpacked(made.name, replace(product, rule=made.stored.rule), (*made.used, *others))
    return made


def _parametrized(name: str) -> str | None:
    """``MODULE.weight`` for ``MODULE.parametrizations.weight.original``."""
    start, found, rest = name.rpartition(PARAMETRIZED)
    return f"{start}{rest.rpartition('.')[0]}" if found and rest.count(".") == 1 else None


def _product(whole: str, weights: Weights, *, names: tuple[str, str]) -> Unpacked | None:
    stored, mask = (weights.tensors[name] for name in names)
    if stored.shape != mask.shape or stored.values is None or mask.values is None or stored.dtype not in FLOATS:
        return None
    return Unpacked(whole, replace(_times(stored, mask), rule="mask"), names)


def _times(stored: StoredTensor, mask: StoredTensor) -> StoredTensor:
    """A tensor with its mask applied; both have numbers and one shape."""
    first, second = stored.values, mask.values
    if first is None or second is None:
        return stored
    columns = max(math.prod(stored.shape[1:]), 1)

    def decode(start: int, stop: int) -> Array:
        span = start * columns, min(stop * columns, first.count)
        return np.asarray(first.numbers(*span) * second.numbers(*span))

    values = Values(stored.shape, stored.dtype, first.raw, num_bytes=first.num_bytes, decode=decode, unit=columns)
    return replace(stored, num_bytes=stored.num_bytes + mask.num_bytes, values=values)


def _computed(
    whole: str, weights: Weights, *, names: tuple[str, ...], values: Array | None, rule: str
) -> Unpacked | None:
    stored = weights.tensors[names[0]]
    if values is None:
        return None
    num_bytes = sum(part.num_bytes for part in present(weights.tensors, names))
    made = replace(stored, num_bytes=num_bytes, values=Values.of(values), rule=rule)
    return Unpacked(whole, made, names)
