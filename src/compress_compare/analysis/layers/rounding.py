"""What rounding to a grid did to a tensor: the weights that its range cuts off, and the one that stretches it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from . import matrix
from .values import Values

FEW = 256
"""Distinct values up to which a tensor that does not say how it is stored counts as rounded."""

FEWEST_BITS = 3
"""Below, cutting off much of a bell curve is what the best grid does."""


@dataclass(frozen=True)
class Grid:
    """What a tensor was rounded to, as far as it is known.

    Args:
        bits: of a code.
        size: consecutive numbers of a row that share a scale; 0 where all of the tensor do.
    """

    bits: float
    size: int = 0

    @staticmethod
    def guessed(*, count: int, zeros: int, distinct: int) -> Grid | None:
        """That of a tensor that says nothing, with one scale for all: few values, and not only few that are left."""
        repeats = distinct <= 3 or distinct - 1 <= (count - zeros) / 2
        return Grid(math.log2(distinct + 1)) if 1 < distinct <= FEW and repeats else None

    @property
    def half_step(self) -> float:
        """Half of a step over the largest number of a symmetric grid."""
        return 0.5 / max(2 ** (self.bits - 1) - 1, 0.5)


def beyond(base: Values, model: Values, *, grid: Grid) -> tuple[int, float]:
    """The numbers of a base that are further from zero than the model's grid can write.

    Args:
        base: of the model's shape.
        model: rounded.
        grid: what to.

    Returns:
        How many are more than half a step beyond the largest number that shares their scale, and the largest of the
        ratios to it.
    """
    whole = matrix.size(model.shape)
    size = grid.size if grid.size and whole[1] % grid.size == 0 else whole[1]
    end = None if grid.size else max(_peak(model), 0.0)
    count, furthest = 0, 0.0
    blocks = (matrix.blocks(each, (0, whole[0]), columns=(0, whole[1])) for each in (base, model))
    for (_, first), (_, second) in zip(*blocks, strict=True):
        before = np.abs(first).reshape(-1, max(size, 1))
        ends = np.abs(second).reshape(-1, max(size, 1)).max(1, initial=0) if end is None else np.full(len(before), end)
        ends[~((ends > 0) & np.isfinite(ends))] = np.inf
        with np.errstate(invalid="ignore", over="ignore"):
            ratios = before / ends[:, None]
        far = ratios[np.isfinite(ratios) & (ratios > 1 + grid.half_step)]
        count += far.size
        furthest = max(furthest, float(far.max(initial=0)))
    return count, furthest


def stretch(peak: float, *, squares: float, count: int) -> float:
    """The largest number of a tensor over the root mean square of all others; 0 where there are none.

    Args:
        peak: its absolute value.
        squares: sum of the squares of all.
        count: of all.
    """
    rest = squares - peak**2
    # of less than rounding leaves nothing can be said
    return peak / math.sqrt(rest / (count - 1)) if count > 1 and rest > 1e-9 * squares else 0.0


def _peak(tensor: Values) -> float:
    rows, columns = matrix.size(tensor.shape)
    parts = matrix.blocks(tensor, (0, rows), columns=(0, columns))
    return max((float(np.abs(part).max(initial=0)) for _, part in parts), default=0.0)
