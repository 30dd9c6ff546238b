"""Codes with a scale for each block of a tensor of any number of dimensions, decoded some rows at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..analysis.layers.values import Array, Values
from .packed import ROWS_OF, Packing

TILE = 128
"""The side of the square blocks in which weights of 8 bits are scaled; the last one may be cut off by the edge."""

USUAL = (128, 64, 32, 16, 256, 512)
"""Sizes of blocks that tools use, for tensors whose last block is cut off by the edge."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """Rows of codes; each number is ``(code − zero) · scale + offset``.

    Args:
        codes: those of the rows ``first`` to ``last``, ``(rows, last dimension)``; rows count all dimensions but the
            last.
        shape: of the tensor.
        scales: an entry for each block, with as many dimensions as the tensor.
        sizes: of a block in each dimension.
        zeros: as ``scales``; ``None`` for none.
        offsets: as ``scales``; ``None`` for none.
    """

    codes: Callable[[int, int], Array]
    shape: tuple[int, ...]
    scales: Array
    sizes: tuple[int, ...]
    zeros: Array | None = None
    offsets: Array | None = None

    @property
    def group_size(self) -> int | None:
        """Numbers of a row that share a scale; ``None`` where all do."""
        return None if self.scales.shape[-1] == 1 else self.sizes[-1]

    def numbers(self, first: int, last: int) -> Array:
        """The numbers of some rows, float32."""
        found = self.codes(first, last).astype(np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            if self.zeros is not None:
                found -= self._spread(self.zeros, first, last)
            found *= self._spread(self.scales, first, last)
            if self.offsets is not None:
                found += self._spread(self.offsets, first, last)
        return found

    def values(self, dtype: str, raw: Array) -> Values:
        """The numbers as an array that is decoded when it is read; ``raw`` is what it is decoded from."""
        unit = max(self.shape[-1], 1)
        return Values(self.shape, dtype, raw, num_bytes=raw.nbytes, decode=self.numbers, unit=unit)

    def packing(self, bits: int) -> Packing:
        """How it is packed."""
        return Packing(bits, self.group_size, self._parts)

    def _parts(self) -> Iterable[tuple[Array, Array, Array | None]]:
        rows = math.prod(self.shape[:-1])
        step = max(ROWS_OF // max(self.shape[-1], 1), 1)
        zeros = self.zeros
        if zeros is None and self.offsets is not None:
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                zeros = np.asarray(-self.offsets / self.scales)
        for first in range(0, rows, step):
            codes = self.codes(first, min(first + step, rows))
            if first == 0:
                yield codes, self.scales.reshape(-1), None if zeros is None else zeros.reshape(-1)
            else:
                yield codes, self.scales.reshape(-1)[:0], None if zeros is None else zeros.reshape(-1)[:0]

    def _spread(self, blocks: Array, first: int, last: int) -> Array:
        """The entries of the blocks for each number of some rows, or one for each row."""
        place = np.unravel_index(np.arange(first, last), self.shape[:-1]) if len(self.shape) > 1 else ()
        index = tuple(
            np.minimum(at // size, most - 1) for at, size, most in zip(place, self.sizes, blocks.shape, strict=False)
        )
        rows = blocks[index] if index else np.broadcast_to(blocks, (last - first, blocks.shape[-1]))
        if rows.shape[-1] == 1:
            return rows
        return rows[:, np.arange(self.shape[-1]) // self.sizes[-1]]


def fitted(
    scales: Array, shape: Sequence[int], *, block: Sequence[int] | None = None
) -> tuple[Array, tuple[int, ...]] | None:
    """Scales as an entry for each block, and the sizes of blocks; ``None`` where they do not say one way to fit.

    A single row or column of scales belongs to the dimension of its length: to the output channels where a list alone
    is given, to none where a row could mean either of two dimensions of one size.

    Args:
        scales: as they stand in the file.
        shape: of the tensor.
        block: sizes of blocks as a configuration says, for the last dimensions.
    """
    size, found = tuple(shape), np.asarray(scales, np.float32)
    if size and found.ndim == 2 * len(size) and set(found.shape[1::2]) == {1}:
        found = found.reshape(found.shape[::2])  # Model Optimizer keeps the dimensions within its blocks
    if not size:
        return None
    if found.size == 1:
        return found.reshape([1] * len(size)), size
    if found.ndim == 1 or (found.ndim == 2 and len(size) > 2 and found.shape[1] == 1):
        return (found.reshape(-1, *[1] * (len(size) - 1)), (1, *size[1:])) if found.size == size[0] else None
    if found.ndim != len(size):
        return None
    if found.shape[0] == 1 and found.ndim == 2 and size[0] == size[1]:
        return None
    if found.ndim == 2 and found.shape == (1, size[0]):
        return found.reshape(-1, 1), (1, size[1])
    given = _last(block, len(size))
    is_tiled = sum(1 < parts < whole or parts == 1 < whole for whole, parts in zip(size, found.shape, strict=True)) > 1
    sizes = [
        _size(whole, parts, wanted=wanted or (TILE if is_tiled and 1 < parts < whole else None))
        for whole, parts, wanted in zip(size, found.shape, given, strict=True)
    ]
    return None if None in sizes else (found, tuple(int(each or 1) for each in sizes))


def _last(block: Sequence[int] | None, count: int) -> list[int | None]:
    given = [each if isinstance(each, int) and each > 0 else None for each in block or ()][-count:]
    return [None] * (count - len(given)) + given


def _size(whole: int, parts: int, *, wanted: int | None) -> int | None:
    """The size of the blocks into which a dimension is cut; ``None`` where that is not certain."""
    if not 0 < parts <= whole:
        return None
    if wanted is not None and -(-whole // wanted) == parts:
        return wanted
    if whole % parts == 0:
        return whole // parts
    return next((size for size in USUAL if -(-whole // size) == parts), None)
