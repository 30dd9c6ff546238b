"""Exact intervals for a mean difference by flipping signs: no distribution is assumed but symmetry about the mean.

If differences are symmetric about θ, flipping the sign of any of the ``x − θ`` changes nothing. Which θ the
randomization test over all flips does not refuse is read off the means of all subsets of the differences: θ lies below
the k-th smallest of them with probability ``k / 2ⁿ`` exactly, and likewise above the k-th largest. Source: Hartigan
(1969), Using subsample values as typical values, JASA 64, 1303–1317.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
MAX_BLOCKS = 12
"""More differences than this are flipped in as many blocks, which is as exact: flips of blocks are a group, too."""


def confidence(blocks: int) -> float:
    """The level of the interval of so many blocks: at least 95% from six on, below as much as there can be."""
    return 1.0 - 2 * _rank(blocks) / (1 << blocks)


def interval(
    sums: NDArray[np.float64], counts: NDArray[np.integer[Any]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of the intervals of several means.

    Args:
        sums: float64 ``[groups, MAX_BLOCKS]``, the sum of the differences of each block.
        counts: int64 ``[groups, MAX_BLOCKS]``, how many differences a block has; blocks in use come first.

    Returns:
        low and high, float64 ``[groups]``; NaN for groups of fewer than two blocks.
    """
    low = np.full(len(sums), np.nan)
    high = low.copy()
    used = np.count_nonzero(counts, axis=1)
    for blocks in range(2, MAX_BLOCKS + 1):
        groups = np.flatnonzero(used == blocks)
        if not len(groups):
            continue
        subsets = _subsets(blocks)
        means = (sums[groups, :blocks] @ subsets) / (counts[groups, :blocks] @ subsets)
        rank = _rank(blocks)
        ordered = np.partition(means, [rank - 1, means.shape[1] - rank], axis=1)
        low[groups], high[groups] = ordered[:, rank - 1], ordered[:, -rank]
    return low, high


def _rank(blocks: int) -> int:
    return max(1, int((1 - LEVEL) / 2 * (1 << blocks)))


def _subsets(blocks: int) -> NDArray[np.float64]:
    """``[blocks, subsets]``: 1 where a block is in a subset; the empty subset is not there."""
    return (np.arange(1, 1 << blocks) >> np.arange(blocks)[:, None] & 1).astype(np.float64)
