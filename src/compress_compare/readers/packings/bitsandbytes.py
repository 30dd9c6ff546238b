"""Weights of four bits as bitsandbytes writes them: NF4 and FP4, with absolute maxima in full or in 8 bits themselves.

Source: bitsandbytes, ``functional.QuantState.as_dict`` and ``dequantize_4bit``; QLoRA (Dettmers et al., 2023), section
3. Codes stand two to a byte, the high half first; the result has the number format that the state names.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...analysis.layers.values import Array
from ..blocks import Blocks
from ..packed import Packing
from ..weights import StoredTensor, Weights
from .base import Unpacked, numbers, present, raw

STATE = ".quant_state.bitsandbytes__"
PARTS = ("absmax", "quant_map", "nested_absmax", "nested_quant_map", f"{STATE[1:]}nf4", f"{STATE[1:]}fp4")
MAX_STATE = 100_000


def fours(name: str, weights: Weights) -> Unpacked | None:
    """``NAME`` [bytes, 1] with ``NAME.absmax``, ``NAME.quant_map`` and its state."""
    tensors = weights.tensors
    kind = next((kind for kind in ("nf4", "fp4") if f"{name}{STATE}{kind}" in tensors), None)
    if kind is None:
        return None
    codes, levels = raw(tensors[name]), numbers(tensors.get(f"{name}.quant_map"))
    if codes is None or levels is None or levels.size != 16 or tensors[name].dtype != "U8":
        return None
    state = _state(tensors[f"{name}{STATE}{kind}"])
    shape, size = state.get("shape"), state.get("blocksize")
    if not _is_shape(shape) or not isinstance(size, int) or size < 1 or not isinstance(shape, list):
        return None
    count = math.prod(shape)
    peaks = _peaks(name, tensors, state)
    if peaks is None or codes.size != -(-count // 2) or peaks.size != -(-count // size) or count % size:
        return None
    flat, dtype = codes.reshape(-1), str(state.get("dtype", "float32"))
    levels, rows = levels.astype(np.float32).reshape(-1), peaks.size

    def unpacked(first: int, last: int) -> Array:
        part = flat[first * size // 2 : -(-last * size // 2)]
        both = np.stack([part >> 4, part & 15], axis=1).reshape(-1)
        return levels[both[first * size % 2 :][: (last - first) * size]].reshape(last - first, size)

    blocks = Blocks(unpacked, (rows, size), peaks.reshape(-1, 1), (1, size))
    parts = present(tensors, [name, *(f"{name}.{part}" for part in PARTS)])
    stored = StoredTensor(
        kind,
        tuple(shape),
        sum(part.num_bytes for part in parts),
        _shaped(blocks, tuple(shape), flat, dtype),
        Packing(4, size, blocks.packing(4).parts),
    )
    return Unpacked(name, stored, tuple(f"{name}.{part}" for part in PARTS))


def _shaped(blocks: Blocks, shape: tuple[int, ...], flat: Array, dtype: str) -> Any:
    from dataclasses import replace

    def decode(first: int, last: int) -> Array:
        return rounded(blocks.numbers(first, last), dtype)

    return replace(blocks.values("4 bit", flat), shape=shape, decode=decode)


def rounded(numbers_: Array, dtype: str) -> Array:
    """Numbers as a narrower format holds them, to the nearest, ties to even; float32."""
    if dtype == "float16":
        return numbers_.astype(np.float16).astype(np.float32)
    if dtype != "bfloat16":
        return numbers_
    words = np.ascontiguousarray(numbers_, np.float32).view(np.uint32)
    bias = ((words >> 16) & 1) + np.uint32(0x7FFF)
    return ((words + bias) & np.uint32(0xFFFF0000)).view(np.float32)


def _peaks(name: str, tensors: Mapping[str, StoredTensor], state: Mapping[str, Any]) -> Array | None:
    """The largest absolute number of each block."""
    found, levels = tensors.get(f"{name}.absmax"), numbers(tensors.get(f"{name}.nested_quant_map"))
    if found is None:
        return None
    if found.dtype != "U8":
        return numbers(found)
    codes, peaks = raw(found), numbers(tensors.get(f"{name}.nested_absmax"))
    size, offset = state.get("nested_blocksize"), state.get("nested_offset")
    if codes is None or levels is None or levels.size != 256 or peaks is None or not isinstance(offset, int | float):
        return None
    if not isinstance(size, int) or size < 1 or peaks.size != -(-codes.size // size):
        return None
    flat = codes.reshape(-1)
    near = (
        levels.astype(np.float32).reshape(-1)[flat] * np.repeat(peaks.astype(np.float32).reshape(-1), size)[: flat.size]
    )
    return np.asarray(near + np.float32(offset), np.float32)


def _state(stored: StoredTensor) -> dict[str, Any]:
    found = raw(stored)
    if found is None or found.size > MAX_STATE:
        return {}
    try:
        state = json.loads(found.tobytes())
    except (ValueError, RecursionError):
        return {}
    return state if isinstance(state, dict) else {}


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, list) and bool(shape) and all(type(size) is int and size > 0 for size in shape)
