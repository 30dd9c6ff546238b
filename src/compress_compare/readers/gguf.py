"""GGUF files: a header that is read within bounds, tensors mapped into memory and decoded a piece at a time.

Source: the GGUF specification (ggml, docs/gguf.md), versions 2 and 3, little-endian.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..analysis.layers.values import Array, Values
from ..errors import InvalidValue
from . import gguf_library
from .dtypes import DTYPES
from .gguf_blocks import BLOCKS, PLAIN, BlockFormat
from .mapped import Mapped
from .packed import Packing
from .regular import open_regular
from .safetensors_header import MAX_NAME_BYTES, MAX_TENSORS, check_start, shown
from .weights import StoredTensor, Weights

MAGIC = b"GGUF"
MAX_HEADER = 64_000_000
MAX_DIMENSIONS = 4
MAX_ALIGNMENT = 1 << 20
MAX_DEPTH = 4
KEPT = re.compile(r"\.(attention\.head_count\w*|ssm\.\w+)$")
"""Keys, besides those in ``general``, of numbers that say in which order the rows of tensors stand."""
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_SMALLEST = {_STRING: 8, _ARRAY: 12}


@dataclass(frozen=True)
class Info:
    """Where a tensor lies: its format's number, its shape with the outermost dimension first, its place in the file."""

    kind: int
    shape: tuple[int, ...]
    start: int
    num_bytes: int


def read(path: Path, name: str | None = None) -> Weights:
    """The tensors of a file.

    Args:
        path: of the file.
        name: how messages call it.

    Raises:
        InvalidValue: ``model.bad_header`` with what is wrong, ``model.no_tensors``, ``model.duplicate_tensor``,
            ``model.too_many_tensors``, ``model.name_too_long``, ``input.*`` and those of a failed download.
    """
    called = name or path.name
    with open_regular(path) as file:
        size = path.stat().st_size
        check_start(file.read(512), size, name=called)
        mapped = Mapped(file)
    cursor = _Cursor(mapped.bytes[: min(size, MAX_HEADER)].data, called)
    infos, notes = _header(cursor, size)
    tensors = {key: _stored(mapped, info) for key, info in infos.items()}
    return Weights(tensors, {"order": list(tensors), "gguf": notes}, (mapped,))


class _Cursor:
    """Walks over the header, and never over its end."""

    def __init__(self, view: memoryview, name: str) -> None:
        self._view = view
        self.name = name
        self.at = 0

    def take(self, count: int) -> memoryview:
        if count > len(self._view) - self.at:
            limit = "the limit of 64 MB" if len(self._view) == MAX_HEADER else f"its {len(self._view):,} bytes"
            raise self.wrong(f"At byte {self.at:,} it asks for {count:,} bytes; that is beyond {limit}.")
        self.at += count
        return self._view[self.at - count : self.at]

    def number(self, code: str) -> Any:
        return struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))[0]

    def text(self) -> str:
        length, at = self.number("Q"), self.at
        try:
            return str(self.take(length), "utf-8")
        except UnicodeDecodeError as error:
            raise self.wrong(f"The text at byte {at:,} is not UTF-8.") from error

    def value(self, kind: int, depth: int = 0) -> Any:
        """One value; of an array only its length, since nothing here needs its items."""
        if kind in _SCALARS:
            return self.number(_SCALARS[kind])
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY and depth < MAX_DEPTH:
            return self._array(depth)
        raise self.wrong(f"A value before byte {self.at:,} has the unknown type {kind:,}.")

    def _array(self, depth: int) -> int:
        kind, count = self.number("I"), self.number("Q")
        if kind in _SCALARS:
            self.take(count * struct.calcsize(f"<{_SCALARS[kind]}"))
        elif kind in _SMALLEST and count * _SMALLEST[kind] <= len(self._view) - self.at:
            for _ in range(count):
                if kind == _STRING:
                    self.take(self.number("Q"))
                else:
                    self.value(kind, depth + 1)
        else:
            raise self.wrong(f"An array before byte {self.at:,} has {count:,} items of type {kind:,}.")
        return int(count)

    def wrong(self, detail: str) -> InvalidValue:
        return InvalidValue(
            "model.bad_header",
            f"The header of {self.name!a} cannot be read.",
            detail=detail,
            hint="Check the download.",
        )


