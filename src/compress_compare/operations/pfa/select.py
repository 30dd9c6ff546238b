"""Which units of a layer to keep: those least correlated with the others.

Suau, Zappella, Apostoloff: Filter distillation for network compression. WACV 2020, arXiv 1807.10585.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .spectrum import Floats, inactive

Selection = Literal["l1-max", "abs-max"]
Alive = NDArray[np.bool_]
_TIE = 1e-12


def correlations(covariance: Floats) -> Floats:
    """|ρ| [C, C] with zeros on the diagonal and for inactive units."""
    dead = inactive(covariance)
    deviations = np.sqrt(np.where(dead, 1.0, np.diagonal(covariance)))
    absolute: Floats = np.abs(covariance) / np.outer(deviations, deviations)
    absolute[dead] = 0
    absolute[:, dead] = 0
    np.fill_diagonal(absolute, 0)
    return absolute


def select(absolute: Floats, dead: Alive, *, count: int, by: Selection) -> list[int]:
    """The ``count`` units to keep, in order. Inactive units go first.

    Args:
        absolute: |ρ| [C, C], zeros on the diagonal.
        dead: [C], which units are inactive.
        count: from 1 to C.
        by: ``l1-max`` removes the unit with the largest sum of |ρ| over those that remain, the largest single |ρ|
            deciding ties; ``abs-max`` takes the most correlated pair and removes the one whose second largest |ρ| is
            higher.
    """
    alive = np.ones(len(absolute), dtype=bool)
    surplus = len(absolute) - count
    alive[np.flatnonzero(dead)[:surplus]] = False
    surplus -= int((~alive).sum())
    next_out: Callable[[Floats, Alive], int] = _l1_max if by == "l1-max" else _abs_max
    for _ in range(surplus):
        alive[next_out(absolute, alive)] = False
    return [int(index) for index in np.flatnonzero(alive)]


def _l1_max(absolute: Floats, alive: Alive) -> int:
    units = np.flatnonzero(alive)
    among = absolute[np.ix_(units, units)]
    sums = among.sum(axis=1)
    tied = np.flatnonzero(sums >= sums.max() - _TIE)
    return int(units[tied[among[tied].max(axis=1).argmax()]])


def _abs_max(absolute: Floats, alive: Alive) -> int:
    units = np.flatnonzero(alive)
    among = absolute[np.ix_(units, units)]
    first, second = np.unravel_index(among.argmax(), among.shape)
    others = np.delete(among[[first, second]], [first, second], axis=1)
    rivals = others.max(axis=1) if others.shape[1] else np.zeros(2)
    return int(units[first if rivals[0] > rivals[1] else second])
