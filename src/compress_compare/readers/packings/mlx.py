"""Weights as MLX quantizes them: codes in 32-bit words with a scale and a bias for each group of inputs.

Source: ``mlx.core.quantize`` and ``dequantize``, mode ``affine``: ``code · scale + bias``, the lowest bits first. How
many bits there are stands in ``config.json``; without it they are those whose groups reach an end of their codes, as
the quantization makes every group do.
"""

from __future__ import annotations

import numpy as np

from ...analysis.layers.values import Array
from ..blocks import Blocks
from ..packed import stream
from ..weights import Weights
from .base import FLOATS, Unpacked, config, numbers, present, raw, read_blocks, split

SIZES = (32, 64, 128, 16)
WIDTHS = (8, 6, 5, 4, 3, 2)
LOOKED_AT = 64
TOUCHING = 0.5
"""Share of the groups that must reach an end of their codes, of those that are looked at."""


def affine(name: str, weights: Weights) -> Unpacked | None:
    """``MODULE.weight`` of 32-bit words with ``MODULE.scales`` and ``MODULE.biases``."""
    start, part = split(name)
    if part != "weight" or weights.tensors[name].dtype != "U32":
        return None
    words, scale, bias = (
        raw(weights.tensors[name]),
        *(weights.tensors.get(f"{start}{each}") for each in ("scales", "biases")),
    )
    if words is None or words.ndim < 2:
        return None
    if scale is None or bias is None or scale.dtype not in FLOATS or scale.shape != bias.shape:
        return None
    scales, biases = numbers(scale), numbers(bias)
    if scales is None or biases is None or scales.shape[:-1] != words.shape[:-1] or not scales.shape[-1]:
        return None
    rows, groups = words.reshape(-1, words.shape[-1]), scales.shape[-1]
    bits = _bits(rows, groups, weights)
    if bits is None:
        return None
    columns = 32 * words.shape[-1] // bits
    shape = (*words.shape[:-1], columns)

    def codes(first: int, last: int) -> Array:
        return stream(np.ascontiguousarray(rows[first:last]).view(np.uint8), columns, bits=bits)

    sizes = (*[1] * (len(shape) - 1), columns // groups)
    wide = np.asarray(scales, np.float32)
    blocks = Blocks(codes, shape, wide, sizes, offsets=np.asarray(biases, np.float32))
    used = (f"{start}scales", f"{start}biases")
    parts = present(weights.tensors, [name, *used])
    stored = read_blocks(f"uint{bits}", blocks, codes=weights.tensors[name], bits=bits, parts=parts)
    return Unpacked(name, stored, used)


def _bits(rows: Array, groups: int, weights: Weights) -> int | None:
    bits_of_row = 32 * rows.shape[1]
    possible = [
        bits for bits in WIDTHS if bits_of_row % (bits * groups) == 0 and bits_of_row // bits // groups in SIZES
    ]
    said = config(weights, "bits")
    if said in possible:
        return int(said)
    return next((bits for bits in possible if _touches(rows, groups, bits=bits)), None)


def _touches(rows: Array, groups: int, *, bits: int) -> bool:
    some = np.ascontiguousarray(rows[:LOOKED_AT])
    codes = stream(some.view(np.uint8), 32 * rows.shape[1] // bits, bits=bits).reshape(
        -1, 32 * rows.shape[1] // bits // groups
    )
    ends = (codes.min(1) == 0) | (codes.max(1) == (1 << bits) - 1)
    return bool(ends.mean() >= TOUCHING)
