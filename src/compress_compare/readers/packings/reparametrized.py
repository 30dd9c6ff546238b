"""Weights that a module computes from other tensors: pruning masks, weight norm, spectral norm.

Sources: ``torch.nn.utils.prune`` (``weight_orig`` · ``weight_mask``); ``torch.nn.utils.weight_norm`` (``weight_g``,
``weight_v``) and ``torch.nn.utils.parametrizations.weight_norm`` (``original0``, ``original1``): g · v / ‖v‖, Salimans
and Kingma, 2016; ``spectral_norm`` (``weight_orig``, ``weight_u``, ``weight_v``): W / (uᵀ W v), Miyato et al., 2018.
"""

from __future__ import annotations

import math
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
    if whole in (None, name) or size is None or len(size.shape) != len(direction.shape):
        return None
    axes = tuple(at for at, one in enumerate(size.shape) if one == 1)
    if any(one not in (1, whole_) for one, whole_ in zip(size.shape, direction.shape, strict=True)):
        return None

    def compute() -> Array | None:
        v, g = numbers(direction), numbers(size)
        if v is None or g is None:
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(v * (g / np.sqrt((v.astype(np.float64) ** 2).sum(axes, keepdims=True))), np.float32)

    return _computed(str(whole), weights, names=(name, length), values=compute(), rule="weight norm")


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
    return _computed(str(whole), weights, names=(name, f"{start}u", f"{start}v"), values=values, rule="spectral norm")


def sparsified(name: str, weights: Weights) -> Unpacked | None:
    """``parametrizations.NAME.original`` with the mask that ``torch.ao.pruning`` keeps beside it."""
    whole = _parametrized(name) if name.endswith(".original") else None
    mask = f"{name.removesuffix('original')}0.mask"
    if whole is None or mask not in weights.tensors:
        return None
    return _product(whole, weights, names=(name, mask))


def _parametrized(name: str) -> str | None:
    """``MODULE.weight`` for ``MODULE.parametrizations.weight.original``."""
    start, found, rest = name.rpartition(PARAMETRIZED)
    return f"{start}{rest.rpartition('.')[0]}" if found and rest.count(".") == 1 else None


def _product(whole: str, weights: Weights, *, names: tuple[str, str]) -> Unpacked | None:
    stored, mask = (weights.tensors[name] for name in names)
    if stored.shape != mask.shape or stored.values is None or mask.values is None or stored.dtype not in FLOATS:
        return None
    first, second = stored.values, mask.values
    columns = max(math.prod(stored.shape[1:]), 1)

    def decode(start: int, stop: int) -> Array:
        span = start * columns, min(stop * columns, first.count)
        return np.asarray(first.numbers(*span) * second.numbers(*span))

    values = Values(stored.shape, stored.dtype, first.raw, num_bytes=first.num_bytes, decode=decode, unit=columns)
    made = StoredTensor(stored.dtype, stored.shape, stored.num_bytes + mask.num_bytes, values, rule="mask")
    return Unpacked(whole, made, names)


def _computed(
    whole: str, weights: Weights, *, names: tuple[str, ...], values: Array | None, rule: str
) -> Unpacked | None:
    stored = weights.tensors[names[0]]
    if values is None:
        return None
    num_bytes = sum(part.num_bytes for part in present(weights.tensors, names))
    made = replace(stored, num_bytes=num_bytes, values=Values.of(values), rule=rule)
    return Unpacked(whole, made, names)
