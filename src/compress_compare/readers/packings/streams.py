"""Weights packed by this tool: every tensor as a run of bytes in one payload, described by a compressed index.

A safetensors file of this layout (``packed-1``) holds two tensors of bytes. ``compress_compare.index`` is JSON,
deflated by zlib: ``order``, ``tied``, ``buffers``, ``scheme``, ``kept``, and ``tensors``: by name the ``kind``,
``shape``, ``dtype``, ``at`` (the first byte in the payload) and ``parts`` (the bytes of each part, in their order).
``compress_compare.packed`` is the payload. Kinds and their parts:

- ``dense``: ``values`` in the number format ``dtype``.
- ``sparse``: ``mask`` (a bit per element, lowest bit first; set where there is a number), then ``values``.
- ``palettized``: maybe ``mask``, then ``table`` (``tables`` × ``size`` × ``dim`` numbers of the format ``of``),
  ``labels`` (of ``bits`` bits, lowest first, without gaps) and ``rest`` (the elements that fill no vector of ``dim``).
- ``quantized``: maybe ``mask``, then ``scale`` (F32), maybe ``zero`` (I16), and ``labels``. A number is
  ``(label − zero) · scale`` in float32, rounded to ``dtype``; without zero points, ``zero`` is 2^(bits−1).

``per`` says what shares a table or scale: ``tensor``, or ``channel`` and ``group`` with ``group_size``. Elements stand
in row-major order; with ``channel`` and ``group`` the dimension ``axis`` is moved to the front before, and for vectors
(``dim`` above 1) to the end.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from ...analysis.layers.values import Array, Values
from ...errors import InvalidValue
from ..dtypes import DTYPES
from ..mapped import Mapped
from ..weights import StoredTensor, Weights
from .bitsandbytes import rounded

LAYOUT = "packed-1"
INDEX, PAYLOAD = "compress_compare.index", "compress_compare.packed"
MAX_INDEX = 200_000_000
NAMES = {"F16": "float16", "BF16": "bfloat16", "F32": "float32"}
KEYS = ("order", "tied", "buffers", "scheme", "kept")


def expanded(weights: Weights) -> Weights:
    """The tensors that a file of this layout stands for; other files as they are.

    Raises:
        InvalidValue: ``model.bad_packing`` for an index that does not fit its payload.
    """
    if weights.extra.get("layout") != LAYOUT or not {INDEX, PAYLOAD} <= set(weights.tensors):
        return weights
    payload = _bytes(weights.tensors[PAYLOAD])
    try:
        index = _index(_bytes(weights.tensors[INDEX]))
        tensors = {name: _tensor(entry, payload) for name, entry in index["tensors"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error, RecursionError, OverflowError) as error:
        raise _bad(f"{type(error).__name__}: {error}") from error
    noted = {key: index[key] for key in KEYS if key in index}
    return replace(weights, tensors=tensors, extra={**weights.extra, **noted})


def table_index(shape: tuple[int, ...], entry: Mapping[str, Any]) -> tuple[Array, int]:
    """Which table or scale each element has, in the order of elements, and how many there are.

    Args:
        shape: of the tensor.
        entry: with ``per``, ``group_size`` and ``axis``.
    """
    count = math.prod(shape)
    if entry["per"] == "tensor":
        return np.zeros(count, np.int64), 1
    channels = shape[entry["axis"]] if len(shape) > 1 else 1
    length, size = count // max(channels, 1), entry.get("group_size")
    if entry["per"] == "channel":
        each = np.arange(channels) // (size or 1)
        return np.repeat(each, length), -(-channels // (size or 1))
    groups = -(-length // (size or length or 1))
    inside = np.arange(length) // (size or length or 1)
    return (np.arange(channels)[:, None] * groups + inside).reshape(-1), channels * groups


def ordered(values: Array, entry: Mapping[str, Any]) -> Array:
    """The elements of a tensor, flat, in the order of the layout."""
    if entry.get("dim", 1) > 1:
        return np.moveaxis(values, entry["axis"], -1).reshape(-1)
    if entry["per"] == "tensor" or values.ndim < 2:
        return values.reshape(-1)
    return np.moveaxis(values, entry["axis"], 0).reshape(-1)


def restored(flat: Array, shape: tuple[int, ...], *, entry: Mapping[str, Any]) -> Array:
    """The inverse of ``ordered``."""
    if entry.get("dim", 1) == 1 and (entry["per"] == "tensor" or len(shape) < 2):
        return flat.reshape(shape)
    axis = entry["axis"]
    others = (*shape[:axis], *shape[axis + 1 :])
    if entry.get("dim", 1) > 1:
        return np.moveaxis(flat.reshape((*others, shape[axis])), -1, axis)
    return np.moveaxis(flat.reshape((shape[axis], *others)), 0, axis)


def labels_of(raw: Array, count: int, *, bits: int) -> Array:
    """Labels of some bits, lowest first, that stand without gaps: int64 [count]."""
    if bits == 8:
        return raw[:count].astype(np.int64)
    single = np.unpackbits(raw, count=count * bits, bitorder="little").reshape(count, bits)
    return np.packbits(single, axis=1, bitorder="little")[:, 0].astype(np.int64)


def decoded(entry: Mapping[str, Any], parts: Mapping[str, Array]) -> Array:
    """The numbers of a tensor that is not dense, float32, in its shape.

    Args:
        entry: of the index.
        parts: the bytes of each part, by name.
    """
    shape, count = tuple(entry["shape"]), math.prod(entry["shape"])
    there = np.ones(count, bool)
    if "mask" in parts:
        there = np.unpackbits(parts["mask"], count=count, bitorder="little").astype(bool)
    flat: Array = np.zeros(count, np.float32)
    if entry["kind"] == "sparse":
        values = Mapped.of(parts["values"], entry["dtype"], shape=(int(there.sum()),))
        flat[there] = values.numbers(0, values.count) if values is not None else np.nan
        return flat.reshape(shape)
    dim, bits, index = entry.get("dim", 1), entry["bits"], table_index(shape, entry)[0]
    labels = labels_of(parts["labels"], int(there.sum()) // dim, bits=bits)
    if entry["kind"] == "palettized":
        table = _numbers(parts["table"], entry["of"]).reshape(entry["tables"], entry["size"], dim)
        if labels.size and labels.max() >= entry["size"]:
            raise _bad("A label has no entry in its table.")
        found = table[index[there][::dim][: labels.size], labels].reshape(-1)
        rest = _numbers(parts["rest"], entry["dtype"]) if "rest" in parts else flat[:0]
        flat[there] = np.concatenate([found, rest])
    else:
        which = index[there]
        zero = parts["zero"].view("<i2").astype(np.float32)[which] if "zero" in parts else np.float32(1 << (bits - 1))
        numbers = (labels.astype(np.float32) - zero) * parts["scale"].view("<f4")[which]
        flat[there] = rounded(numbers.astype(np.float32), NAMES[entry["dtype"]])
    return restored(flat, shape, entry=entry)


def _tensor(entry: Mapping[str, Any], payload: Array) -> StoredTensor:
    shape, dtype = tuple(entry["shape"]), str(entry["dtype"])
    if not all(type(size) is int and 0 <= size < 1 << 48 for size in shape) or dtype not in DTYPES:
        raise ValueError("a shape or number format is none")
    start, parts = entry["at"], dict[str, Array]()
    for name, length in entry["parts"].items():
        if type(start) is not int or type(length) is not int or not 0 <= start <= start + length <= payload.size:
            raise ValueError("a part lies outside the payload")
        parts[name], start = payload[start : start + length], start + length
    total, count = sum(part.size for part in parts.values()), math.prod(shape)
    if entry["kind"] == "dense":
        if parts["values"].size * 8 != count * DTYPES[dtype].bits:
            raise ValueError("a tensor has not as many bytes as its shape asks for")
        return StoredTensor(dtype, shape, total, Mapped.of(parts["values"], dtype, shape=shape))
    _check(entry, parts, count)

    @cache
    def whole() -> Array:
        try:
            return decoded(entry, parts).reshape(1, -1)
        except (ValueError, IndexError) as error:
            raise _bad(str(error)) from error

    values = Values(
        shape, DTYPES[dtype].name, np.concatenate(list(parts.values())), num_bytes=total,
        decode=lambda first, last: whole()[first:last], unit=max(count, 1),
    )  # fmt: skip
    return StoredTensor(dtype, shape, total, values)


def _check(entry: Mapping[str, Any], parts: Mapping[str, Array], count: int) -> None:
    """Pass if the parts of a packed tensor have the sizes that follow from its description."""
    if entry["kind"] not in ("sparse", "palettized", "quantized") or entry["dtype"] not in NAMES:
        raise ValueError("a kind of tensor is not known")
    there = count
    if "mask" in parts:
        if parts["mask"].size != -(-count // 8):
            raise ValueError("a mask has not a bit for each element")
        there = int(np.unpackbits(parts["mask"], count=count, bitorder="little").sum())
    if entry["kind"] == "sparse":
        if "mask" not in parts or parts["values"].size * 8 != there * DTYPES[entry["dtype"]].bits:
            raise ValueError("a sparse tensor has not a number for each bit of its mask")
        return
    bits, dim, size = entry["bits"], entry.get("dim", 1), entry.get("group_size")
    if type(bits) is not int or not 1 <= bits <= 8 or type(dim) is not int or not 1 <= dim <= count:
        raise ValueError("labels have no size")
    if size is not None and (type(size) is not int or size < 1):
        raise ValueError("groups have no size")
    if entry["per"] not in ("tensor", "channel", "group") or (dim > 1 and entry["per"] != "tensor"):
        raise ValueError("it is not said what shares a table")
    if type(entry.get("axis", 0)) is not int or not 0 <= entry.get("axis", 0) < max(len(entry["shape"]), 1):
        raise ValueError("a tensor has no such dimension")
    if parts["labels"].size != -(-(there // dim) * bits // 8):
        raise ValueError("there is not a label for each element")
    tables = table_index(tuple(entry["shape"]), entry)[1]
    if entry["kind"] == "quantized":
        if parts["scale"].size != 4 * tables or ("zero" in parts and parts["zero"].size != 2 * tables):
            raise ValueError("there is not a scale for each group")
    elif entry["tables"] != tables or parts["table"].size != tables * entry["size"] * dim * _width(entry["of"]):
        raise ValueError("a table has not as many entries as it says")
    elif dim > 1 and parts.get("rest", parts["labels"][:0]).size != there % dim * _width(entry["dtype"]):
        raise ValueError("the elements outside of vectors are missing")


def _index(raw: Array) -> dict[str, Any]:
    inflate = zlib.decompressobj()
    content = inflate.decompress(raw.tobytes(), MAX_INDEX)
    if inflate.unconsumed_tail or not inflate.eof:
        raise ValueError("the index is cut off or too large")
    found: dict[str, Any] = json.loads(content)
    return found


def _bytes(stored: StoredTensor) -> Array:
    if stored.dtype != "U8" or stored.values is None:
        raise _bad("The index and the payload must be bytes.")
    return stored.values.raw


def _numbers(raw: Array, dtype: str) -> Array:
    values = Mapped.of(raw, dtype, shape=(raw.size // _width(dtype),))
    return np.asarray(values.whole(), np.float32) if values is not None else np.zeros(0, np.float32)


def _width(dtype: str) -> int:
    return {"F16": 2, "BF16": 2, "F32": 4}[dtype]


def _bad(detail: str) -> InvalidValue:
    return InvalidValue(
        "model.bad_packing",
        "The packed weights of the file cannot be read: it was cut or edited.",
        detail=detail[:300],
        hint="Ship the model again.",
    )