def _header(cursor: _Cursor, size: int) -> tuple[dict[str, Info], dict[str, Any]]:
    magic = bytes(cursor.take(4))
    if magic != MAGIC:
        raise cursor.wrong(f"A GGUF file starts with 'GGUF'; found {magic!r}.")
    version = cursor.number("I")
    if version not in (2, 3):
        raise cursor.wrong(f"Versions 2 and 3 can be read; found {version:,}.")
    num_tensors, num_values = cursor.number("Q"), cursor.number("Q")
    _check_counts(cursor, num_tensors, num_values, size=size)
    notes = dict(_notes(cursor, num_values))
    alignment = notes.get("general.alignment", 32)
    is_power = isinstance(alignment, int) and alignment > 0 and alignment & (alignment - 1) == 0
    if not is_power or alignment > MAX_ALIGNMENT:
        raise cursor.wrong(f"The alignment must be a power of two up to {MAX_ALIGNMENT:,}; found {alignment!a:.40}.")
    listed: dict[str, tuple[int, tuple[int, ...], int]] = {}
    for _ in range(num_tensors):
        name, entry = _entry(cursor)
        if name in listed:
            raise InvalidValue("model.duplicate_tensor", f"Tensor {shown(name)} stands in the file twice.")
        listed[name] = entry
    data = -(-cursor.at // alignment) * alignment
    infos = {name: _info(cursor, name, entry, data=data, size=size) for name, entry in listed.items()}
    _check_overlap(cursor, infos)
    texts = {key: value for key, value in notes.items() if key.startswith("general.") and isinstance(value, str | int)}
    texts |= {key: value for key, value in notes.items() if KEPT.search(key) and isinstance(value, int)}
    return infos, texts


def _check_counts(cursor: _Cursor, num_tensors: int, num_values: int, *, size: int) -> None:
    if num_tensors * 24 > size or num_values * 13 > size:
        raise cursor.wrong(f"It claims {num_tensors:,} tensors and {num_values:,} values in a file of {size:,} bytes.")
    if num_tensors > MAX_TENSORS:
        raise InvalidValue(
            "model.too_many_tensors",
            f"{cursor.name!a} holds too many tensors.",
            detail=f"The limit is {MAX_TENSORS:,}; found {num_tensors:,}.",
        )
    if not num_tensors:
        raise InvalidValue("model.no_tensors", f"{cursor.name!a} holds no tensor.")


def _notes(cursor: _Cursor, count: int) -> Iterator[tuple[str, Any]]:
    for _ in range(count):
        key = cursor.text()
        yield key, cursor.value(cursor.number("I"))


def _entry(cursor: _Cursor) -> tuple[str, tuple[int, tuple[int, ...], int]]:
    name, num_dimensions = cursor.text(), cursor.number("I")
    if len(name.encode()) > MAX_NAME_BYTES:
        raise InvalidValue("model.name_too_long", f"A tensor's name is longer than {MAX_NAME_BYTES:,} bytes.")
    if not 0 <= num_dimensions <= MAX_DIMENSIONS:
        raise cursor.wrong(f"Tensor {shown(name)} has {num_dimensions:,} dimensions; at most 4 can be.")
    shape = tuple(cursor.number("Q") for _ in range(num_dimensions))[::-1]
    return name, (cursor.number("I"), shape, cursor.number("Q"))


def _info(cursor: _Cursor, name: str, entry: tuple[int, tuple[int, ...], int], *, data: int, size: int) -> Info:
    kind, shape, offset = entry
    if 0 in shape:
        raise cursor.wrong(f"Tensor {shown(name)} has a dimension of size 0.")
    if kind in PLAIN:
        num_bytes = math.prod(shape) * DTYPES[PLAIN[kind]].bits // 8
    elif kind in BLOCKS:
        block = BLOCKS[kind]
        if not shape or shape[-1] % block.size:
            raise cursor.wrong(f"Tensor {shown(name)}: rows of {block.name} are multiples of {block.size:,} numbers.")
        num_bytes = math.prod(shape) // block.size * block.num_bytes
    else:
        raise cursor.wrong(f"Tensor {shown(name)} has the unknown type {kind:,}.")
    if data + offset + num_bytes > size:
        needed = f"{num_bytes:,}" if num_bytes < 10**30 else f"about {num_bytes:.1e}"
        raise cursor.wrong(
            f"Tensor {shown(name)} needs {needed} bytes from byte {data + offset:,}; the file is cut off."
        )
    return Info(kind, shape, data + offset, num_bytes)


def _check_overlap(cursor: _Cursor, infos: dict[str, Info]) -> None:
    end, last = 0, ""
    for name, info in sorted(infos.items(), key=lambda item: item[1].start):
        if info.start < end:
            raise cursor.wrong(f"Tensors {shown(last)} and {shown(name)} overlap.")
        end, last = info.start + info.num_bytes, name


def _stored(mapped: Mapped, info: Info) -> StoredTensor:
    if info.kind in PLAIN:
        dtype = PLAIN[info.kind]
        values = mapped.values(dtype, info.shape, start=info.start, num_bytes=info.num_bytes)
        return StoredTensor(dtype, info.shape, info.num_bytes, values)
    block = BLOCKS[info.kind]
    blocks = mapped.bytes[info.start : info.start + info.num_bytes].reshape(-1, block.num_bytes)
    values = _values(blocks, info.shape, block)
    unread = (
        ""
        if values is not None
        else f"llama.cpp as {block.name} (pip install 'compress-compare[gguf]' reads more of these)"
    )
    return StoredTensor(block.name, info.shape, info.num_bytes, values, _packing(blocks, block), unread)


def _values(blocks: Array, shape: tuple[int, ...], block: BlockFormat) -> Values | None:
    unpack, other = block.unpack, gguf_library.decoder(block.name)

    def decode(first: int, last: int) -> Array:
        if unpack is not None:
            return unpack(blocks[first:last]).numbers()
        return other(blocks[first:last]) if other is not None else np.zeros(0, np.float32)

    if unpack is None and other is None:
        return None
    return Values(shape, block.name, blocks, num_bytes=blocks.nbytes, decode=decode, unit=block.size)


def _packing(blocks: Array, block: BlockFormat) -> Packing:
    unpack, step = block.unpack, max((1 << 17) // block.size, 1)

    def parts() -> Iterator[tuple[Array, Array, Array | None]]:
        if unpack is None:
            return
        for first in range(0, len(blocks), step):
            codes, scales, offsets = unpack(blocks[first : first + step])
            yield codes, scales, None if offsets is None else _zero_points(scales, offsets)

    return Packing(block.bits, block.group_size, parts)


def _zero_points(scales: Array, offsets: Array) -> Array:
    """Codes that stand for zero: what is added, counted in scales."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(-offsets / scales)
