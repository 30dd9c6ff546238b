"""What the numbers of a tensor show about how it was quantized or palettized, whoever did it and whatever is said.

Only what is exact counts: all numbers are whole multiples of a scale that some of them share, or there are few distinct
ones among many.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..analysis.layers.storage import packed_bytes
from ..analysis.layers.values import Array, Values
from ..readers import grids, kinds
from ..readers.dtypes import DTYPES
from ..readers.weights import FORGET_EVERY, Weights
from ..schemes.scheme import TensorScheme

LABELS = 256
"""Entries of a codebook at most."""

FEW_LABELS = 16
"""Entries where the numbers have 16 bits, of which there are not many anyway."""

BITS = (2, 3, 4, 5, 6, 8)
MAX_BITS = 8
SIZES = (256, 128, 64, 32, 16)
"""Weights that may share a scale or a codebook, besides whole tensors and channels."""

SAMPLE = 1 << 12
"""Numbers that are looked at."""

FEWEST = 8
"""Rows that are looked at, however long."""

AT_ONCE = 1 << 20
"""Numbers that are looked at together where all are."""

OFTEN = 4
"""How often each distinct number must stand on average, and how many numbers must share a scale."""

REPEATED = 0.02
"""Share of magnitudes that a row has had before, below which wide numbers are no codes."""

SAVED = 0.9
"""Of the bytes of plain numbers, what a scheme may take."""

WIDE = ("F32", "F64")
NAMES = {"F16": "float16", "BF16": "bfloat16"}


def schemes(weights: Weights, *, packed: bool = False) -> dict[str, TensorScheme]:
    """How tensors that no scheme speaks of are quantized or palettized; those of which nothing shows are left out.

    Args:
        weights: numbers in use.
        packed: whether to look also at the tensors that their file keeps packed.
    """
    found: dict[str, TensorScheme] = {}
    read = 0
    for name, stored in weights.tensors.items():
        values = stored.values
        if name in weights.schemes or values is None or len(stored.shape) < 2 or stored.unread or not values.count:
            continue
        if (stored.packing is not None and not packed) or not kinds.is_weight(name, stored):
            continue
        if stored.packing is None and stored.dtype not in (*WIDE, *NAMES):
            continue
        seen = of(values, dtype="F32" if stored.packing is not None else stored.dtype)
        if seen is not None:
            found[name] = seen
        read += stored.num_bytes
        if read > FORGET_EVERY:
            weights.forget()
            read = 0
    return found


def of(values: Values, *, dtype: str) -> TensorScheme | None:
    """How one tensor of two or more dimensions is quantized or palettized; ``None`` where nothing shows it.

    Codebooks of a tensor are looked for in all of it, scales and codebooks of its rows in rows from all over it.

    Args:
        values: the numbers in use.
        dtype: in which they are kept, as safetensors names it.
    """
    bits = DTYPES[dtype].bits
    best, least = None, SAVED * packed_bytes(TensorScheme(), values.shape, element_bits=bits, nonzero=values.count)
    for candidate in _candidates(_Numbers(values, dtype)):
        num_bytes = packed_bytes(candidate, values.shape, element_bits=bits, nonzero=values.count)
        if num_bytes < least:
            best, least = candidate, num_bytes
    return best


@dataclass(frozen=True)
class _Numbers:
    values: Values
    dtype: str

    @property
    def is_wide(self) -> bool:
        return self.dtype in WIDE

    @property
    def columns(self) -> int:
        return max(self.values.count // max(self.values.shape[0], 1), 1)

    def sample(self, size: int) -> Array:
        """Rows of so many numbers from all over the tensor, ``(rows, size)``."""
        whole = self.values.count // size
        count = min(max(SAMPLE // size, FEWEST), whole)
        starts = np.unique(np.linspace(0, whole - 1, count).astype(int)) * size
        return np.stack([self.values.numbers(start, start + size) for start in starts.tolist()])

    def across(self) -> Array:
        """The beginnings of columns, ``(columns, numbers)``: of the last dimensions together."""
        rows = min(self.values.shape[0], max(AT_ONCE // 4 // self.columns, FEWEST * FEWEST))
        some = self.values.numbers(0, rows * self.columns).reshape(rows, self.columns)
        picked = np.unique(np.linspace(0, self.columns - 1, min(self.columns, FEWEST * FEWEST)).astype(int))
        return np.ascontiguousarray(some[:, picked].T)

    def distinct(self) -> tuple[Array, int] | None:
        """All distinct numbers, and how many are not zero; ``None`` for many, or where some are not finite."""
        known, there = np.zeros(0, np.float32), 0
        for start in range(0, self.values.count, AT_ONCE):
            piece = self.values.numbers(start, min(start + AT_ONCE, self.values.count))
            known = np.union1d(known, piece)
            if len(known) > LABELS or not np.isfinite(known).all():
                return None
            there += int(np.count_nonzero(piece))
        return known, there

    def on_grid(self, rows: Array, bits: int, *, symmetric: bool) -> bool:
        """Whether each row lies on a grid of its own."""
        narrow = rows.astype(np.float32, copy=False)
        exact = np.array_equal(narrow, rows)
        return (
            exact and grids.fit(narrow, bits, symmetric=symmetric, dtype=NAMES.get(self.dtype, "float32")) is not None
        )


def _candidates(numbers: _Numbers) -> Iterator[TensorScheme]:
    """Of whole tensors, channels and groups, the smaller ones only where they need fewer bits."""
    fewest = MAX_BITS + 1
    for one in _of_tensor(numbers):
        fewest = min(fewest, one.bits or fewest)
        yield one
    sizes = [numbers.columns]
    if len(numbers.values.shape) == 2:
        sizes += [size for size in SIZES if size < numbers.columns and numbers.columns % size == 0]
    for size in sizes:
        found = _of_rows(numbers, numbers.sample(size), _shared(size, numbers.columns), below=fewest)
        if found is not None:
            fewest = found.bits or fewest
            yield found
    if fewest > MAX_BITS and len(numbers.values.shape) == 2:
        yield from _of_columns(numbers)


def _of_columns(numbers: _Numbers) -> Iterator[TensorScheme]:
    """Where output channels are columns, as in GPT-2."""
    columns, whole = numbers.across(), numbers.values.shape[0]
    for size in (whole, *(size for size in SIZES if size < whole and whole % size == 0)):
        rows = columns[:, : columns.shape[1] // size * size or None].reshape(-1, min(size, columns.shape[1]))
        shared = replace(_shared(size, whole), channel_axis=1)
        found = _of_rows(numbers, rows[: max(SAMPLE // rows.shape[1], FEWEST)], shared, below=MAX_BITS + 1)
        if found is not None:
            yield found
            return


def _shared(size: int, whole: int) -> TensorScheme:
    """A scale for so many numbers of a channel of so many."""
    if size == whole:
        return TensorScheme("quantized", strategy="channel")
    return TensorScheme("quantized", strategy="group", group_size=size)


def _of_tensor(numbers: _Numbers) -> Iterator[TensorScheme]:
    if len(np.unique(numbers.sample(numbers.columns))) > LABELS or (found := numbers.distinct()) is None:
        return
    distinct, there = found
    most = LABELS if numbers.is_wide else FEW_LABELS
    told = np.count_nonzero(distinct)  # of a constant and of a mask nothing is told
    if told < 2 or len(distinct) > most or OFTEN * len(distinct) > there:
        return
    yield TensorScheme("palettized", _label_bits(len(distinct)), codebook_size=len(distinct))
    for bits, symmetric in _grids(len(distinct)):
        if numbers.on_grid(distinct[None], bits, symmetric=symmetric):
            yield TensorScheme("quantized", bits, symmetric=symmetric)
            return


def _of_rows(numbers: _Numbers, rows: Array, plain: TensorScheme, *, below: int) -> TensorScheme | None:
    """How rows that share a scale or a codebook are stored in fewer bits; ``None`` where they are not."""
    size = rows.shape[1]
    there = np.count_nonzero(rows)
    most = most_distinct(rows)
    ends = np.where(rows.max(1) > -rows.min(1), rows.max(1), rows.min(1))[:, None]
    told = most_distinct(np.where(rows == 0, ends, rows))
    if told < 2 or there < OFTEN * len(rows) or _label_bits(most) >= below or not np.isfinite(rows).all():
        return None
    repeats = numbers.is_wide and _repeated(rows) > REPEATED * there
    for bits, symmetric in _grids(most):
        worth = bits < below and (repeats or 2 << bits <= size)
        if worth and numbers.on_grid(rows, bits, symmetric=symmetric):
            return replace(plain, bits=bits, symmetric=symmetric)
    if 1 < most <= (LABELS if numbers.is_wide else FEW_LABELS) and OFTEN * most * len(rows) <= there:
        return replace(plain, kind="palettized", bits=_label_bits(most), codebook_size=most)
    return None


def _grids(distinct: int) -> Iterator[tuple[int, bool]]:
    """Bits and whether symmetric, the fewest first, that so many distinct numbers can have."""
    return ((bits, symmetric) for bits in BITS if distinct <= 1 << bits for symmetric in (True, False))


def _label_bits(count: int) -> int:
    return max(1, math.ceil(math.log2(count)))


def most_distinct(rows: Array) -> int:
    """How many distinct numbers the row has that has the most, of ``(rows, numbers)``."""
    ordered = np.sort(rows, axis=1)
    return int((ordered[:, 1:] != ordered[:, :-1]).sum(axis=1).max(initial=0)) + 1


def _repeated(rows: Array) -> int:
    """How many numbers that are not zero have the magnitude of another one in their row."""
    ordered = np.sort(np.abs(rows), axis=1)
    return int(((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] > 0)).sum())
