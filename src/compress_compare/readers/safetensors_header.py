"""The header of a safetensors file, checked to the byte before anything is believed.

The file is: eight bytes with the length of the header (little-endian), the header (a JSON object), the numbers. Every
byte of the numbers belongs to exactly one tensor. Stricter than the reference reader: names stand once, the header
starts with its brace.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from ..errors import InvalidValue
from .dtypes import DTYPES

MAX_HEADER = 100_000_000
MAX_TENSORS = 100_000
MAX_NAME_BYTES = 1024
MAX_DIMENSIONS = 32
MAX_METADATA = 10_000
"""Entries of free text."""
MOST = {b"[": (100_000, 64), b"{": (100_000, 64), b'"': (1_000_000, 200), b",": (2_000_000, 200)}
"""Character → how often it may stand in a header: so often in all, and so often more for each tensor."""
PREFIX = 8
_FIELDS = {"dtype", "shape", "data_offsets"}


@dataclass(frozen=True)
class HeaderEntry:
    """One tensor: its format, its shape, and where its bytes start in the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    num_bytes: int


@dataclass(frozen=True)
class Header:
    """The tensors in the order of their bytes, and the free text that the writer left."""

    entries: Mapping[str, HeaderEntry]
    metadata: Mapping[str, str]


def read_header(file: BinaryIO, name: str) -> Header:
    """Read and check the header of a safetensors file.

    Args:
        file: positioned at its start.
        name: how messages call the file.

    Raises:
        InvalidValue: ``model.*``, with the tensor or the byte that is wrong.
    """
    size = os.fstat(file.fileno()).st_size
    start = file.read(512)
    check_start(start, size, name=name)
    if size < PREFIX:
        raise _truncated(name, f"{size} bytes; a safetensors file needs at least 8 and its header.")
    length = int.from_bytes(start[:PREFIX], "little")
    if length > MAX_HEADER:
        raise InvalidValue(
            "model.header_too_large",
            f"The header of {name!a} is too large.",
            detail=f"The limit is 100 MB; found {length:,} bytes.",
            hint="It may not be a safetensors file.",
        )
    if length > size - PREFIX:
        raise _truncated(name, f"The header says {length:,} bytes, the file has {size:,}.")
    file.seek(PREFIX)
    fields = _parse(file.read(length), name)
    noted = fields.pop("__metadata__", None)  # MLX writes null
    metadata = {} if noted is None else noted
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise _bad_header(name, "__metadata__ is not a mapping of text to text.")
    if len(metadata) > MAX_METADATA:
        raise _bad_header(name, f"__metadata__ has {len(metadata):,} entries; the limit is {MAX_METADATA:,}.")
    if not fields:
        raise InvalidValue("model.no_tensors", f"{name!a} holds no tensor.")
    _check_count(len(fields), name)
    entries = {key: _entry(key, value, PREFIX + length) for key, value in fields.items()}
    ordered = dict(sorted(entries.items(), key=lambda item: (item[1].start, item[1].num_bytes)))
    _check_cover(ordered, PREFIX + length, size)
    return Header(ordered, metadata)


def shown(name: str) -> str:
    """A tensor's name for a message: escaped, and cut to 80 characters."""
    return ascii(name) if len(name) <= 80 else f"{name[:80]!a}…"


def check_start(start: bytes, size: int, *, name: str) -> None:
    """Refuse what is no model of any format: nothing, a Git LFS pointer, a page that a server sent instead.

    Raises:
        InvalidValue: ``model.empty_file``, ``model.git_lfs_pointer``, ``model.not_a_model``.
    """
    if size == 0:
        raise InvalidValue("model.empty_file", f"The file {name!a} is empty (0 bytes).", hint="Check the download.")
    if start.startswith(b"version https://git-lfs"):
        declared = re.search(rb"^size (\d{1,18})$", start, re.MULTILINE)
        raise InvalidValue(
            "model.git_lfs_pointer",
            f"{name!a} is a Git LFS pointer, not the file itself.",
            detail=f"A size of {int(declared[1]):,} bytes is declared." if declared else "",
            hint="Fetch the file with: git lfs pull",
        )
    head = start.lstrip()[:16].lower()
    if head.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body", b"<error")):
        kind = "an XML document" if head.startswith((b"<?xml", b"<error")) else "an HTML page"
        raise InvalidValue(
            "model.not_a_model",
            f"{name!a} looks like {kind}, probably a failed download.",
            hint="Open it in a text editor to see what the server said, then download it again.",
        )


