"""A file in memory that is not loaded: the system brings in what is read, and can be told to forget it."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO

import numpy as np

from ..analysis.layers.values import Array, Values
from .dtypes import DTYPES, table, unpacked

Need = Callable[[int, int], None]
"""Brings the bytes from one place to another into a file that is not whole."""


class Mapped:
    """The bytes of an open regular file, read-only; they stay reachable after the file is closed.

    Args:
        file: that is open.
        need: brings bytes into it, if it is not whole.
    """

    def __init__(self, file: BinaryIO, need: Need | None = None) -> None:
        self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._bytes: Array = np.frombuffer(self._map, np.uint8)
        self._need = need

    @property
    def bytes(self) -> Array:
        """All of them."""
        if self._need is not None:
            self._need(0, len(self._bytes))
        return self._bytes

    def values(self, dtype: str, shape: tuple[int, ...], *, start: int, num_bytes: int) -> Values | None:
        """The numbers of a tensor; ``None`` for a format that cannot be read as real numbers."""
        need = None if self._need is None else partial(self._need, start, start + num_bytes)
        if need is not None and DTYPES[dtype].readable and DTYPES[dtype].bits == 4:
            need()  # they are taken apart here
        found = self.of(self._bytes[start : start + num_bytes], dtype, shape=shape)
        if found is None or need is None:
            return found
        return LaterValues.of_values(found, need)

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


class LaterValues(Values):
    """Numbers that are brought here when somebody looks at them, whoever it is: ``raw`` is never read before."""

    _later: Callable[[], None] | None = None

    @classmethod
    def of_values(cls, values: Values, need: Callable[[], None]) -> LaterValues:
        """The same numbers, which are not here yet."""
        made = cls(values.shape, values.dtype, values.raw, values.table, values.num_bytes)
        object.__setattr__(made, "_later", need)
        return made

    def _looked_at(self) -> Array:
        if self._later is not None:
            self._later()
            object.__setattr__(self, "_later", None)
        found: Array = self.__dict__["_raw"]
        return found

    def _set(self, raw: Any) -> None:
        self.__dict__["_raw"] = raw

    raw = property(_looked_at, _set)
