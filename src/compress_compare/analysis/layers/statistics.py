"""Statistics of tensors and of pairs of tensors that add up: those of a module are the sum of those of its tensors.

All sums are held in double precision. Numbers that are not finite are counted, and they are not hidden: a sum that
meets one is infinite or NaN. Ranges, distinct values, entropy and histograms are over finite numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, replace

import numpy as np

from . import bands, distribution, fused, histogram, norms
from .norms import ChannelRows, Norms
from .values import Array, Values

PIECE = norms.PIECE
BLOCK = norms.BLOCK
LONG = 1 << 20
"""Entries that are looked at without being decoded."""


@dataclass(frozen=True)
class Own:
    """What is said about one tensor by itself.

    Args:
        count: numbers.
        nonfinite: NaN and infinities among them.
        zeros: zeros of either sign.
        total: sum of the numbers.
        absolute: sum of their absolute values.
        squares: sum of their squares.
        minimum: smallest finite number.
        maximum: largest finite number.
        distinct: distinct finite values; of several tensors, the sum, since each has a codebook of its own.
        code_bits: bits that an ideal code of the values takes, each tensor with its own code; ``code_bits / finite
            count`` is the entropy.
    """

    count: int = 0
    nonfinite: int = 0
    zeros: int = 0
    total: float = 0.0
    absolute: float = 0.0
    squares: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf
    distinct: int = 0
    code_bits: float = 0.0

    def __add__(self, other: Own) -> Own:
        added = {part.name: getattr(self, part.name) + getattr(other, part.name) for part in fields(Own)}
        extremes = {"minimum": min(self.minimum, other.minimum), "maximum": max(self.maximum, other.maximum)}
        return Own(**added | extremes)

    @property
    def mean_absolute(self) -> float | None:
        """Mean of the absolute values; ``None`` without numbers."""
        return self.absolute / self.count if self.count else None

    @property
    def entropy_bits(self) -> float | None:
        """Bits per number; ``None`` without finite numbers."""
        finite = self.count - self.nonfinite
        return self.code_bits / finite if finite else None


@dataclass(frozen=True)
class Zeros:
    """Zeros of a model and its base: in both, only in the one, only in the other."""

    both: int = 0
    model_only: int = 0
    base_only: int = 0

    @staticmethod
    def of(counts: Iterable[int]) -> Zeros:
        """From how many are zero in both, in the base and in the model."""
        both, base, model = counts
        return Zeros(both, model - both, base - both)

    def __add__(self, other: Zeros) -> Zeros:
        return Zeros(self.both + other.both, self.model_only + other.model_only, self.base_only + other.base_only)


@dataclass(frozen=True)
class ChangeSums:
    """Sums over the pairs of numbers of a model and its base.

    Args:
        count: pairs.
        absolute: sum of ``|model − base|``.
        squares: sum of ``(model − base)²``.
        product: sum of ``model · base``.
        base_squares: sum of ``base²``.
        model_squares: sum of ``model²``.
        bands: six counts, see ``bands.change_bands``.
        zeros: of both.
        norms: of the output channels.
    """

    count: int = 0
    absolute: float = 0.0
    squares: float = 0.0
    product: float = 0.0
    base_squares: float = 0.0
    model_squares: float = 0.0
    bands: Array = field(default_factory=lambda: np.zeros(bands.NUM_BANDS, np.int64))
    zeros: Zeros = field(default_factory=Zeros)
    norms: Norms = field(default_factory=Norms)

    def __add__(self, other: ChangeSums) -> ChangeSums:
        return ChangeSums(*(getattr(self, part.name) + getattr(other, part.name) for part in fields(ChangeSums)))

    @property
    def mean_absolute(self) -> float | None:
        """Mean of ``|model − base|``; ``None`` without pairs."""
        return self.absolute / self.count if self.count else None

    @property
    def relative_error(self) -> float | None:
        """Length of the change over length of the base; infinite where the base is zero and the model is not."""
        if not self.count:
            return None
        if self.squares == 0:
            return 0.0
        return math.sqrt(self.squares / self.base_squares) if self.base_squares else math.inf * self.squares

    @property
    def sqnr_db(self) -> float | None:
        """Signal to quantization noise in dB: ten times the logarithm of squares of the base over squares of change."""
        error = self.relative_error
        if error is None or math.isnan(error):
            return error
        return -20 * math.log10(error) if error else math.inf

    @property
    def cosine(self) -> float | None:
        """Cosine of the angle between model and base; ``None`` where one of them is zero everywhere."""
        length = math.sqrt(self.base_squares) * math.sqrt(self.model_squares)
        if not length:
            return None
        return max(-1.0, min(1.0, self.product / length)) if math.isfinite(length) else math.nan


def own(tensor: Values, bins: Array, *, squares: float | None = None) -> tuple[Own, Array]:
    """Statistics of one tensor by itself.

    Args:
        tensor: of any size.
        bins: edges of the histograms to make, ``(histograms, 65)``.
        squares: the sum of squares, where that is known already.

    Returns:
        The statistics, and counts ``(histograms, 66)``.
    """
    counted = np.zeros((len(bins), bins.shape[1] + 1), np.int64)
    finite, result, needs_squares = 0, Own(), False
    for numbers, weights in distribution.parts(tensor):
        if weights is None and numbers.size >= fused.LEAST and fused.takes(numbers):
            part, counts = _of_any_order(numbers, bins)
        else:
            ordered = distribution.ascending(numbers) if weights is None else numbers
            part, counts = _of_ordered(ordered, weights, bins)
            needs_squares |= weights is None
        finite += part.count
        result += part
        counted += counts
    code_bits = max(finite * math.log2(finite) + result.code_bits, 0.0) if finite else 0.0
    result = replace(result, count=tensor.count, nonfinite=tensor.count - finite, code_bits=code_bits)
    if result.nonfinite:
        return _not_hidden(result, tensor), counted
    if needs_squares:
        result = replace(result, squares=_squares(tensor) if squares is None else squares)
    return result, counted


def zeros(base: Values, model: Values) -> Zeros:
    """Compare the zeros of two tensors of one shape."""
    both = in_base = in_model = 0
    if base.has_sign_bit and model.has_sign_bit and base.raw.dtype == model.raw.dtype and fused.library():
        for start in range(0, base.count, LONG):
            found = fused.zeros(base.raw[start : start + LONG], model.raw[start : start + LONG])
            both, in_base, in_model = both + found[0], in_base + found[1], in_model + found[2]
        return Zeros.of((both, in_base, in_model))
    for start, stop in pieces(base.count):
        first, second = base.zeros(start, stop), model.zeros(start, stop)
        in_base += int(np.count_nonzero(first))
        in_model += int(np.count_nonzero(second))
        both += int(np.count_nonzero(first & second))
    return Zeros.of((both, in_base, in_model))


def change(base: Values, model: Values) -> ChangeSums:
    """Compare the numbers of two tensors of one shape."""
    narrow = base.table is not None and model.table is not None
    rows = ChannelRows(model.shape, compared=True)
    parts = (_piece(base.numbers(*span), model.numbers(*span), narrow=narrow, rows=rows) for span in rows.pieces())
    return replace(sum(parts, ChangeSums()), norms=rows.norms)


def pieces(count: int) -> Iterator[tuple[int, int]]:
    """Starts and stops of pieces that stay in the cache of the processor."""
    return ((start, min(start + PIECE, count)) for start in range(0, count, PIECE))


def _of_any_order(numbers: Array, bins: Array) -> tuple[Own, Array]:
    """As ``_of_ordered``, of float32 numbers that need not be finite; ``squares`` is known."""
    limits, right = histogram.limits(bins, numbers.dtype)
    found, below = fused.own(numbers, limits, right=right)
    finite = numbers.size - found.pop("nonfinite")
    own = Own(count=finite, code_bits=-found.pop("repeated"), **found)
    return own, histogram.of_below(below, finite)


def _of_ordered(ordered: Array, weights: Array | None, bins: Array) -> tuple[Own, Array]:
    """Of finite numbers in ascending order: ``count`` is how many there are, ``code_bits`` still lacks what the number
    of all numbers adds, and without weights ``squares`` is left out."""
    if not ordered.size:
        return Own(), np.zeros((len(bins), bins.shape[1] + 1), np.int64)
    distinct, repeated = distribution.distinct_and_bits(ordered, weights)
    first, last = (ordered.searchsorted(ordered.dtype.type(0), side) for side in ("left", "right"))
    zeros, squares = int(last - first), 0.0
    if weights is None:
        negative, positive = _total(ordered[:first]), _total(ordered[last:])
    else:
        often = ordered * weights.astype(np.float64)
        negative, positive = float(often[:first].sum()), float(often[last:].sum())
        zeros, squares = int(weights[first:last].sum()), _dot(often, ordered.astype(np.float64))
    own = Own(
        count=ordered.size if weights is None else int(weights.sum()),
        zeros=zeros,
        total=positive + negative,
        absolute=positive - negative,
        squares=squares,
        minimum=float(ordered[0]),
        maximum=float(ordered[-1]),
        distinct=distinct,
        code_bits=-repeated,
    )
    return own, histogram.counts(ordered, bins, weights=weights)


def _squares(tensor: Values) -> float:
    numbers = (tensor.numbers(start, stop).astype(np.float64) for start, stop in pieces(tensor.count))
    return sum(_dot(piece, piece) for piece in numbers)


def _not_hidden(result: Own, tensor: Values) -> Own:
    """The sums over all numbers, where some are not finite."""
    total = absolute = squares = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for start, stop in pieces(tensor.count):
            numbers = tensor.numbers(start, stop).astype(np.float64)
            total += float(numbers.sum())
            absolute += float(np.abs(numbers).sum())
            squares += _dot(numbers, numbers)
    return replace(result, total=total, absolute=absolute, squares=squares)


def _piece(base: Array, model: Array, *, narrow: bool, rows: ChannelRows) -> ChangeSums:
    """Compare two pieces, in compiled loops where they can be used."""
    if fused.takes(base, model):
        found = fused.change(base, model, width=rows.width(base.size))
        if math.isfinite(found.sums[0]):
            base_squares, model_squares = rows.add_squares(found.base_rows, found.model_rows, size=base.size)
            zeros = Zeros.of(found.zeros)
            sums = (*found.sums, base_squares, model_squares)
            return ChangeSums(base.size, *sums, found.bands, zeros)
    return _pair(base, model, narrow=narrow, rows=rows)


def _pair(base: Array, model: Array, *, narrow: bool, rows: ChannelRows) -> ChangeSums:
    """Compare two pieces. Products of narrow formats are exact in single precision; only blocks are summed in it."""
    with np.errstate(over="ignore", invalid="ignore"):
        first, second = (base, model) if narrow else (base.astype(np.float64), model.astype(np.float64))
        difference = second - first
        size = np.abs(difference)
        if narrow and size.size and not _safe(size, base, model):
            return _pair(base, model, narrow=False, rows=rows)
        absolute, squares = _total(size), _dot(difference, difference)
        # what single precision holds is divided in it: a change too large for that is above every band anyway
        size = size.astype(np.result_type(base, model), copy=False)
        base_squares, model_squares = rows.add(first, second)
        in_base, in_model = base == 0, model == 0
        return ChangeSums(
            base.size,
            absolute,
            squares,
            product=_dot(first, second),
            base_squares=base_squares,
            model_squares=model_squares,
            bands=bands.change_bands(np.abs(base), model, change=size),
            zeros=Zeros.of(int(np.count_nonzero(each)) for each in (in_base & in_model, in_base, in_model)),
        )


def _safe(*arrays: Array) -> bool:
    """Whether squares neither overflow nor vanish in single precision."""
    peaks = [max(float(array.max()), -float(array.min())) for array in arrays]
    return all(peak == 0 or 1e-12 < peak < 1e15 for peak in peaks)


def _total(numbers: Array) -> float:
    return float(numbers.sum(dtype=np.float64))


def _dot(first: Array, second: Array) -> float:
    """Sum of products, in blocks that are too short for rounding to gather or for the library to start threads."""
    whole = first.size // BLOCK * BLOCK
    blocks = np.vecdot(first[:whole].reshape(-1, BLOCK), second[:whole].reshape(-1, BLOCK))
    return float(blocks.sum(dtype=np.float64)) + float(np.vecdot(first[whole:], second[whole:]))
