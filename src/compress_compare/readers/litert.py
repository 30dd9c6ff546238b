"""LiteRT (TensorFlow Lite) models: tensors whose numbers lie in the file, found by walking over its FlatBuffers tables.

Source: ``tensorflow/compiler/mlir/lite/schema/schema.fbs``, version 3.
"""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..analysis.layers.values import Array, Values
from ..errors import InvalidValue
from .blocks import Blocks
from .dtypes import DTYPES, PARTS, unpacked
from .mapped import Mapped
from .packed import CodeGrid, table
from .packings.base import FLOATS, numbers, read_blocks
from .regular import open_regular
from .safetensors_header import MAX_DIMENSIONS, MAX_NAME_BYTES, MAX_TENSORS, check_start, shown
from .weights import StoredTensor, Weights, free_name

_TYPES = {
    0: "F32", 1: "F16", 2: "I32", 3: "U8", 4: "I64", 6: "BOOL", 7: "I16", 8: "C64", 9: "I8", 10: "F64", 12: "U64",
    15: "U32", 16: "U16", 18: "BF16", 21: "F8_E4M3", 22: "F8_E5M2",
}  # fmt: skip
_PARTS = {17: "int4", 19: "int2", 20: "uint4"}
_BLOCKWISE = 2


class _Table:
    """A table of a FlatBuffer; what is not inside the file is an ``IndexError``."""

    def __init__(self, raw: Array, at: int) -> None:
        self.raw = raw
        self.at = at
        self._slots = at - self.number("<i", at)
        self._size = self.number("<H", self._slots)

    def number(self, code: str, at: int) -> Any:
        size = struct.calcsize(code)
        if at < 0 or at + size > len(self.raw):
            raise IndexError(f"It refers to byte {at:,}")
        return struct.unpack_from(code, self.raw.data, at)[0]

    def place(self, field: int) -> int | None:
        """Where a field lies; ``None`` if it has its default."""
        slot = 4 + 2 * field
        offset = self.number("<H", self._slots + slot) if slot < self._size else 0
        return self.at + offset if offset else None

    def scalar(self, field: int, code: str) -> Any:
        at = self.place(field)
        return 0 if at is None else self.number(code, at)

    def vector(self, field: int, dtype: str) -> Array | None:
        at = self.place(field)
        if at is None:
            return None
        at += self.number("<I", at)
        count, size = self.number("<I", at), np.dtype(dtype).itemsize
        if at + 4 + count * size > len(self.raw):
            raise IndexError(f"A list at byte {at:,} has {count:,} items")
        return self.raw[at + 4 : at + 4 + count * size].copy().view(dtype) if size > 1 else self.raw[at + 4 :][:count]

    def tables(self, field: int, limit: int) -> list[_Table]:
        at = self.place(field)
        offsets = self.vector(field, "<u4")
        if at is None or offsets is None:
            return []
        if len(offsets) > limit:
            raise IndexError(f"A list has {len(offsets):,} tables; the limit is {limit:,}")
        first = at + self.number("<I", at) + 4
        return [_Table(self.raw, first + 4 * index + int(offset)) for index, offset in enumerate(offsets)]

    def table(self, field: int) -> _Table | None:
        at = self.place(field)
        return None if at is None else _Table(self.raw, at + self.number("<I", at))

    def text(self, field: int) -> str:
        found = self.vector(field, "u1")
        return "" if found is None else bytes(found).decode("utf-8", "replace")


def read(path: Path, name: str | None = None) -> Weights:
    """The tensors of a file that have numbers in it.

    Args:
        path: of the file.
        name: how messages call it.

    Raises:
        InvalidValue: ``model.not_litert``, ``model.truncated``, ``model.bad_shape``, ``model.no_tensors``,
            ``model.name_too_long``, ``input.*`` and those of a failed download.
    """
    called = name or path.name
    with open_regular(path) as file:
        start = file.read(512)
        check_start(start, path.stat().st_size, name=called)
        if start[4:8] != b"TFL3":
            raise InvalidValue(
                "model.not_litert", f"{called!a} is not a LiteRT model.", detail=f"It starts with {start[:8]!a}.",
                hint="Check the download.",
            )  # fmt: skip
        mapped = Mapped(file)
    try:
        tensors = _tensors(mapped.bytes)
    except (IndexError, struct.error) as error:
        raise InvalidValue(
            "model.truncated", f"{called!a} is cut off or damaged.", detail=f"{error}.", hint="Check the download."
        ) from error
    if not tensors:
        raise InvalidValue("model.no_tensors", f"{called!a} holds no tensor.")
    return Weights(tensors, {"order": list(tensors)}, (mapped,))


