"""How long the output channels of a tensor are, and how much longer or shorter they became."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from . import fused, matrix
from .values import Array, Values

PIECE = 1 << 17
BLOCK = 512
"""Numbers whose squares are summed in their own precision."""

SHORT = 64
"""Lengths of rows up to which they are summed side by side."""

EXACT = {4: (1e-30, 1e33), 8: (1e-290, 1e290)}
"""Sums of squares, by the bytes of a number, between which they have neither vanished nor overflown."""


@dataclass(frozen=True)
class Norms:
    """What is known about some channels.

    Args:
        channels: how many; a tensor of fewer than two dimensions has none.
        low: the least norm that is finite; infinite where there is none.
        high: the largest norm that is finite; minus infinity where there is none.
        dead: channels that are all zeros and were not in the base.
        change: the largest change of a norm over that in the base, infinite where only the base's is zero or only the
            model's is not finite. Channels whose norm in the base is not finite are passed over; minus infinity where
            none is left, or without a base.
        at: the channel that has it; -1 without.
    """

    channels: int = 0
    low: float = math.inf
    high: float = -math.inf
    dead: int = 0
    change: float = -math.inf
    at: int = -1

    def __add__(self, other: Norms) -> Norms:
        more = other.change > self.change
        return Norms(
            self.channels + other.channels,
            min(self.low, other.low),
            max(self.high, other.high),
            self.dead + other.dead,
            other.change if more else self.change,
            other.at if more else self.at,
        )

    @staticmethod
    def of(base: Array | None, model: Array, *, first: int = 0) -> Norms:
        """Of norms ``(channels,)``, the first of which is that of the channel ``first``."""
        low, high, dead, change, at = (column[0] for column in of_rows(_row(base), model.reshape(1, -1)))
        return Norms(model.size, float(low), float(high), int(dead), float(change), int(at) + first if at >= 0 else -1)


def of_rows(base: Array | None, model: Array) -> tuple[Array, Array, Array, Array, Array]:
    """``low``, ``high``, ``dead``, ``change`` and ``at`` of many tensors at once, each a row of norms."""
    known = np.isfinite(model)
    low = np.where(known, model, np.inf).min(1, initial=np.inf)
    high = np.where(known, model, -np.inf).max(1, initial=-np.inf)
    count = len(model)
    if base is None or not model.shape[1]:
        return low, high, np.zeros(count), np.full(count, -np.inf), np.full(count, -1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        change = np.abs(model - base) / base
    change[(model == base) & known] = 0
    change[~known] = np.inf
    change[~np.isfinite(base)] = -np.inf
    at = change.argmax(1)
    largest = change[np.arange(count), at]
    dead = np.count_nonzero((model == 0) & (base > 0), axis=1)
    return low, high, dead, largest, np.where(np.isneginf(largest), -1, at)


def lengths(squares: Array, numbers: Array) -> Array:
    """Norms from sums of squares; those that left the precision of the numbers are made anew.

    Args:
        squares: ``(rows,)``.
        numbers: the rows, one after another.
    """
    found = np.sqrt(squares.astype(np.float64))
    least, most = EXACT[numbers.dtype.itemsize]
    if squares.size and not (squares.min() > least and squares.max() < most):
        inexact = np.flatnonzero(~((squares > least) & (squares < most)))
        rows = numbers.reshape(len(squares), -1)[inexact].astype(np.float64)
        peaks = np.abs(rows).max(1, initial=0)
        peaks[~((peaks > 0) & np.isfinite(peaks))] = 1
        rows /= peaks[:, None]
        with np.errstate(invalid="ignore"):
            found[inexact] = peaks * np.sqrt(np.vecdot(rows, rows))
    return found


def square_sums(rows: Array) -> Array:
    """Sum of the squares of each row, ``(rows,)``: in blocks too short for rounding to gather or for the library to
    start threads."""
    width = rows.shape[1]
    if width <= SHORT:
        columns = rows.T
        return np.asarray(np.einsum("ij,ij->j", columns, columns))
    if width <= BLOCK:
        return np.asarray(np.vecdot(rows, rows))
    whole = width // BLOCK * BLOCK
    blocks = rows[:, :whole].reshape(len(rows), -1, BLOCK)
    sums = np.vecdot(blocks, blocks).sum(1, dtype=np.float64)
    return np.asarray(sums + square_sums(rows[:, whole:]) if whole < width else sums)


class ChannelRows:
    """The channels of a tensor while it passes by in pieces: of whole rows, or of a part of one that is long.

    Args:
        shape: of the tensor.
        compared: whether there is a base.
    """

    def __init__(self, shape: tuple[int, ...], *, compared: bool) -> None:
        self._shape = shape
        self._count = math.prod(shape)
        self._width = matrix.size(shape)[1] if len(shape) > 1 else 0
        self._compared = compared
        self._found = Norms()
        self._waiting: list[tuple[Array, ...]] = []
        self._seen = self._rows = self._kept = 0

    def pieces(self) -> Iterator[tuple[int, int]]:
        """Starts and stops of pieces that stay in the cache of the processor, in order."""
        width = self._width or 1
        if width > PIECE:
            for row in range(0, self._count, width):
                yield from ((start, min(start + PIECE, row + width)) for start in range(row, row + width, PIECE))
        else:
            step = PIECE // width * width
            yield from ((start, min(start + step, self._count)) for start in range(0, self._count, step))

    def add(self, *numbers: Array) -> list[float]:
        """Take in a piece of each tensor: the base's where there is one, and the model's, both of floating point.

        Returns:
            The sum of squares of each.
        """
        if not self._width:
            return [float(square_sums(part.reshape(1, -1))[0]) for part in numbers]
        squares = [square_sums(part.reshape(-1, min(self._width, part.size))) for part in numbers]
        self._take([lengths(*each) for each in zip(squares, numbers, strict=True)], numbers[0].size)
        return [float(each.sum(dtype=np.float64)) for each in squares]

    def add_squares(self, *squares: Array, size: int) -> list[float]:
        """As ``add``, of rows whose sums of squares are known in double precision, where those of single precision
        neither vanish nor overflow.

        Args:
            squares: of the rows that ``width`` cuts a piece into, ``(rows,)``, of each tensor.
            size: numbers in the piece.
        """
        if self._width:
            self._take([np.sqrt(each) for each in squares], size)
        return [float(each.sum()) for each in squares]

    def width(self, size: int) -> int:
        """How many numbers of a piece of some size have a row; all where there are no channels."""
        return min(self._width, size) or max(size, 1)

    def _take(self, found: list[Array], size: int) -> None:
        if self._seen % self._width:
            last = self._waiting.pop()
            found = [np.hypot(before, more) for before, more in zip(last, found, strict=True)]
        self._seen += size
        self._waiting.append(tuple(found))
        self._kept += len(found[0])
        if self._seen % self._width == 0 and self._kept >= PIECE:
            self._gather()

    def _gather(self) -> None:
        if self._waiting:
            *base, model = (np.concatenate(each) for each in zip(*self._waiting, strict=True))
            self._found += Norms.of(base[0] if base else None, model, first=self._rows)
            self._rows += len(model)
            self._waiting, self._kept = [], 0

    @property
    def norms(self) -> Norms:
        """Of all channels, once every piece has been taken in."""
        if len(self._shape) > 1 and not self._width:
            empty = np.zeros(self._shape[0])
            return Norms.of(empty if self._compared else None, empty)
        self._gather()
        return self._found


def of(model: Values) -> tuple[float, Norms]:
    """The sum of squares and the norms of a tensor without a counterpart."""
    rows, squares = ChannelRows(model.shape, compared=False), 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for span in rows.pieces():
            numbers = model.numbers(*span)
            if fused.takes(numbers):
                known = fused.row_squares(numbers, rows.width(numbers.size))
                squares += rows.add_squares(known, size=numbers.size)[0]
            else:
                squares += rows.add(numbers.astype(np.float64))[0]
    return squares, rows.norms


def _row(numbers: Array | None) -> Array | None:
    return None if numbers is None else numbers.reshape(1, -1)
