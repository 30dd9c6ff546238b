"""All numbers of one tensor: what distinct values, entropy, range and histograms are read from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from . import fused
from .values import Array, Values

PIECE = 1 << 18
LONG = 1 << 22
"""Codes that are counted at once."""
SORTED_AT_ONCE = 1 << 24
DECODED_AT_ONCE = 1 << 25
"""Numbers that cost more to decode than to hold."""

Part = tuple[Array, Array | None]


def parts(tensor: Values) -> Iterator[Part]:
    """The numbers in parts that have no value in common.

    Codes are counted. Of tensors with more than sixteen million wider numbers, the finite ones come by ranges of values
    between pivots from a sample, and what equals a pivot is counted, so that memory stays bounded however often one
    value stands.

    Returns:
        Pairs of finite ascending numbers and how often each stands, or of numbers in any order, finite or not, and
        ``None``.
    """
    if tensor.table is not None:
        yield _counted(tensor.table, code_counts(tensor))
    elif tensor.count <= (SORTED_AT_ONCE if tensor.decode is None else DECODED_AT_ONCE):
        yield _gathered(tensor), None
    else:
        yield from _by_ranges(tensor)


def code_counts(tensor: Values) -> Array:
    """How often each code stands: ``(256,)`` or ``(65536,)``."""
    size = 256 if tensor.raw.dtype.itemsize == 1 else 65536
    counts = np.zeros(size, np.int64)
    fast = tensor.raw.dtype == np.uint16 and tensor.count >= fused.LEAST and fused.library()
    step = LONG if fast else PIECE
    for start in range(0, tensor.count, step):
        piece = tensor.raw[start : start + step]
        counts += fused.codes(piece) if fast else np.bincount(piece, minlength=size)
    return counts


def finite_range(tensor: Values) -> tuple[float, float]:
    """The smallest and the largest finite number; ``(inf, -inf)`` where there is none."""
    low, high = np.inf, -np.inf
    for start in range(0, tensor.count, PIECE):
        piece = tensor.numbers(start, min(start + PIECE, tensor.count))
        if fused.takes(piece):
            bottom, top = fused.span(piece)
            low, high = min(low, bottom), max(high, top)
            continue
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
    if weights is not None:
        return weights.size, _bits(weights)
    distinct, bits = 0, 0.0
    for piece in _pieces(ordered):
        same = piece[1:] == piece[:-1]
        num_same = int(np.count_nonzero(same))
        distinct += piece.size - num_same
        bits += _bits(_runs(same, num_same))
    return distinct, bits


def _pieces(ordered: Array) -> Iterator[Array]:
    """Pieces of ascending numbers that have no value in common."""
    start = 0
    while start < ordered.size:
        stop = start + PIECE
        if stop < ordered.size:
            stop = start + int(np.searchsorted(ordered[start:], ordered[stop], "right"))
        yield ordered[start:stop]
        start = stop


def _runs(same: Array, num_same: int) -> Array:
    """How often each value stands, those that stand once left out where they are many.

    Args:
        same: for each number but the first, whether it equals the one before.
        num_same: how many do.
    """
    if 2 * num_same > same.size:
        return np.diff(np.flatnonzero(~same), prepend=-1, append=same.size)
    at = np.flatnonzero(same)
    if not at.size:
        return at
    return 1 + np.diff(np.flatnonzero(np.diff(at) != 1), prepend=-1, append=at.size - 1)


def _bits(counts: Array) -> float:
    """The sum of ``n · log2 n``."""
    repeated = counts[counts > 1].astype(float)
    return float((repeated * np.log2(repeated)).sum())


def _counted(table: Array, counts: Array) -> Part:
    found = np.flatnonzero((counts > 0) & np.isfinite(table))
    numbers, which = np.unique(table[found], return_inverse=True)
    return numbers, np.bincount(which, counts[found], numbers.size).astype(np.int64)


def ascending(numbers: Array) -> Array:
    """The finite ones in ascending order."""
    return _finite(np.sort(numbers))


def _gathered(tensor: Values) -> Array:
    """All numbers; those that are packed are decoded a piece at a time."""
    if tensor.decode is None:
        return tensor.numbers(0, tensor.count)
    gathered = np.empty(tensor.count, tensor.kind)
    for start in range(0, tensor.count, PIECE):
        gathered[start : start + PIECE] = tensor.numbers(start, min(start + PIECE, tensor.count))
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
    # a sample's quantiles are near those of all: half as many again, and no range is too large to be sorted
    num_ranges = math.ceil(1.5 * tensor.count / SORTED_AT_ONCE)
    between = np.linspace(0, sample.size - 1, num_ranges + 1)[1:-1].astype(int)
    pivots = np.unique(sample[between]) if sample.size else sample
    bounds = [-np.inf, *pivots.tolist(), np.inf]
    for low, high in pairwise(bounds):
        inside, equal = _selected(tensor, low, high)
        yield inside, None
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
