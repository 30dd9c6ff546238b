"""Codes of which each byte or word holds several from far apart: rows ``i``, ``i + n``, ``i + 2 n`` … of a matrix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...analysis.layers.values import Array, Values
from ..packed import ROWS_OF, Packing


@dataclass(frozen=True, eq=False)
class StridedCodes:
    """A matrix of codes with a scale and a zero point for each row or each column.

    Args:
        packed: bytes or words ``(rows / codes in one, columns)``.
        rows: of the matrix.
        shifts: by how many bits the first, second … code of a word is shifted.
        bits: of a code.
        scales: ``(rows, 1)`` or ``(1, columns)``.
        zeros: as ``scales``, in codes.
        offsets: as ``scales``, what is added to the product; ``None`` for nothing.
    """

    packed: Array
    rows: int
    shifts: tuple[int, ...]
    bits: int
    scales: Array
    zeros: Array | None = None
    offsets: Array | None = None

    @property
    def columns(self) -> int:
        """Of the matrix."""
        return int(self.packed.shape[1])

    def codes(self, first: int, last: int) -> Array:
        """Those of the rows ``first`` to ``last``."""
        place, at = np.divmod(np.arange(first, last), len(self.packed))
        shifts = np.array(self.shifts, self.packed.dtype)[place]
        return np.asarray(self.packed[at] >> shifts[:, None] & self.packed.dtype.type((1 << self.bits) - 1))

    def numbers(self, first: int, last: int) -> Array:
        """The numbers of some rows, float32."""
        found = self.codes(first, last).astype(np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            if self.zeros is not None:
                found -= self._rows(self.zeros, first, last)
            found *= self._rows(self.scales, first, last)
            if self.offsets is not None:
                found += self._rows(self.offsets, first, last)
        return found

    def values(self, shape: tuple[int, ...]) -> Values:
        """The numbers in a shape of as many, row by row."""
        size = self.packed.nbytes
        return Values(
            shape, f"uint{self.bits}", self.packed.reshape(-1), num_bytes=size, decode=self.numbers, unit=self.columns
        )

    def packing(self, group_size: int | None) -> Packing:
        """How it is packed."""
        return Packing(self.bits, group_size, self._parts)

    def _parts(self) -> Iterator[tuple[Array, Array, Array | None]]:
        zeros = self.zeros
        if zeros is None and self.offsets is not None:
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                zeros = np.asarray(-self.offsets / self.scales)
        step = max(ROWS_OF // max(self.columns, 1), 1)
        for first in range(0, self.rows, step):
            some = slice(None) if first == 0 else slice(0, 0)
            flat = None if zeros is None else zeros.reshape(-1)[some]
            yield self.codes(first, min(first + step, self.rows)), self.scales.reshape(-1)[some], flat

    @staticmethod
    def _rows(table: Array, first: int, last: int) -> Array:
        return table if len(table) == 1 else table[first:last]
