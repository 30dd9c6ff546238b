"""Integer codes and scales of weights that lie on a grid, so that ``(code − zero) · scale`` gives the numbers back.

A quantized model keeps its weights as ordinary floats. The scale is not kept; it is found here: the largest absolute
number of a group is a whole multiple of it, and the right multiple gives all other numbers of the group exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..analysis.layers.values import Array
from .packings.bitsandbytes import rounded

PROBED = 16
"""Numbers of a group that are looked at first."""
_NUDGES = 2


@dataclass(frozen=True, eq=False)
class IntegerGrid:
    """Codes with a scale for each row.

    Args:
        codes: whole numbers, signed, int16 [rows, columns]; the number is ``code · scale``.
        scales: float32 [rows].
    """

    codes: Array
    scales: Array


def fit(rows: Array, bits: int, *, symmetric: bool, dtype: str = "float32") -> IntegerGrid | None:
    """The codes and scales of rows of numbers; ``None`` where some row is on no grid of so many bits.

    Args:
        rows: float32 [rows, columns]; each has a scale of its own.
        bits: of a code. Symmetric codes go from −2^(bits−1) to 2^(bits−1) − 1; others span at most 2^bits levels.
        symmetric: whether zero is in the middle.
        dtype: in which the product of code and scale was rounded: ``float32``, ``float16`` or ``bfloat16``.
    """
    wide = rows.astype(np.float64)
    peaks = np.abs(rows).max(axis=1, initial=0.0).astype(np.float32)
    if not np.isfinite(peaks).all():
        return None
    codes, scales = np.zeros(rows.shape, np.int16), np.ones(len(rows), np.float32)
    left = np.flatnonzero(peaks > 0)
    most = 1 << (bits - 1) if symmetric else (1 << bits) - 1
    span = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if symmetric else None
    probes = np.linspace(0, rows.shape[1] - 1, min(PROBED, rows.shape[1])).astype(int)
    for multiple in _multiples(most, symmetric=symmetric):
        for nudge in _nudges(dtype):
            if not left.size:
                return IntegerGrid(codes, scales)
            scale = nudge(peaks[left] / np.float32(multiple))
            near = left[_fits(wide[np.ix_(left, probes)], scale, span=span, most=most, dtype=dtype)[1]]
            if not near.size:
                continue
            scale = nudge(peaks[near] / np.float32(multiple))
            found, good = _fits(wide[near], scale, span=span, most=most, dtype=dtype)
            codes[near[good]], scales[near[good]] = found[good], scale[good]
            left = np.setdiff1d(left, near[good], assume_unique=True)
    return IntegerGrid(codes, scales) if not left.size else None


def _multiples(most: int, *, symmetric: bool) -> Iterator[int]:
    """The codes that the largest number may have; the usual one first."""
    if symmetric and most > 1:
        yield most - 1
        yield most
        yield from range(most - 2, 0, -1)
    else:
        yield from range(most, 0, -1)


def _nudges(dtype: str) -> list[Callable[[Array], Array]]:
    """A scale and its neighbors, by which the division of the largest number may be off.

    The nearest come first, and of two as near the larger: short rows may lie on several grids.
    """

    def moved(steps: int) -> Callable[[Array], Array]:
        return lambda scale: (scale.view(np.int32) + np.int32(steps)).view(np.float32)

    if dtype == "float32":
        return [moved(step) for step in _outwards(_NUDGES)]
    unit = 1 << (16 if dtype == "bfloat16" else 13)
    return [moved(unit * step // 16) for step in _outwards(8)]


def _outwards(most: int) -> list[int]:
    """0, 1, −1, 2, −2 …"""
    return [0, *(step for near in range(1, most + 1) for step in (near, -near))]


def _fits(wide: Array, scale: Array, *, span: tuple[int, int] | None, most: int, dtype: str) -> tuple[Array, Array]:
    """The codes of rows, and which rows they give back exactly."""
    codes = np.rint(wide / scale[:, None].astype(np.float64))
    back = rounded((codes.astype(np.float32) * scale[:, None]).astype(np.float32), dtype)
    low, high = codes.min(axis=1, initial=0), codes.max(axis=1, initial=0)
    inside = (low >= span[0]) & (high <= span[1]) if span else high - low <= most
    return codes.astype(np.int16), (back == wide).all(axis=1) & inside