def _parse(raw: bytes, name: str) -> dict[str, Any]:
    tensors = raw.count(b'"data_offsets"')
    _check_count(tensors, name)
    for character, (all_in_all, each) in MOST.items():
        if raw.count(character) > all_in_all + each * tensors:  # told by counting, before objects are made of it
            raise _bad_header(
                name,
                f"It holds more than its {tensors:,} tensors need: {raw.count(character):,} times "
                f"{character.decode()!r}.",
            )
    if raw[:1] != b"{":
        raise _bad_header(name, f"Byte 0 of the header must be '{{'; found {raw[:1]!r}.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad_header(name, f"It is not UTF-8 at byte {error.start:,} of the header.") from error
    try:
        fields = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        position = len(text[: error.pos].encode())
        raise _bad_header(name, f"Not valid JSON at byte {position:,} of the header: {error.msg}.") from error
    except (ValueError, RecursionError) as error:
        detail = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise _bad_header(name, f"Not valid JSON: {detail:.200}.") from error
    return dict(fields)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        if not isinstance(unique[twice], dict):
            raise ValueError(f"{shown(twice)} stands twice")
        raise InvalidValue(
            "model.duplicate_tensor",
            f"Tensor {shown(twice)} stands in the file twice.",
            hint="Save the file again; readers would each take a different one.",
        )
    return unique


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON number")


def _entry(name: str, value: Any, data: int) -> HeaderEntry:
    num_name_bytes = len(name.encode("utf-8", "surrogatepass"))
    if num_name_bytes > MAX_NAME_BYTES:
        raise InvalidValue(
            "model.name_too_long",
            f"A tensor's name is longer than {MAX_NAME_BYTES:,} bytes.",
            detail=f"{shown(name)} has {num_name_bytes:,}.",
        )
    if not isinstance(value, dict) or set(value) != _FIELDS:
        raise InvalidValue(
            "model.bad_header", f"Tensor {shown(name)} is not described by dtype, shape and data_offsets."
        )
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise InvalidValue(
            "model.bad_dtype",
            f"Tensor {shown(name)} has an unknown dtype.",
            detail=f"Found {dtype!a:.40}; supported are {', '.join(DTYPES)}.",
        )
    if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS or not all(_is_count(size) for size in shape):
        raise InvalidValue(
            "model.bad_shape",
            f"The shape of tensor {shown(name)} is not a list of at most {MAX_DIMENSIONS} whole numbers from 0 on.",
            detail=f"Found {_start_of(shape)}.",
        )
    if not _is_range(offsets):
        raise InvalidValue(
            "model.bad_offsets",
            f"The offsets of tensor {shown(name)} are not a start and an end.",
            detail=f"Found {_start_of(offsets)}.",
        )
    held = offsets[1] - offsets[0]
    bits = math.prod(shape) * DTYPES[dtype].bits
    if bits != 8 * held:
        needed = f"{bits // 8:,}" if bits < 10**30 else f"about {bits // 8:.1e}"
        raise InvalidValue(
            "model.bad_shape",
            f"The shape of tensor {shown(name)} does not fit its bytes.",
            detail=f"Shape {shape!a:.80} of {dtype} needs {needed} bytes, has {held:,}.",
        )
    return HeaderEntry(dtype, tuple(shape), data + offsets[0], held)


def _check_cover(entries: Mapping[str, HeaderEntry], data: int, size: int) -> None:
    """Every byte of the numbers belongs to one tensor; ``entries`` are in the order of their bytes."""
    end, last = data, ""
    for name, entry in entries.items():
        if entry.start < end:
            raise InvalidValue("model.bad_offsets", f"Tensors {shown(last)} and {shown(name)} overlap.")
        if entry.start > end:
            raise InvalidValue(
                "model.bad_offsets",
                f"{entry.start - end:,} bytes before tensor {shown(name)} belong to no tensor.",
            )
        end, last = entry.start + entry.num_bytes, name
    if end > size:
        raise InvalidValue(
            "model.truncated",
            "The file is cut off.",
            detail=f"Expected {end - data:,} bytes of tensor data, found {size - data:,}.",
            hint="Check the download.",
        )
    if end < size:
        raise InvalidValue(
            "model.trailing_data",
            f"{size - end:,} bytes stand after the last tensor.",
            hint="Save the file again without them.",
        )


def _check_count(count: int, name: str) -> None:
    if count > MAX_TENSORS:
        raise InvalidValue(
            "model.too_many_tensors",
            f"{name!a} holds too many tensors.",
            detail=f"The limit is {MAX_TENSORS:,}; found {count:,}.",
        )


def _start_of(value: Any) -> str:
    """The beginning of what was found; a list of a million items is not written out for it."""
    return f"{value[:16]!a:.80}" if isinstance(value, list) else f"{value!a:.80}"


def _is_range(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_count, value)) and value[0] <= value[1]


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _truncated(name: str, detail: str) -> InvalidValue:
    return InvalidValue("model.truncated", f"{name!a} is cut off.", detail=detail, hint="Check the download.")


def _bad_header(name: str, detail: str) -> InvalidValue:
    return InvalidValue(
        "model.bad_header",
        f"The header of {name!a} cannot be read.",
        detail=detail,
        hint="Check the download, or save the file again.",
    )
