"""Safetensors files: tensors mapped into memory."""

from __future__ import annotations

import json
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np

from .mapped import Mapped
from .partial import File, PartialFile
from .regular import open_regular
from .safetensors_header import MAX_HEADER, PREFIX, Header, read_header
from .weights import StoredTensor, Weights

HEADER_KEY = "compress_compare"
FROM_WHERE = ("order", "buffers")
"""What this tool notes of the module that tensors were written from."""
FRAMEWORK = "format"
"""Where others note for which framework they wrote: ``pt``, ``np`` or ``tf``."""
START = 512
"""Bytes that are looked at even of a file that has no header."""


def check(path: File) -> Header:
    """Check a file as ``read_header`` does, without reading its numbers."""
    with _opened(path) as file:
        return read_header(file, path.name)


def read(path: File, name: str | None = None) -> Weights:
    """The tensors of a file.

    Args:
        path: of the file; of one that is not whole, what is looked at is brought.
        name: how messages call it.

    Raises:
        InvalidValue: ``model.*`` or ``input.*``.
    """
    with _opened(path) as file:
        header = read_header(file, name or path.name)
        mapped = Mapped(file, path if isinstance(path, PartialFile) else None)
    tensors = {
        key: StoredTensor(
            entry.dtype,
            entry.shape,
            entry.num_bytes,
            mapped.values(entry.dtype, entry.shape, start=entry.start, num_bytes=entry.num_bytes),
        )
        for key, entry in header.entries.items()
    }
    return Weights(tensors, notes(header), (mapped,))


def notes(header: Header) -> dict[str, Any]:
    """What this tool left in the header: ``tied``, ``scheme``, ``order`` and the like; empty if another wrote it."""
    try:
        found = json.loads(header.metadata.get(HEADER_KEY, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def same(path: Path, other: Path) -> bool:
    """Whether two files hold the same: tensors by name, format, shape and bytes, and what their writers left beside
    them. The order of all that does not count; safetensors writes it at random. Neither does whether they were written
    from a module, a state dict or an array.

    Raises:
        InvalidValue: ``model.*`` or ``input.*``.
    """
    with open_regular(path) as first, open_regular(other) as second:
        headers = [read_header(file, place.name) for file, place in ((first, path), (second, other))]
        mapped = [Mapped(file).bytes for file in (first, second)]
    one, two = (header.entries for header in headers)
    if one.keys() != two.keys() or _left(headers[0]) != _left(headers[1]):
        return False
    for name, entry in one.items():
        counterpart = two[name]
        if (entry.dtype, entry.shape) != (counterpart.dtype, counterpart.shape):
            return False
        parts = [raw[e.start : e.start + e.num_bytes] for raw, e in zip(mapped, (entry, counterpart), strict=True)]
        if not np.array_equal(parts[0], parts[1]):
            return False
    return True


def _opened(path: File) -> BufferedReader:
    """The file, with its header at least."""
    if isinstance(path, Path):
        return open_regular(path)
    path.need(0, min(PREFIX, path.num_bytes))
    with path.open() as file:
        length = int.from_bytes(file.read(PREFIX), "little")
    path.need(0, min(max(PREFIX + length, START) if length <= MAX_HEADER else START, path.num_bytes))
    return path.open()


def _left(header: Header) -> dict[str, Any]:
    """What the writer left that says how the tensors are meant, and not from where they were written."""
    own = {key: value for key, value in notes(header).items() if key not in FROM_WHERE and value}
    others = {key: value for key, value in header.metadata.items() if key not in (HEADER_KEY, FRAMEWORK)}
    return {**others, HEADER_KEY: own}
