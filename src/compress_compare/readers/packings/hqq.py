"""Weights as HQQ stores them: ``W_q`` with ``scale``, ``zero`` and what they are, each a tensor of its own.

Source: ``hqq.core.quantize.Quantizer.dequantize`` and ``hqq.core.bitpack``: (code − zero) · scale, then the shape of
the weight. Codes of 1, 2 and 4 bits are packed into bytes, ten of 3 bits into a word, the first rows highest.
"""

from __future__ import annotations

import math

import numpy as np

from ...analysis.layers.values import Array
from ..weights import StoredTensor, Weights
from .base import FLOATS, Unpacked, numbers, present, raw, split
from .strided import StridedCodes

PARTS = (
    "W_q", "scale", "zero", "shape", "nbits", "group_size", "axis", "packing", "view_as_float", "unpack_view_dtype",
    "compute_dtype", "quant_scale", "quant_zero", "offload_meta", "stores_quant_config", "encoded_state_dict",
    "channel_wise", "optimize", "round_zero",
)  # fmt: skip
SHIFTS = {8: (0,), 4: (4, 0), 2: (6, 4, 2, 0), 1: (7, 6, 5, 4, 3, 2, 1, 0), 3: (27, 24, 21, 18, 15, 12, 9, 6, 3, 0)}
"""By the bits of a code, by how much the codes of a byte or word are shifted."""


def layer(name: str, weights: Weights) -> Unpacked | None:
    """``MODULE.W_q`` with all that a layer of HQQ says about it."""
    start, part = split(name)
    if part != "W_q":
        return None
    said = {each: weights.tensors.get(f"{start}{each}") for each in PARTS}
    bits, axis, shape = _number(said["nbits"]), _number(said["axis"]), _shape(said["shape"])
    packed, stored = raw(said["W_q"]), said["W_q"]
    scales, zeros = _floats(said["scale"]), _floats(said["zero"])
    if stored is None or bits not in SHIFTS or packed is None or shape is None or scales is None or zeros is None:
        return None
    if any(_number(said[each]) > 0 for each in ("quant_scale", "quant_zero")) or packed.ndim != 2 or axis not in (0, 1):
        return None
    words = _words(packed, stored, bits=bits)
    if words is None or not words.size:
        return None
    count, columns = math.prod(shape), words.shape[1]
    rows = count // columns
    table = (rows, 1) if axis == 1 else (1, columns)
    if rows * columns != count or not 0 < rows <= len(words) * len(SHIFTS[bits]):
        return None
    if scales.shape != table or zeros.shape not in (table, (1, 1), ()):
        return None
    codes = StridedCodes(words, rows, SHIFTS[bits], bits, scales, np.broadcast_to(zeros, table))
    used = tuple(f"{start}{each}" for each in PARTS)
    num_bytes = sum(each.num_bytes for each in present(weights.tensors, used))
    group = columns if axis == 1 else rows
    made = StoredTensor(f"uint{bits}", shape, num_bytes, codes.values(shape), codes.packing(group))
    return Unpacked(f"{start}weight", made, used)


def _words(packed: Array, stored: StoredTensor, *, bits: int) -> Array | None:
    """The bytes or words that hold the codes; they may have been stored as floats of other widths."""
    if bits == 3:
        return packed.view("<u4") if packed.dtype.itemsize == 4 else None
    if stored.dtype in ("U8", "I8"):
        return packed.view(np.uint8)
    if stored.dtype in FLOATS or stored.dtype in ("I16", "I32"):
        return np.ascontiguousarray(packed).view(np.uint8)
    return None


def _number(stored: StoredTensor | None) -> int:
    """A whole number that stands as a tensor; −1 where there is none."""
    found = numbers(stored)
    if found is None or found.size != 1 or not np.isfinite(found).all():
        return -1
    return int(found.reshape(-1)[0])


def _shape(stored: StoredTensor | None) -> tuple[int, ...] | None:
    found = numbers(stored)
    if found is None or found.ndim != 1 or not 2 <= found.size <= 8 or not np.isfinite(found).all():
        return None
    return tuple(int(size) for size in found) if (found > 0).all() and found.max() < 2**40 else None


def _floats(stored: StoredTensor | None) -> Array | None:
    found = numbers(stored)
    return None if found is None or stored is None or stored.dtype not in FLOATS else np.asarray(found, np.float32)
