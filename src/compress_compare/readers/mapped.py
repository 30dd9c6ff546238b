"""A file in memory that is not loaded: the system brings in what is read, and can be told to forget it."""

from __future__ import annotations

import mmap
from typing import BinaryIO

import numpy as np

from ..analysis.layers.values import Array, Values
from .dtypes import DTYPES, table, unpacked


class Mapped:
    """The bytes of an open regular file, read-only; they stay reachable after the file is closed."""

    def __init__(self, file: BinaryIO) -> None:
        self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.bytes: Array = np.frombuffer(self._map, np.uint8)

    def values(self, dtype: str, shape: tuple[int, ...], *, start: int, num_bytes: int) -> Values | None:
        """The numbers of a tensor; ``None`` for a format that cannot be read as real numbers."""
        return self.of(self.bytes[start : start + num_bytes], dtype, shape=shape)

    @staticmethod
    def of(part: Array, dtype: str, *, shape: tuple[int, ...]) -> Values | None:
        """The numbers that lie in some bytes; ``None`` as in ``values``."""
        kind = DTYPES[dtype]
        if not kind.readable:
            return None
        # bytes that start on no boundary stay where they are, too: their pieces are copied when they are read
        raw = unpacked(part) if kind.bits == 4 else part.view(kind.storage)
        return Values(shape, dtype, raw, table(dtype), part.nbytes)

    def forget(self) -> None:
        """Give back the memory of what has been read; reading it again brings it back."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)