def _tensors(raw: Array) -> dict[str, StoredTensor]:
    model = _Table(raw, int.from_bytes(raw[:4].tobytes(), "little"))
    buffers = model.tables(4, MAX_TENSORS)
    found: dict[str, StoredTensor] = {}
    for graph in model.tables(2, MAX_TENSORS):
        tensors = graph.tables(0, MAX_TENSORS)
        places: dict[int, str] = {}
        for at, tensor in enumerate(tensors):
            data = _data(raw, buffers[tensor.scalar(2, "<I")])
            if data is None or not data.size:
                continue
            places[at] = _free(tensor.text(3) or "tensor", found)
            found[places[at]] = _stored(places[at], tensor, data)
        gone = set()
        for at, name in places.items():
            quantization = tensors[at].table(4)
            if quantization is not None and quantization.scalar(4, "<B"):
                blocks = quantization.table(5) if quantization.scalar(4, "<B") == _BLOCKWISE else None
                scales = "" if blocks is None else places.get(blocks.scalar(0, "<i"), "")
                read = None if blocks is None else _in_blocks(found[name], blocks, scales=found.get(scales))
                found[name] = read or replace(found[name], values=None, unread="LiteRT")
                gone.add(scales)
        found = {name: stored for name, stored in found.items() if name not in gone}
    return found


def _data(raw: Array, buffer: _Table) -> Array | None:
    """The numbers in a buffer, or those after the tables of a file of more than 2 GB."""
    start, size = buffer.scalar(1, "<Q"), buffer.scalar(2, "<Q")
    if start > 1:
        if start + size > len(raw):
            raise IndexError(f"Numbers lie at byte {start:,}")
        return raw[start : start + size]
    return buffer.vector(0, "u1")


def _free(name: str, taken: dict[str, StoredTensor]) -> str:
    if len(name.encode()) > MAX_NAME_BYTES:
        raise InvalidValue("model.name_too_long", f"A tensor's name is longer than {MAX_NAME_BYTES:,} bytes.")
    return free_name(name, taken)


def _stored(name: str, tensor: _Table, data: Array) -> StoredTensor:
    listed = tensor.vector(0, "<i4")
    if listed is not None and listed.size > MAX_DIMENSIONS:
        raise InvalidValue("model.bad_shape", f"Tensor {shown(name)} has {listed.size:,} dimensions.")
    shape = () if listed is None else tuple(int(size) for size in listed)
    kind = tensor.scalar(1, "<b")
    if kind not in _TYPES and kind not in _PARTS:
        return StoredTensor(f"type {kind}", shape, data.nbytes, None)
    count = math.prod(shape)
    dtype = _PARTS[kind] if kind in _PARTS else _TYPES[kind]
    bits = PARTS[dtype][0] if dtype in PARTS else DTYPES[dtype].bits
    if min(shape, default=0) < 0 or -(-count * bits // 8) != data.nbytes:
        raise InvalidValue(
            "model.bad_shape",
            f"The shape of tensor {shown(name)} does not fit its bytes.",
            detail=f"Shape {list(shape)!a:.80} needs {-(-count * bits // 8):,} bytes, has {data.nbytes:,}.",
        )
    if kind in _PARTS:
        values: Values | None = Values.of(unpacked(data, PARTS[dtype])[:count].reshape(shape))
    else:
        values = Mapped.of(data, dtype, shape=shape)
    stored = StoredTensor(dtype, shape, data.nbytes, values)
    quantization = tensor.table(4)
    if quantization is None:
        return stored
    return _quantized(stored, quantization, bits=bits)


def _in_blocks(stored: StoredTensor, blocks: _Table, *, scales: StoredTensor | None) -> StoredTensor | None:
    """The numbers of codes with a scale for each block of the last dimension; ``None`` where they lie otherwise."""
    size, factors, zeros = blocks.scalar(2, "<i"), numbers(scales), blocks.scalar(1, "<i") if blocks.place(1) else -1
    if scales is None or factors is None or scales.dtype not in FLOATS or stored.values is None or not stored.shape:
        return None
    columns = stored.shape[-1]
    if zeros >= 0 or size < 1 or columns % size or factors.size * size != math.prod(stored.shape):
        return None
    rows = stored.values.whole().reshape(-1, columns)
    wide = np.asarray(factors, np.float32).reshape(*stored.shape[:-1], columns // size)
    grid = Blocks(lambda first, last: rows[first:last], stored.shape, wide, (*[1] * (len(stored.shape) - 1), size))
    bits = PARTS[stored.dtype][0] if stored.dtype in PARTS else 8
    return read_blocks(stored.dtype, grid, codes=stored, bits=bits, parts=[stored, scales])


def _quantized(stored: StoredTensor, quantization: _Table, *, bits: int) -> StoredTensor:
    """The numbers that codes stand for, with a scale for all or for each entry of one dimension."""
    scales, zeros = quantization.vector(2, "<f4"), quantization.vector(3, "<i8")
    values, dimension = stored.values, quantization.scalar(6, "<i")
    if scales is None or not scales.size or values is None or not stored.shape:
        return stored
    axis = dimension if scales.size > 1 else 0
    if not 0 <= axis < len(stored.shape) or scales.size not in (1, stored.shape[axis]):
        return stored
    codes = np.moveaxis(values.whole(), axis, 0)
    rows = len(codes)
    factors = table(scales, rows)
    offsets = table(zeros, rows) if zeros is not None and zeros.size else None
    if factors is None:
        return stored
    flat = codes.reshape(rows, -1)
    grid = CodeGrid(lambda first, last: flat[first:last], codes.shape, factors, offsets)
    numbers = grid.values(stored.dtype, values.raw)
    if axis:
        numbers = Values.of(np.moveaxis(numbers.whole(), 0, axis))
    return StoredTensor(stored.dtype, stored.shape, stored.num_bytes, numbers, grid.packing(bits))
