"""Weights of 8 bits, whole numbers or floats, with their scales beside them.

Sources: compressed-tensors (``int-quantized``, ``float-quantized``, ``mxfp8``), with ``weight_scale`` and
``weight_zero_point``; DeepSeek-V3 and Qwen3 (``weight_scale_inv``, which multiplies blocks of 128 × 128); ComfyUI
(``scale_weight``); bitsandbytes LLM.int8 (``SCB``, the largest absolute number of an output channel); fbgemm in
transformers (experts with a scale for each output).
"""

from __future__ import annotations

import numpy as np

from ...analysis.layers.values import Array
from ..blocks import Blocks, fitted
from ..weights import StoredTensor, Weights
from . import floats4
from .base import EIGHTS, FLOATS, Unpacked, config, exponents, numbers, present, read_blocks, split

CODES = ("I8", "U8", *EIGHTS)
INT8_STEPS = np.float32(1 / 127)


def beside_scale(name: str, weights: Weights) -> Unpacked | None:
    """A tensor of 8 bits with one of the scales that tools put beside it."""
    stored = weights.tensors[name]
    if stored.dtype not in CODES or stored.values is None or not stored.shape:
        return None
    start, part = split(name)
    others = tuple(f"{start}{other}" for other in ("input_scale", "scale_input", "weight_format"))
    if part == "weight" and f"{start}SCB" in weights.tensors:
        return _int8(name, stored, weights, used=(f"{start}SCB", f"{start}weight_format"))
    for scale in (f"{name}_scale", f"{name}_scale_inv", f"{start}scale_{part}"):
        if scale in weights.tensors:
            fours = floats4.in_signed(name, weights, scale=scale) if scale.endswith("_scale_inv") else None
            if fours is not None:
                return fours
            used = (scale, f"{name}_zero_point", *others)
            return _scaled(name, weights, of=(name, scale, used[1]), used=used)
    return None


def flattened(name: str, weights: Weights) -> Unpacked | None:
    """As torchao flattens its tensors: ``MODULE._weight_qdata`` with ``_weight_scale`` and perhaps ``_zero_point``."""
    start, part = split(name)
    stored = weights.tensors[name]
    if not (part.startswith("_") and part.endswith("_qdata")) or stored.dtype not in ("I8", *EIGHTS):
        return None
    whole = name.removesuffix("_qdata")
    used = (name, f"{whole}_scale", f"{whole}_zero_point")
    named = f"{start}{part.removesuffix('_qdata')[1:]}"
    return _scaled(named, weights, of=used, used=used)


def _scaled(name: str, weights: Weights, *, of: tuple[str, str, str], used: tuple[str, ...]) -> Unpacked | None:
    """``of`` names codes, scales and zero points."""
    tensors = weights.tensors
    stored, scales, offset = tensors[of[0]], tensors.get(of[1]), tensors.get(of[2])
    if scales is None or not _is_scale(scales, stored) or f"{name}_scale_2" in tensors:
        return None
    factors = exponents(scales) if stored.dtype in EIGHTS else numbers(scales)
    places = numbers(offset)
    if factors is None or (stored.dtype == "U8" and places is None):
        return None
    block = config(weights, "weight_block_size")
    fit = fitted(factors, stored.shape, block=block if isinstance(block, list) else None)
    zeros = None if places is None or fit is None else fitted(places, stored.shape)
    if fit is None or (places is not None and (zeros is None or zeros[0].shape != fit[0].shape)):
        return None
    blocks = Blocks(Rows(stored), stored.shape, *fit, zeros=None if zeros is None else zeros[0])
    parts = [stored, *present(tensors, [each for each in used if each != of[0]])]
    return Unpacked(name, read_blocks(stored.dtype, blocks, codes=stored, bits=8, parts=parts), used)


def _is_scale(scale: StoredTensor, codes: StoredTensor) -> bool:
    return scale.dtype in (*FLOATS, "F8_E8M0") or (scale.dtype == "U8" and codes.dtype in EIGHTS)


def _int8(name: str, stored: StoredTensor, weights: Weights, *, used: tuple[str, ...]) -> Unpacked | None:
    peaks = numbers(weights.tensors[used[0]])
    if stored.dtype != "I8" or peaks is None or len(stored.shape) != 2 or peaks.size != stored.shape[0]:
        return None
    scales = (peaks.astype(np.float32) * INT8_STEPS).reshape(-1, 1)
    blocks = Blocks(Rows(stored), stored.shape, scales, (1, stored.shape[1]))
    parts = [stored, *present(weights.tensors, used)]
    return Unpacked(name, read_blocks("I8", blocks, codes=stored, bits=8, parts=parts), used)


class Rows:
    """The codes of some rows of a tensor whose entries each stand for one."""

    def __init__(self, stored: StoredTensor) -> None:
        self._values = stored.values
        self._columns = stored.shape[-1]

    def __call__(self, first: int, last: int) -> Array:
        """Of the rows ``first`` to ``last``."""
        values, columns = self._values, self._columns
        if values is None:
            return np.zeros((last - first, columns), np.float32)
        return values.numbers(first * columns, last * columns).reshape(last - first, columns)
