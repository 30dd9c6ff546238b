"""All numbers of one tensor in order: what distinct values, entropy, range and histograms are read from."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from .values import Array, Values

PIECE = 1 << 18
SORTED_AT_ONCE = 1 << 22
DECODED_AT_ONCE = 1 << 25
"""Numbers that cost more to decode than to hold."""

Part = tuple[Array, Array | None]


def parts(tensor: Values) -> Iterator[Part]:
    """The finite numbers in ascending order, in parts that have no value in common.

    Codes are counted. Wider numbers are sorted; tensors of more than four million of them by ranges of values between
    pivots from a sample, and what equals a pivot is counted, so that memory stays bounded however often one value
    stands.

    Returns:
        Pairs of ascending numbers and how often each stands (``None``: each entry once, equal ones in a row).
    """
    if tensor.table is not None:
        yield _counted(tensor.table, code_counts(tensor))
    elif tensor.count <= (SORTED_AT_ONCE if tensor.decode is None else DECODED_AT_ONCE):
        yield _finite(_sorted(tensor)), None
    else:
        yield from _by_ranges(tensor)


def code_counts(tensor: Values) -> Array:
    """How often each code stands: ``(256,)`` or ``(65536,)``."""
    size = 256 if tensor.raw.dtype.itemsize == 1 else 65536
    counts = np.zeros(size, np.int64)
    for start in range(0, tensor.count, PIECE):
        counts += np.bincount(tensor.raw[start : start + PIECE], minlength=size)
    return counts


def finite_range(tensor: Values) -> tuple[float, float]:
    """The smallest and the largest finite number; ``(inf, -inf)`` where there is none."""
    low, high = np.inf, -np.inf
    for start in range(0, tensor.count, PIECE):
        piece = tensor.numbers(start, min(start + PIECE, tensor.count))
        bottom, top = float(piece.min()), float(piece.max())
        if not np.isfinite(top - bottom):
            piece = piece[np.isfinite(piece)]
            if not piece.size:
                continue
            bottom, top = float(piece.min()), float(piece.max())
        low, high = min(low, bottom), max(high, top)
    return low, high


def distinct_and_bits(ordered: Array, weights: Array | None) -> tuple[int, float]:
    """Number of distinct values of a part, and the sum over them of ``n · log2 n`` for values that stand n times."""
    if not ordered.size:
        return 0, 0.0
    if weights is None:
        new = np.flatnonzero(ordered[1:] != ordered[:-1])
        if new.size == ordered.size - 1:
            return ordered.size, 0.0
        weights = np.diff(new, prepend=-1, append=ordered.size - 1)
    repeated = weights[weights > 1].astype(float)
    return weights.size, float(repeated @ np.log2(repeated))


def _counted(table: Array, counts: Array) -> Part:
    found = np.flatnonzero((counts > 0) & np.isfinite(table))
    numbers, which = np.unique(table[found], return_inverse=True)
    return numbers, np.bincount(which, counts[found], numbers.size).astype(np.int64)


def _sorted(tensor: Values) -> Array:
    """All numbers in ascending order; those that are packed are decoded a piece at a time."""
    if tensor.decode is None:
        return np.sort(tensor.numbers(0, tensor.count))
    gathered = np.empty(tensor.count, tensor.kind)
    for start in range(0, tensor.count, PIECE):
        gathered[start : start + PIECE] = tensor.numbers(start, min(start + PIECE, tensor.count))
    gathered.sort()
    return gathered


def _finite(ordered: Array) -> Array:
    if ordered.size and not (np.isfinite(ordered[0]) and np.isfinite(ordered[-1])):
        ordered = ordered[np.isfinite(ordered)]
    return ordered


def _by_ranges(tensor: Values) -> Iterator[Part]:
    step = max(tensor.count // 65536, 1)
    sampled = [
        tensor.numbers(start, min(start + PIECE, tensor.count))[::step] for start in range(0, tensor.count, PIECE)
    ]
    sample = _finite(np.sort(np.concatenate(sampled)))
    num_pivots = max(8, tensor.count // SORTED_AT_ONCE)
    pivots = np.unique(sample[np.linspace(0, sample.size - 1, num_pivots).astype(int)]) if sample.size else sample
    bounds = [-np.inf, *pivots.tolist(), np.inf]
    for low, high in pairwise(bounds):
        between, equal = _selected(tensor, low, high)
        yield np.sort(between), None
        if equal:
            yield np.array([high], tensor.kind), np.array([equal])


def _selected(tensor: Values, low: float, high: float) -> tuple[Array, int]:
    """The numbers strictly between two, and how many equal the upper one if that is finite."""
    found, equal = [], 0
    lower, upper = np.array([low, high], tensor.kind)
    for start in range(0, tensor.count, PIECE):
        piece = tensor.numbers(start, min(start + PIECE, tensor.count))
        found.append(piece[(piece > lower) & (piece < upper)])
        equal += int(np.count_nonzero(piece == upper)) if np.isfinite(high) else 0
    return np.concatenate(found), equal
