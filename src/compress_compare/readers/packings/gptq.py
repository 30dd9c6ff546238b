"""Weights as GPTQ tools and AutoAWQ write them: 32-bit words with ``scales`` and ``qzeros``.

Sources: AutoGPTQ and GPTQModel, whose first form keeps zero points less one and whose second, ``gptq_v2``, as they are;
AutoAWQ, layout GEMM. A file without ``quantize_config.json`` beside it does not say which form it has; then it is told
by zero points that are all those of a symmetric grid, and else by the form in which the weights are around zero, which
one code more or less moves by a whole step.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...analysis.layers.values import Array
from ..packed import CodeGrid, stream
from ..weights import StoredTensor, Weights
from .base import Unpacked, config, present, split
from .words import as_bytes, as_stored, bits_of, groups_of, is_words

AWQ_ORDER = np.array([0, 4, 1, 5, 2, 6, 3, 7])
"""In which of the eight places of a word each of eight outputs stands."""

PARTS = ("qweight", "qzeros", "scales", "g_idx")
LOOKED_AT = 256
"""Output channels whose means tell the form."""

CLEARLY = 2 / 3
"""Of the means as the first form reads them, what the second form must go below to be believed."""


def words(name: str, weights: Weights) -> Unpacked | None:
    """``MODULE.qweight`` of 32-bit words with ``scales`` [groups, outputs] and ``qzeros``; rows of it are inputs.

    GPTQ packs along the inputs, AWQ along the outputs.
    """
    start, part = split(name)
    tensors = weights.tensors
    codes, zero, scale = (tensors.get(f"{start}{each}") for each in PARTS[:3])
    if part != "qweight" or codes is None or zero is None or not is_words(codes) or not is_words(zero):
        return None
    if scale is None or scale.values is None or len(scale.shape) != 2 or scale.shape[0] != zero.shape[0]:
        return None
    if codes.shape[1] == scale.shape[1]:
        return _gptq(start, weights, codes=codes, zero=zero, scale=scale)
    return _awq(start, weights, codes=codes, zero=zero, scale=scale)


def _gptq(
    start: str, weights: Weights, *, codes: StoredTensor, zero: StoredTensor, scale: StoredTensor
) -> Unpacked | None:
    outputs = scale.shape[1]
    bits = bits_of(outputs, zero.shape[1])
    raw, zero_words = _words(codes), _words(zero)
    if bits is None or codes.shape[0] * 32 % bits or scale.values is None:
        return None
    inputs = codes.shape[0] * 32 // bits
    places = stream(as_bytes(zero_words), outputs, bits=bits).T
    groups = groups_of(weights.tensors.get(f"{start}g_idx"), inputs, num_groups=scale.shape[0])
    if groups is None and inputs % scale.shape[0]:
        return None

    def unpacked(first: int, last: int) -> Array:
        return stream(as_bytes(raw[:, first:last].T), inputs, bits=bits)

    factors = scale.values.whole().T
    grids = [
        CodeGrid(unpacked, (outputs, inputs), factors, places.astype(np.float32) + shift, groups) for shift in (0, 1)
    ]
    grid = grids[_shift(grids, places, weights, bits=bits)]
    return _made(start, weights, grid, raw=codes, bits=bits)


def _shift(grids: list[CodeGrid], places: Array, weights: Weights, *, bits: int) -> int:
    """What a file's zero points lack."""
    form = config(weights, "checkpoint_format")
    if form in ("gptq", "gptq_v2"):
        return int(form == "gptq")
    middle = 1 << (bits - 1)
    for shift in (0, 1):
        if places.size and (places == middle - shift).all():
            return shift
    lengths = [_mean_of_rows(grid) for grid in grids]
    return int(lengths[0] >= CLEARLY * lengths[1])


def _mean_of_rows(grid: CodeGrid) -> float:
    """How far the means of output channels are from zero, on average."""
    found = grid.numbers(0, min(grid.shape[0], LOOKED_AT)).astype(np.float64)
    means = np.abs(found.mean(axis=1)) if found.size else np.zeros(1)
    finite = means[np.isfinite(means)]
    return float(finite.mean()) if finite.size else 0.0


def _awq(
    start: str, weights: Weights, *, codes: StoredTensor, zero: StoredTensor, scale: StoredTensor
) -> Unpacked | None:
    outputs, inputs = scale.shape[1], codes.shape[0]
    if codes.shape[1] * 8 != outputs or zero.shape[1] * 8 != outputs or inputs % scale.shape[0] or not scale.values:
        return None
    raw = _words(codes)

    def unpacked(first: int, last: int) -> Array:
        word = first // 8
        return _ordered(raw[:, word : -(-last // 8)])[first - 8 * word : last - 8 * word]

    zeros = _ordered(_words(zero)).astype(np.float32)
    grid = CodeGrid(unpacked, (outputs, inputs), scale.values.whole().T, zeros)
    return _made(start, weights, grid, raw=codes, bits=4)


def _made(start: str, weights: Weights, grid: CodeGrid, *, raw: StoredTensor, bits: int) -> Unpacked:
    used = tuple(f"{start}{part}" for part in PARTS)
    parts = present(weights.tensors, used)
    stored = as_stored(f"uint{bits}", grid, raw=_words(raw).reshape(-1), bits=bits, parts=parts)
    return Unpacked(f"{start}weight", replace(stored, turnable=True), used)


def _words(stored: StoredTensor) -> Array:
    return stored.values.raw.reshape(stored.shape) if stored.values is not None else np.zeros(stored.shape, np.int32)


def _ordered(packed: Array) -> Array:
    """Codes ``(outputs, rows)`` of words ``(rows, outputs / 8)``."""
    codes = stream(as_bytes(packed), 8 * packed.shape[1], bits=4).reshape(len(packed), -1, 8)[:, :, AWQ_ORDER]
    return codes.reshape(len(packed), -1).T
