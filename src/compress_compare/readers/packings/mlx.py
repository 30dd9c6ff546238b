"""Weights as MLX quantizes them: codes in 32-bit words with a scale, and perhaps a bias, for each group of inputs.

Source: ``mlx.core.quantize`` and ``dequantize``, mode ``affine``: ``code · scale + bias``, the lowest bits first. How
many bits there are stands in ``config.json``; without it they are those whose groups reach an end of their codes, as
the quantization makes every group do. Modes ``mxfp4``, ``mxfp8`` and ``nvfp4``: floats with scales of a byte (E8M0;
E4M3 for ``nvfp4``) and no bias, told apart by how many words share a scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...analysis.layers.values import Array
from ..blocks import Blocks
from ..dtypes import table
from ..packed import stream
from ..weights import Weights
from .base import FLOATS, Unpacked, config, numbers, present, raw, read_blocks, split


@dataclass(frozen=True)
class Mode:
    """Floats of MLX: what ``config.json`` calls them, and how many words share a scale."""

    name: str
    bits: int
    words: int
    levels: str
    scales: str
    called: str


MODES = (
    Mode("nvfp4", 4, 2, "F4", "F8_E4M3", "float4_e2m1"),
    Mode("mxfp4", 4, 4, "F4", "F8_E8M0", "float4_e2m1"),
    Mode("mxfp8", 8, 8, "F8_E4M3", "F8_E8M0", "F8_E4M3"),
)
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


def floats(name: str, weights: Weights) -> Unpacked | None:
    """``MODULE.weight`` of 32-bit words with ``MODULE.scales`` of bytes alone."""
    start, part = split(name)
    tensors = weights.tensors
    scale = tensors.get(f"{start}scales")
    if part != "weight" or tensors[name].dtype != "U32" or f"{start}biases" in tensors or scale is None:
        return None
    words = raw(tensors[name])
    if words is None or words.ndim < 2 or scale.dtype != "U8" or scale.shape[:-1] != words.shape[:-1]:
        return None
    mode = next((one for one in MODES if words.shape[-1] == one.words * scale.shape[-1]), None)
    entries = raw(scale)
    if mode is None or entries is None or config(weights, "mode") not in (None, mode.name):
        return None
    levels, factors = table(mode.levels), table(mode.scales)
    if levels is None or factors is None:
        return None
    rows = words.reshape(-1, words.shape[-1])
    columns = 32 * words.shape[-1] // mode.bits
    shape = (*words.shape[:-1], columns)

    def numbers_of(first: int, last: int) -> Array:
        return levels[stream(np.ascontiguousarray(rows[first:last]).view(np.uint8), columns, bits=mode.bits)]

    sizes = (*[1] * (len(shape) - 1), columns // scale.shape[-1])
    blocks = Blocks(numbers_of, shape, factors[entries].astype(np.float32), sizes)
    used = (f"{start}scales",)
    parts = present(tensors, [name, *used])
    return Unpacked(name, read_blocks(mode.called, blocks, codes=tensors[name], bits=mode.bits, parts=parts), used)


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
