"""What packings into 32-bit words share."""

from __future__ import annotations

import numpy as np

from ...analysis.layers.values import Array
from ..dtypes import DTYPES
from ..packed import CodeGrid, table
from ..weights import StoredTensor


def as_stored(dtype: str, grid: CodeGrid, *, raw: Array, bits: int, parts: list[StoredTensor]) -> StoredTensor:
    """The tensor that a grid of codes gives; ``parts`` are all that it takes in the file."""
    num_bytes = sum(part.num_bytes for part in parts)
    name = DTYPES[dtype].name if dtype in DTYPES else dtype
    return StoredTensor(dtype, grid.shape, num_bytes, grid.values(name, raw), grid.packing(bits))


def scale_table(stored: StoredTensor, rows: int) -> Array | None:
    """Scales or zero points as ``(rows, groups)``."""
    return None if stored.values is None else table(stored.values.whole(), rows)


def is_words(stored: StoredTensor | None) -> bool:
    """Whether a tensor is a matrix of 32-bit words."""
    return stored is not None and stored.dtype == "I32" and len(stored.shape) == 2 and stored.values is not None


def as_bytes(words: Array) -> Array:
    """The bytes of words, row by row."""
    return np.ascontiguousarray(words).view(np.uint8)


def bits_of(count: int, num_words: int) -> int | None:
    """Bits of each of ``count`` codes that fill ``num_words`` words of 32 bits; the common widths first."""
    return next((bits for bits in (4, 8, 2, 3, 5, 6, 7, 1) if count and -(-count * bits // 32) == num_words), None)


def groups_of(stored: StoredTensor | None, columns: int, *, num_groups: int) -> Array | None:
    """Which group each column is in, where the file says it and not only that they stand in order."""
    if stored is None or stored.values is None or stored.shape != (columns,):
        return None
    groups = stored.values.whole().astype(np.int64)
    return groups if groups.size and groups.min() >= 0 and groups.max() < num_groups else None
