"""Weights of four bits as torchao flattens its ``Int4Tensor``: two codes in a byte, with float scales and zero points.

``MODULE._weight_qdata`` [outputs, inputs / 2] holds codes from −8 to 7, the lower half of a byte first;
``_weight_scale`` and ``_weight_zero_point`` are [groups, outputs], and a number is ``code · scale + zero point``.
Source: torchao's ``int4_tensor.py`` and FBGEMM's ``int4_row_quantize_zp``.
"""

from __future__ import annotations

import numpy as np

from ...analysis.layers.values import Array
from ..blocks import Blocks
from ..packed import stream
from ..weights import Weights
from .base import FLOATS, Unpacked, numbers, present, raw, read_blocks, split


def int4(name: str, weights: Weights) -> Unpacked | None:
    """``MODULE._weight_qdata`` of bytes with a float scale and zero point for each group of inputs."""
    start, part = split(name)
    tensors, stored = weights.tensors, weights.tensors[name]
    if not (part.startswith("_") and part.endswith("_qdata")) or stored.dtype not in ("I8", "U8"):
        return None
    whole = name.removesuffix("_qdata")
    scale, zero = (tensors.get(f"{whole}_{each}") for each in ("scale", "zero_point"))
    packed = raw(stored)
    if scale is None or zero is None or packed is None or packed.ndim != 2 or f"{whole}_act_pre_scale" in tensors:
        return None
    rows, columns = packed.shape[0], 2 * packed.shape[1]
    if not {scale.dtype, zero.dtype} <= set(FLOATS) or scale.shape != zero.shape or len(scale.shape) != 2:
        return None
    groups = scale.shape[0]
    scales, zeros = numbers(scale), numbers(zero)
    if scale.shape[1] != rows or not groups or columns % groups or scales is None or zeros is None:
        return None

    def codes(first: int, last: int) -> Array:
        found = stream(packed[first:last].view(np.uint8), columns, bits=4).astype(np.int8)
        return np.asarray((found ^ 8) - 8)

    tables = (np.ascontiguousarray(each.T, np.float32) for each in (scales, zeros))
    wide, offsets = tables
    blocks = Blocks(codes, (rows, columns), wide, (1, columns // groups), offsets=offsets)
    used = (name, f"{whole}_scale", f"{whole}_zero_point")
    made = read_blocks("int4", blocks, codes=stored, bits=4, parts=present(tensors, used))
    return Unpacked(f"{start}{part.removesuffix('_qdata')[1:]}", made, used)
