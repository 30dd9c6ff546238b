"""Numbers that a file holds as integer codes with scales and zero points: decoded some rows at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..analysis.layers.values import Array, Values

Parts = Callable[[], Iterable[tuple[Array, Array, Array | None]]]
ROWS_OF = 1 << 17
"""Numbers that are decoded at once to look at their codes."""


@dataclass(frozen=True, eq=False)
class Packing:
    """How a file packs the numbers of a tensor.

    Args:
        bits: of a code.
        group_size: numbers in a row that share a scale; ``None`` for a whole row, or for the whole tensor.
        parts: a piece at a time, the codes, the scales and the zero points (``None``: there are none).
    """

    bits: int
    group_size: int | None
    parts: Parts

    def ranges(self) -> dict[str, float | int | None]:
        """The smallest and largest code, scale and zero point, and how many scales there are."""
        found: dict[str, list[Array]] = {"code": [], "scale": [], "zero_point": []}
        num_scales = 0
        for part in self.parts():
            for name, numbers in zip(found, part, strict=True):
                finite = numbers if numbers is None else numbers[np.isfinite(numbers)]
                if finite is not None and finite.size:
                    found[name] += [finite.min(), finite.max()]
            num_scales += part[1].size
        return {"num_scales": num_scales} | {
            f"{name}_{end}": float(pick(extremes)) if extremes else None
            for name, extremes in found.items()
            for end, pick in (("min", min), ("max", max))
        }


@dataclass(frozen=True, eq=False)
class CodeGrid:
    """Rows of codes; each number is ``(code − zero) · scale``.

    Args:
        codes: those of the rows ``first`` to ``last``, ``(rows, columns)``.
        shape: of the tensor; the first dimension counts rows.
        scales: ``(rows, groups)``, or one row or one group for all.
        zeros: as ``scales``; ``None`` for none.
        groups: for each column, its group; ``None`` where groups are runs of equal length.
    """

    codes: Callable[[int, int], Array]
    shape: tuple[int, ...]
    scales: Array
    zeros: Array | None = None
    groups: Array | None = None

    @property
    def columns(self) -> int:
        """Numbers of a row."""
        return math.prod(self.shape[1:])

    @property
    def group_size(self) -> int | None:
        """Numbers of a row that share a scale; ``None`` where all do."""
        groups = self.scales.shape[1]
        return None if groups == 1 else math.ceil(self.columns / groups)

    def numbers(self, first: int, last: int) -> Array:
        """The numbers of some rows, float32."""
        numbers = self.codes(first, last).astype(np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            if self.zeros is not None:
                numbers -= self._spread(self.zeros, first, last)
            numbers *= self._spread(self.scales, first, last)
        return numbers

    def values(self, dtype: str, raw: Array) -> Values:
        """The numbers as an array that is decoded when it is read; ``raw`` is what it is decoded from."""
        return Values(self.shape, dtype, raw, num_bytes=raw.nbytes, decode=self.numbers, unit=max(self.columns, 1))

    def packing(self, bits: int) -> Packing:
        """How it is packed."""
        return Packing(bits, self.group_size, self._parts)

    def _parts(self) -> Iterable[tuple[Array, Array, Array | None]]:
        step = max(ROWS_OF // max(self.columns, 1), 1)
        for first in range(0, self.shape[0], step):
            last = min(first + step, self.shape[0])
            few = first == 0 or len(self.scales) > 1
            yield (
                self.codes(first, last),
                self._rows(self.scales, first, last) if few else self.scales[:0],
                None if self.zeros is None else self._rows(self.zeros, first, last),
            )

    def _spread(self, table: Array, first: int, last: int) -> Array:
        rows = self._rows(table, first, last)
        if rows.shape[1] == 1:
            return rows
        groups = self.groups
        if groups is None:
            groups = np.arange(self.columns) // math.ceil(self.columns / rows.shape[1])
        return rows[:, groups]

    @staticmethod
    def _rows(table: Array, first: int, last: int) -> Array:
        return table if len(table) == 1 else table[first:last]


def stream(rows: Array, count: int, *, bits: int) -> Array:
    """Codes that stand bit after bit in rows of bytes, the lowest first: ``(rows, count)`` uint8.

    Args:
        rows: ``(rows, bytes)`` uint8.
        count: codes in a row.
        bits: 1–8 of each.
    """
    if bits == 8:
        return rows[:, :count]
    if bits == 4:
        codes: Array = np.empty((len(rows), 2 * rows.shape[1]), np.uint8)
        codes[:, 0::2], codes[:, 1::2] = rows & 15, rows >> 4
        return codes[:, :count]
    single = np.unpackbits(rows, axis=1, bitorder="little", count=count * bits).reshape(len(rows), count, bits)
    return np.packbits(single, axis=2, bitorder="little")[:, :, 0]


def table(numbers: Any, rows: int) -> Array | None:
    """Scales or zero points as ``(rows, groups)`` float32; ``None`` where they do not fit the rows."""
    array = np.asarray(numbers, np.float32)
    if array.size == 1:
        return array.reshape(1, 1)
    if array.ndim and array.shape[0] == rows and array.size % rows == 0:
        return array.reshape(rows, -1)
    return None
