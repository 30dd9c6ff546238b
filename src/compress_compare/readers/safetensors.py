"""Safetensors files: tensors mapped into memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .mapped import Mapped
from .regular import open_regular
from .safetensors_header import Header, read_header
from .weights import StoredTensor, Weights

HEADER_KEY = "compress_compare"


def check(path: Path) -> Header:
    """Check a file as ``read_header`` does, without reading its numbers."""
    with open_regular(path) as file:
        return read_header(file, path.name)


def read(path: Path, name: str | None = None) -> Weights:
    """The tensors of a file.

    Args:
        path: of the file.
        name: how messages call it.

    Raises:
        InvalidValue: ``model.*`` or ``input.*``.
    """
    with open_regular(path) as file:
        header = read_header(file, name or path.name)
        mapped = Mapped(file)
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
