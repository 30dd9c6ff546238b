"""What is known of each output channel of a tensor, and of its numbers by value, in one pass over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import matrix
from .values import Array, Values

CODEBOOK = 256
"""Distinct values up to which a tensor counts as palettized."""


@dataclass(frozen=True)
class Channels:
    """Rows of the matrix, each an output channel.

    Args:
        norm: Euclidean length of each, ``(rows,)``.
        peak: largest absolute number of each.
        zeros: how many of its numbers are zero.
        base_norm: length in the base; ``None`` without a counterpart.
        change: length of model − base; ``None`` without a counterpart.
        rms: root of the mean square of all finite numbers, and of all finite changes (0 without).
    """

    norm: Array
    peak: Array
    zeros: Array
    base_norm: Array | None
    change: Array | None
    rms: tuple[float, float]

    @property
    def relative(self) -> Array | None:
        """Length of the change over that in the base: infinite where only the base is zero, 0 where nothing changed."""
        if self.change is None or self.base_norm is None:
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(self.change == 0, 0.0, self.change / self.base_norm))


def channels(base: Values | None, model: Values) -> Channels:
    """Measure the channels of a model's tensor, and how they differ from those of the base's of the same shape."""
    rows, columns = matrix.size(model.shape)
    norm, peak, zeros = (np.zeros(rows) for _ in range(3))
    base_norm, change = (None, None) if base is None else (np.zeros(rows), np.zeros(rows))
    squares, counts = np.zeros(2), np.zeros(2)
    theirs = None if base is None else matrix.blocks(base, (0, rows), columns=(0, columns))
    with np.errstate(over="ignore", invalid="ignore"):
        for first, numbers in matrix.blocks(model, (0, rows), columns=(0, columns)):
            part = slice(first, first + len(numbers))
            norm[part] = np.sqrt(np.vecdot(numbers, numbers))
            peak[part] = np.abs(numbers).max(axis=1, initial=0)
            zeros[part] = np.count_nonzero(numbers == 0, axis=1)
            _add(numbers, squares, counts, 0)
            if theirs is not None and base_norm is not None and change is not None:
                other = next(theirs)[1]
                moved = numbers - other
                base_norm[part] = np.sqrt(np.vecdot(other, other))
                change[part] = np.sqrt(np.vecdot(moved, moved))
                _add(moved, squares, counts, 1)
    mean = np.sqrt(squares / np.maximum(counts, 1))
    return Channels(norm, peak, zeros, base_norm, change, (float(mean[0]), float(mean[1])))


def codebook(tensor: Values) -> tuple[Array, Array] | None:
    """The distinct finite values of a tensor in ascending order, and how many numbers have each.

    Returns:
        ``None`` where there are more than ``CODEBOOK``.
    """
    rows, columns = matrix.size(tensor.shape)
    known: dict[float, int] = {}
    for _, numbers in matrix.blocks(tensor, (0, rows), columns=(0, columns)):
        values, counts = np.unique(numbers[np.isfinite(numbers)], return_counts=True)
        if len(values) > CODEBOOK:
            return None
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            known[value] = known.get(value, 0) + count
        if len(known) > CODEBOOK:
            return None
    ordered = sorted(known)
    return np.array(ordered), np.array([known[value] for value in ordered], np.int64)


def _add(numbers: Array, squares: Array, counts: Array, at: int) -> None:
    finite = numbers[np.isfinite(numbers)]
    squares[at] += float(np.vecdot(finite, finite))
    counts[at] += finite.size
