"""Integers of fewer than eight bits and sparse weights as compressed-tensors writes them.

Source: compressed-tensors, formats ``pack-quantized``, ``sparse-bitmask`` and ``sparse-24-bitmask``.
"""

from __future__ import annotations

import numpy as np

from ...analysis.layers.values import Array, Values
from ..packed import CodeGrid, stream
from ..weights import StoredTensor, Weights
from .base import Unpacked, numbers, present, raw, split
from .words import as_bytes, as_stored, bits_of, groups_of, is_words, scale_table


def packed_words(name: str, weights: Weights) -> Unpacked | None:
    """``NAME_packed`` [rows, words] of 32 bits, with ``NAME_scale`` and ``NAME_shape``; codes with an offset."""
    if not name.endswith("_packed"):
        return None
    tensors, whole = weights.tensors, name.removesuffix("_packed")
    packed, scale, listed = (tensors.get(f"{whole}_{part}") for part in ("packed", "scale", "shape"))
    if not is_words(packed) or packed is None or packed.values is None or scale is None:
        return None
    if listed is None or listed.values is None:
        return None
    shape = tuple(int(size) for size in listed.values.whole().reshape(-1))
    bits = bits_of(shape[-1] if shape else 0, packed.shape[1])
    if len(shape) != 2 or shape[0] != packed.shape[0] or bits is None:
        return None
    words, offset = packed.values.raw.reshape(packed.shape), 1 << (bits - 1)

    def codes(first: int, last: int) -> Array:
        return stream(as_bytes(words[first:last]), shape[1], bits=bits).astype(np.int16) - np.int16(offset)

    scales, zero = scale_table(scale, shape[0]), tensors.get(f"{whole}_zero_point")
    if scales is None or not _is_certain(scales, shape):
        return None
    zeros = None if zero is None else _zeros(zero, shape[0], groups=scales.shape[1], bits=bits)
    groups = groups_of(tensors.get(f"{whole}_g_idx"), shape[1], num_groups=scales.shape[1])
    used = tuple(f"{whole}_{part}" for part in ("packed", "scale", "zero_point", "shape", "g_idx"))
    grid = CodeGrid(codes, shape, scales, zeros, groups)
    stored = as_stored(f"int{bits}", grid, raw=packed.values.raw, bits=bits, parts=present(tensors, used))
    return Unpacked(whole, stored, used)


def _is_certain(scales: Array, shape: tuple[int, ...]) -> bool:
    """Whether the groups of a row are of one size: the last must not be cut off by the edge."""
    return shape[1] % int(scales.shape[1]) == 0


def _zeros(zero: StoredTensor, rows: int, *, groups: int, bits: int) -> Array | None:
    if zero.dtype != "I32" or zero.values is None or zero.shape == (rows, groups):
        return scale_table(zero, rows)
    words = zero.values.raw.reshape(zero.shape).T
    return stream(as_bytes(words), rows, bits=bits).T.astype(np.float32) - (1 << (bits - 1))


def bitmask(name: str, weights: Weights) -> Unpacked | None:
    """``NAME.compressed`` with ``NAME.bitmask`` and ``NAME.shape``: the numbers that are not zero, row by row.

    Since 0.10 the tool leaves ``.weight`` out of the name.
    """
    whole = name.removesuffix(".compressed")
    tensors = weights.tensors
    mask, listed = raw(tensors.get(f"{whole}.bitmask")), numbers(tensors.get(f"{whole}.shape"))
    left = tensors[name].values
    if whole == name or mask is None or listed is None or left is None or mask.dtype != np.uint8 or mask.ndim != 2:
        return None
    shape = tuple(int(size) for size in listed.reshape(-1))
    if len(shape) != 2 or mask.shape != (shape[0], -(-shape[1] // 8)):
        return None
    counts = np.unpackbits(mask, axis=1, bitorder="little", count=shape[1]).sum(1, dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)])
    if int(starts[-1]) != left.count:
        return None

    def decode(first: int, last: int) -> Array:
        chosen = np.unpackbits(mask[first:last], axis=1, bitorder="little", count=shape[1]).astype(bool)
        found = np.zeros(chosen.shape, np.float32)
        found[chosen] = left.numbers(int(starts[first]), int(starts[last]))
        return found

    used = tuple(f"{whole}.{part}" for part in ("compressed", "bitmask", "shape", "row_offsets"))
    parts = present(tensors, used)
    num_bytes = sum(part.num_bytes for part in parts)
    values = Values(shape, tensors[name].dtype, left.raw, num_bytes=num_bytes, decode=decode, unit=shape[1])
    named = whole if split(whole)[1] == "weight" else f"{whole}.weight"
    return Unpacked(named, StoredTensor(tensors[name].dtype, shape, num_bytes, values), used)
