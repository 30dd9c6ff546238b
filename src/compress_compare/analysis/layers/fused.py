"""Statistics in compiled loops that read each number once or twice, where the package carries them (``fused.c``).

They take float32 numbers and codes of 16 bits. For others, or where they are missing, those who call them do the same
work with NumPy: counts are equal, and sums differ by the rounding of double precision.
``benchmarks/layers_weights.py`` measures them.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from .values import Array

VERSION = 1
"""What ``cc_version`` of the source says."""

LEAST = 1 << 14
"""Numbers from which scattering them to buckets costs less than sorting them."""

_SUFFIX = {"darwin": "dylib", "win32": "dll"}.get(sys.platform, "so")


@cache
def library() -> Any | None:
    """The compiled loops; ``None`` where the package has none, or has those of another version."""
    try:
        found = ctypes.CDLL(f"{__file__.removesuffix('fused.py')}_fused.{_SUFFIX}")
        return found if found.cc_version() == VERSION else None
    except (OSError, AttributeError):
        return None


def takes(*arrays: Array) -> bool:
    """Whether the loops can be used for numbers that are float32."""
    return all(array.dtype == np.float32 for array in arrays) and library() is not None


def span(numbers: Array) -> tuple[float, float]:
    """The least and the greatest finite number; infinity and minus infinity where there is none."""
    found = np.empty(2)
    _call("cc_span", numbers, numbers.size, found)
    return float(found[0]), float(found[1])


def own(numbers: Array, edges: Array, *, right: Array) -> tuple[dict[str, Any], Array]:
    """What ``statistics.Own`` says of some numbers, and where edges stand among them.

    Args:
        numbers: float32, in any order, finite or not.
        edges: float32, of any shape.
        right: for each edge, whether numbers that equal it are counted too.

    Returns:
        ``nonfinite``, ``zeros``, ``distinct``, ``total``, ``absolute``, ``squares``, ``minimum``, ``maximum`` and
        ``repeated``, the sum of ``n · log2 n`` over values that stand n times; and for each edge how many finite
        numbers are below it. Sums are over all numbers, the rest is over those that are finite.

    Raises:
        MemoryError: there is no room for four bytes for each number and 1.2 MB.
    """
    found = np.zeros(9, np.int64)
    below, room = np.empty(edges.shape, np.int64), np.empty(numbers.size, np.uint32)
    flags = np.ascontiguousarray(right, np.uint8)
    if _call("cc_own", numbers, numbers.size, edges, flags, edges.size, below, room, found):
        raise MemoryError
    names = ("nonfinite", "zeros", "distinct", "total", "absolute", "squares", "minimum", "maximum", "repeated")
    numbers_found = (*found[:3].tolist(), *found[3:].view(np.float64).tolist())
    return dict(zip(names, numbers_found, strict=True)), below


def row_squares(numbers: Array, width: int) -> Array:
    """The sum of the squares of each row of ``width`` float32 numbers; the last may be shorter."""
    found = np.empty(-(-numbers.size // width))
    _call("cc_rows", numbers, numbers.size, width, found)
    return found


@dataclass(frozen=True)
class Compared:
    """What ``cc_change`` finds of two pieces.

    Args:
        base_rows: the sum of the squares of each row of the base, ``(rows,)``.
        model_rows: of the model's.
        bands: see ``bands.change_bands``; right for finite numbers.
        zeros: in both, in the base, in the model.
        sums: of ``|model − base|``, ``(model − base)²`` and ``model · base``; not finite where a number is not.
    """

    base_rows: Array
    model_rows: Array
    bands: Array
    zeros: tuple[int, int, int]
    sums: tuple[float, float, float]


def change(base: Array, model: Array, *, width: int) -> Compared:
    """Compare float32 numbers of one size, in rows of ``width``, the last of which may be shorter."""
    theirs, ours = (np.empty(-(-base.size // width)) for _ in range(2))
    found = np.empty(12, np.int64)
    _call("cc_change", base, model, base.size, width, theirs, ours, found)
    both, in_base, in_model = found[6:9].tolist()
    absolute, squares, product = found[9:].view(np.float64).tolist()
    return Compared(theirs, ours, found[:6], (both, in_base, in_model), (absolute, squares, product))


def zeros(first: Array, second: Array) -> tuple[int, int, int]:
    """Zeros of either sign in both, in the first and in the second of two arrays of codes that say so.

    Args:
        first: float32, or codes of 16 bits whose highest bit is the sign and whose others are 0 for zero alone.
        second: of the same type and size.
    """
    found = np.empty(3, np.int64)
    _call(f"cc_zeros{8 * first.dtype.itemsize}", first, second, first.size, found)
    both, one, two = found.tolist()
    return both, one, two


def codes(numbers: Array) -> Array:
    """How often each code of 16 bits stands, ``(65536,)``."""
    found = np.zeros((2, 1 << 16), np.int64)
    _call("cc_codes16", numbers, numbers.size, found)
    return np.asarray(found.sum(0))


def _call(name: str, *arguments: Array | int) -> int:
    """Call a loop with the addresses of arrays, which it reads as they lie, and with counts of 64 bits."""
    kept = [np.require(each, requirements=("C", "A")) if isinstance(each, np.ndarray) else each for each in arguments]
    passed = [ctypes.c_int64(each) if isinstance(each, int) else ctypes.c_void_p(each.ctypes.data) for each in kept]
    return int(getattr(library(), name)(*passed))
