"""Tensors as bytes: out of a checkpoint as they lie there, and into the content of a safetensors file."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping

import numpy as np

from ..analysis.layers.values import Array
from .dtypes import DTYPES
from .packings.bitsandbytes import rounded
from .weights import StoredTensor, Weights

Raw = tuple[str, tuple[int, ...], Array]
"""Number format, shape and bytes of a tensor."""
ALIGNED = 8
HALVES = {"F16": "float16", "BF16": "bfloat16"}


def raw_tensors(weights: Weights) -> dict[str, Raw]:
    """The tensors of a checkpoint; those that are packed as the numbers that they stand for."""
    return {name: raw(weights.tensors[name]) for name in weights.names()}


def raw(stored: StoredTensor) -> Raw:
    """One tensor; one that is packed in its number format where that holds its numbers, else in float32."""
    values = stored.values
    if values is None:
        return "U8", (0,), np.zeros(0, np.uint8)
    if values.decode is None and DTYPES[stored.dtype].bits >= 8:
        return stored.dtype, stored.shape, np.ascontiguousarray(values.raw).reshape(-1).view(np.uint8)
    numbers = np.asarray(values.whole(), np.float32)
    half = HALVES.get(stored.dtype)
    if half is not None and np.array_equal(rounded(numbers, half), numbers, equal_nan=True):
        return stored.dtype, stored.shape, as_bytes(numbers, stored.dtype)
    return "F32", stored.shape, as_bytes(numbers, "F32")


def as_bytes(numbers: Array, dtype: str) -> Array:
    """Numbers as the bytes of a format (``F32``, ``F16``, ``BF16``) that holds them exactly."""
    flat = np.ascontiguousarray(numbers, np.float32).reshape(-1)
    if dtype == "BF16":
        return (flat.view(np.uint32) >> 16).astype("<u2").view(np.uint8)
    return flat.astype("<f2" if dtype == "F16" else "<f4").view(np.uint8)


def serialized(tensors: Mapping[str, Raw], metadata: Mapping[str, str] | None = None) -> bytes:
    """The content of a safetensors file; the same bytes for the same tensors in any order."""
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    placed = sorted(tensors.items(), key=lambda item: (-DTYPES[item[1][0]].bits, item[0]))  # so that all are aligned
    at = 0
    for name, (dtype, shape, content) in placed:
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + content.size]}
        at += content.size
    said = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    said += b" " * (-len(said) % ALIGNED)
    return b"".join([struct.pack("<Q", len(said)), said, *(content.tobytes() for _, (_, _, content) in placed)])
