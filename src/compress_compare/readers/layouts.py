"""Packed weights in safetensors files: several tensors that together are one, read as the numbers in use.

Each layout looks at what stands under the name of one of its tensors, and makes of it and its companions one tensor
under the name that an unpacked checkpoint gives it. What fits no layout stays as it is.

Sources: compressed-tensors (``pack_quantized``, ``int_quantized``, ``float_quantized``); GPTQ as AutoGPTQ and GPTQModel
write it; AWQ as AutoAWQ writes it; torchao's ``flatten_tensor_state_dict``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..analysis.layers.values import Array
from .dtypes import DTYPES
from .packed import CodeGrid, stream, table
from .weights import StoredTensor, Weights

AWQ_ORDER = np.array([0, 4, 1, 5, 2, 6, 3, 7])
"""In which of the eight places of a word each of eight outputs stands."""

NARROW = ("I8", "U8", "F8_E4M3", "F8_E5M2")


@dataclass(frozen=True, eq=False)
class Unpacked:
    """One tensor of several: its name, itself, and the names of those that it was made of."""

    name: str
    stored: StoredTensor
    used: tuple[str, ...]


def unpacked(weights: Weights) -> Weights:
    """The same checkpoint with the numbers in place of codes, scales and zero points."""
    own = weights.extra.get("scheme")
    own = set(own) if isinstance(own, dict) else set()
    made: dict[str, Unpacked] = {}
    for name in weights.tensors:
        for layout in LAYOUTS:
            found = layout(name, weights)
            if found is not None:
                made[name] = found
                break
    gone = {used for one in made.values() for used in one.used if one.name not in own}
    tensors: dict[str, StoredTensor] = {}
    for name, stored in weights.tensors.items():
        if name in made:
            tensors[made[name].name] = made[name].stored
        elif name not in gone:
            tensors[name] = stored
    return replace(weights, tensors=tensors, extra=_reordered(weights.extra, made, gone))


def _reordered(extra: Mapping[str, Any], made: Mapping[str, Unpacked], gone: set[str]) -> Mapping[str, Any]:
    order = extra.get("order")
    if not made or not isinstance(order, list):
        return extra
    named = [made[name].name if name in made else name for name in order if name in made or name not in gone]
    return {**extra, "order": named}


def _beside_scale(name: str, weights: Weights) -> Unpacked | None:
    """``NAME`` with ``NAME_scale`` and perhaps ``NAME_zero_point``, a row of them for each output channel or one."""
    tensors = weights.tensors
    stored, scale = tensors[name], tensors.get(f"{name}_scale")
    if stored.dtype not in NARROW or stored.values is None or not stored.shape or scale is None:
        return None
    used = (f"{name}_scale", f"{name}_zero_point")
    return _narrow(name, stored, scale=scale, zero=tensors.get(used[1]), used=used)


def _torchao(name: str, weights: Weights) -> Unpacked | None:
    """``MODULE._weight_qdata`` with ``MODULE._weight_scale`` and perhaps ``MODULE._weight_zero_point``."""
    module, _, part = name.rpartition(".")
    if not (part.startswith("_") and part.endswith("_qdata")):
        return None
    tensors, start = weights.tensors, name.removesuffix("_qdata")
    whole = ".".join(filter(None, (module, part.removesuffix("_qdata")[1:])))
    stored, scale = tensors[name], tensors.get(f"{start}_scale")
    if stored.dtype not in NARROW or stored.dtype == "U8" or stored.values is None or not stored.shape or scale is None:
        return None
    used = (name, f"{start}_scale", f"{start}_zero_point")
    return _narrow(whole, stored, scale=scale, zero=tensors.get(used[2]), used=used)


def _narrow(
    name: str, stored: StoredTensor, *, scale: StoredTensor, zero: StoredTensor | None, used: tuple[str, ...]
) -> Unpacked | None:
    values, rows = stored.values, stored.shape[0]
    scales = _table(scale, rows)
    zeros = None if zero is None else _table(zero, rows)
    if values is None or scales is None:
        return None
    columns = math.prod(stored.shape[1:])
    grid = CodeGrid(
        lambda first, last: values.numbers(first * columns, last * columns).reshape(last - first, columns),
        stored.shape,
        scales,
        zeros,
    )
    parts = [stored, scale, *([zero] if zero else [])]
    return Unpacked(name, _as_stored(stored.dtype, grid, raw=values.raw, bits=8, parts=parts), used)


def _pack_quantized(name: str, weights: Weights) -> Unpacked | None:
    """``NAME_packed`` [rows, words] of 32 bits, with ``NAME_scale`` and ``NAME_shape``; codes with an offset."""
    if not name.endswith("_packed"):
        return None
    tensors, whole = weights.tensors, name.removesuffix("_packed")
    packed, scale, listed = (tensors.get(f"{whole}_{part}") for part in ("packed", "scale", "shape"))
    if not _is_words(packed) or packed is None or packed.values is None or scale is None:
        return None
    if listed is None or listed.values is None:
        return None
    shape = tuple(int(size) for size in listed.values.whole().reshape(-1))
    bits = _bits(shape[-1] if shape else 0, packed.shape[1])
    if len(shape) != 2 or shape[0] != packed.shape[0] or bits is None:
        return None
    words, offset = packed.values.raw.reshape(packed.shape), 1 << (bits - 1)

    def codes(first: int, last: int) -> Array:
        return stream(_bytes(words[first:last]), shape[1], bits=bits).astype(np.int16) - np.int16(offset)

    scales, zero = _table(scale, shape[0]), tensors.get(f"{whole}_zero_point")
    if scales is None:
        return None
    zeros = None if zero is None else _packed_zeros(zero, shape[0], groups=scales.shape[1], bits=bits)
    groups = _groups(tensors.get(f"{whole}_g_idx"), shape[1], scales.shape[1])
    parts = [packed, scale, *([zero] if zero else [])]
    used = tuple(f"{whole}_{part}" for part in ("packed", "scale", "zero_point", "shape", "g_idx"))
    grid = CodeGrid(codes, shape, scales, zeros, groups)
    return Unpacked(whole, _as_stored(f"int{bits}", grid, raw=packed.values.raw, bits=bits, parts=parts), used)


def _packed_zeros(zero: StoredTensor, rows: int, *, groups: int, bits: int) -> Array | None:
    if zero.dtype != "I32" or zero.values is None or zero.shape == (rows, groups):
        return _table(zero, rows)
    words = zero.values.raw.reshape(zero.shape).T
    return stream(_bytes(words), rows, bits=bits).T.astype(np.float32) - (1 << (bits - 1))


def _gptq_or_awq(name: str, weights: Weights) -> Unpacked | None:
    """``MODULE.qweight`` of 32-bit words with ``scales`` [groups, outputs] and ``qzeros``; rows of it are inputs.

    GPTQ packs along the inputs, AWQ along the outputs.
    """
    module, _, part = name.rpartition(".")
    if part != "qweight":
        return None
    tensors, start = weights.tensors, f"{module}." if module else ""
    words, scale, zero = (tensors.get(f"{start}{part}") for part in ("qweight", "scales", "qzeros"))
    if not _is_words(words) or words is None or words.values is None:
        return None
    if scale is None or scale.values is None or len(scale.shape) != 2 or not _is_words(zero) or zero is None:
        return None
    outputs, is_gptq = scale.shape[1], words.shape[1] == scale.shape[1]
    config = weights.extra.get("quantization_config")
    config = config if isinstance(config, dict) else {}
    raw = words.values.raw.reshape(words.shape)
    zero_words = zero.values.raw.reshape(zero.shape) if zero.values else raw[:0]
    groups = None
    if is_gptq:
        bits = _bits(outputs, zero.shape[1]) or 4
        inputs = words.shape[0] * 32 // bits
        shift = 0 if config.get("checkpoint_format") == "gptq_v2" else 1
        zeros = stream(_bytes(zero_words), outputs, bits=bits).T.astype(np.float32) + shift
        groups = _groups(tensors.get(f"{start}g_idx"), inputs, scale.shape[0])
    else:
        bits, inputs = 4, words.shape[0]
        if words.shape[1] * 8 != outputs or zero.shape[1] * 8 != outputs:
            return None
        zeros = _awq(zero_words).astype(np.float32)

    def codes(first: int, last: int) -> Array:
        if is_gptq:
            return stream(_bytes(raw[:, first:last].T), inputs, bits=bits)
        word = first // 8
        return _awq(raw[:, word : -(-last // 8)])[first - 8 * word : last - 8 * word]

    grid = CodeGrid(codes, (outputs, inputs), scale.values.whole().T, zeros, groups)
    used = tuple(f"{start}{part}" for part in ("qweight", "scales", "qzeros", "g_idx"))
    stored = _as_stored(f"uint{bits}", grid, raw=words.values.raw, bits=bits, parts=[words, scale, zero])
    return Unpacked(f"{start}weight", stored, used)


def _awq(words: Array) -> Array:
    """Codes ``(outputs, rows)`` of words ``(rows, outputs / 8)``."""
    codes = stream(_bytes(words), 8 * words.shape[1], bits=4).reshape(len(words), -1, 8)[:, :, AWQ_ORDER]
    return codes.reshape(len(words), -1).T


def _as_stored(dtype: str, grid: CodeGrid, *, raw: Array, bits: int, parts: list[StoredTensor]) -> StoredTensor:
    num_bytes = sum(part.num_bytes for part in parts)
    name = DTYPES[dtype].name if dtype in DTYPES else dtype
    return StoredTensor(dtype, grid.shape, num_bytes, grid.values(name, raw), grid.packing(bits))


def _table(stored: StoredTensor, rows: int) -> Array | None:
    return None if stored.values is None else table(stored.values.whole(), rows)


def _is_words(stored: StoredTensor | None) -> bool:
    return stored is not None and stored.dtype == "I32" and len(stored.shape) == 2 and stored.values is not None


def _bytes(words: Array) -> Array:
    return np.ascontiguousarray(words).view(np.uint8)


def _bits(count: int, num_words: int) -> int | None:
    """Bits of each of ``count`` codes that fill ``num_words`` words of 32 bits; the common widths first."""
    return next((bits for bits in (4, 8, 2, 3, 5, 6, 7, 1) if count and -(-count * bits // 32) == num_words), None)


def _groups(stored: StoredTensor | None, columns: int, num_groups: int) -> Array | None:
    """Which group each column is in, where the file says it and not only that they stand in order."""
    if stored is None or stored.values is None or stored.shape != (columns,):
        return None
    groups = stored.values.whole().astype(np.int64)
    return groups if groups.size and groups.min() >= 0 and groups.max() < num_groups else None


Layout = Callable[[str, Weights], Unpacked | None]
LAYOUTS: tuple[Layout, ...] = (_pack_quantized, _gptq_or_awq, _torchao, _beside_scale)
