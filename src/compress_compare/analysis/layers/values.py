"""A tensor as the analysis of layers sees it: flat numbers that are decoded a piece at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Values:
    """The numbers of one tensor in row-major order.

    Args:
        shape: of the tensor.
        dtype: as the file names it, e.g. ``BF16``.
        raw: one entry for each number: the numbers themselves, or codes of 8 or 16 bits.
        table: for codes, the number that each of the 256 or 65,536 codes stands for (float32); it makes statistics
            of one tensor exact from the counts of its codes.
        num_bytes: what the numbers take in the file.
        decode: for numbers that are packed in units, the float32 numbers of the units ``first`` to ``last``.
        unit: how many numbers such a unit has.
    """

    shape: tuple[int, ...]
    dtype: str
    raw: Array
    table: Array | None = None
    num_bytes: int = 0
    decode: Callable[[int, int], Array] | None = None
    unit: int = 1

    @staticmethod
    def of(array: Array) -> Values:
        """An ordinary array of numbers or booleans."""
        flat = np.ascontiguousarray(array).reshape(-1)
        return Values(array.shape, str(array.dtype), flat, num_bytes=flat.nbytes)

    @property
    def count(self) -> int:
        """How many numbers there are."""
        return math.prod(self.shape)

    def numbers(self, start: int, stop: int) -> Array:
        """The numbers ``start`` to ``stop``: float32, or float64 where that cannot hold them. Not to be written to."""
        if self.decode is not None:
            first, last = start // self.unit, -(-stop // self.unit)
            decoded = self.decode(first, last).reshape(-1)
            return decoded[start - first * self.unit : stop - first * self.unit]
        raw = np.require(self.raw[start:stop], requirements="A")
        if self.dtype == "BF16":
            wide = raw.astype(np.uint32)
            return np.left_shift(wide, 16, out=wide).view(np.float32)
        if self.table is not None:
            return self.table.take(raw)
        if raw.dtype == np.float32 or raw.dtype == np.float64:
            return raw
        exact = raw.dtype.itemsize <= 2 and raw.dtype.kind != "f"
        return raw.astype(np.float32 if exact or raw.dtype == np.float16 else np.float64)

    def zeros(self, start: int, stop: int) -> npt.NDArray[np.bool_]:
        """Which of the numbers ``start`` to ``stop`` are zero."""
        if self.decode is not None:
            return np.asarray(self.numbers(start, stop) == 0)
        raw = self.raw[start:stop]
        if self.table is None:
            return np.asarray(raw == 0)
        found = np.zeros(raw.shape, bool)
        for code in self._zero_codes:
            found |= raw == code
        return found

    @property
    def has_sign_bit(self) -> bool:
        """Whether all bits of an entry but the highest are 0 where its number is zero, and nowhere else."""
        if self.decode is not None:
            return False
        if self.table is None:
            return self.raw.dtype == np.float32
        return self.raw.dtype == np.uint16 and self._zero_codes.tolist() == [0, 1 << 15]

    @cached_property
    def _zero_codes(self) -> Array:
        codes: Array = np.arange(0) if self.table is None else np.flatnonzero(self.table == 0)
        return codes.astype(self.raw.dtype)

    @property
    def kind(self) -> np.dtype[Any]:
        """The type of what ``numbers`` returns for entries that are no codes."""
        if self.decode is not None:
            return np.dtype(np.float32)
        return self.raw.dtype if self.raw.dtype.kind == "f" else np.dtype(np.float64)

    def whole(self) -> Array:
        """All numbers in the shape of the tensor."""
        return self.numbers(0, self.count).reshape(self.shape)
