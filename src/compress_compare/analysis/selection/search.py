"""The smallest, simplest set of candidates that tells all rows apart.

Exact for sets of up to three: it solves the problem for a few pairs of rows that must be told apart, looks whether the
best set also tells all others apart, and if not adds pairs that it does not (constraint generation). A set that is best
for some of the pairs and holds for all of them is best for all. Larger sets are found greedily.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from .candidates import MIXED_OPERATIONS, Candidate

MAX_EXACT = 3
_FIRST_PAIRS = 5_000
"""Pairs required from the start: all for up to 70 rows, else those that stand near each other, so are most alike."""
_MORE_PAIRS = 500


def smallest_set(candidates: Sequence[Candidate], rows: int) -> list[Candidate] | None:
    """The best set of at most three that gives each of ``rows`` rows its own values, ``None`` if there is none."""
    search = _Search(candidates, rows)
    for size in range(min(MAX_EXACT, len(candidates)) + 1):
        found = search.best(size)
        if found is not None:
            return [candidates[i] for i in found]
    return None


def greedy_set(candidates: Sequence[Candidate], rows: int) -> list[Candidate] | None:
    """A set of any size that gives each row its own values, ``None`` if even all of them do not."""
    chosen: list[Candidate] = []
    groups = np.zeros(rows, np.int64)
    count = min(rows, 1)
    while count < rows:
        counts = [num_groups(groups, candidate.codes) for candidate in candidates]
        best = max(range(len(candidates)), key=lambda i: (counts[i], -i), default=-1)
        if best < 0 or counts[best] == count:
            return None
        chosen.append(candidates[best])
        groups, count = _refined(groups, candidates[best].codes), counts[best]
    for candidate in sorted(chosen, key=lambda c: -c.rank):
        rest = [other for other in chosen if other is not candidate]
        if num_groups(joint(rest, rows)) == rows:
            chosen = rest
    return chosen


def joint(candidates: Sequence[Candidate], rows: int) -> NDArray[np.int64]:
    """int64 ``[rows]``: equal for two rows exactly when all candidates are."""
    groups = np.zeros(rows, np.int64)
    for candidate in candidates:
        groups = _refined(groups, candidate.codes)
    return groups


def num_groups(groups: NDArray[np.int64], codes: NDArray[np.int32] | None = None) -> int:
    """How many different rows there are."""
    values = groups if codes is None else _paired(groups, codes)
    return int(np.count_nonzero(np.bincount(values)))


def _paired(groups: NDArray[np.int64], codes: NDArray[np.int32]) -> NDArray[np.int64]:
    return groups * (int(codes.max(initial=0)) + 1) + codes


def _refined(groups: NDArray[np.int64], codes: NDArray[np.int32]) -> NDArray[np.int64]:
    """Groups numbered from 0 without gaps."""
    values = _paired(groups, codes)
    used = np.bincount(values) > 0
    numbers: NDArray[np.int64] = np.cumsum(used) - 1
    return numbers[values]


class _Search:
    """Candidates with what is known so far about which pairs of rows each tells apart."""

    def __init__(self, candidates: Sequence[Candidate], rows: int) -> None:
        self.candidates = candidates
        self.rows = rows
        self.codes = np.array([candidate.codes for candidate in candidates], np.int32).reshape(len(candidates), rows)
        self.sizes = sorted(len(candidate.values) for candidate in candidates)
        self.costs = [_cost(candidate, rows) for candidate in candidates]
        self.pairs = np.empty((2, 0), np.int64)
        reach = max(1, _FIRST_PAIRS // max(rows, 1))
        for step in range(1, min(reach, rows - 1) + 1):
            self._require(np.arange(rows - step), np.arange(step, rows))

    def best(self, size: int) -> tuple[int, ...] | None:
        """The cheapest set of ``size`` candidates that tells all rows apart."""
        if math.prod(self.sizes[len(self.sizes) - size :]) < self.rows:
            return None
        while True:
            found = _cheapest(size, apart=self._requirements(), cost=self._total)
            if found is None:
                return None
            groups = joint([self.candidates[i] for i in found], self.rows)
            if num_groups(groups) == self.rows:
                return found
            order = np.argsort(groups, kind="stable")
            same = np.flatnonzero(groups[order][1:] == groups[order][:-1])[:_MORE_PAIRS]
            self._require(order[same], order[same + 1])

    def _require(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> None:
        self.pairs = np.concatenate([self.pairs, np.stack([first, second])], axis=1)

    def _requirements(self) -> NDArray[np.bool_]:
        """bool ``[candidates, pairs]``: whether it tells the pair apart; pairs that few tell apart come first."""
        apart = self.codes[:, self.pairs[0]] != self.codes[:, self.pairs[1]]
        ordered: NDArray[np.bool_] = apart[:, np.argsort(apart.sum(axis=0), kind="stable")]
        return ordered

    def _total(self, chosen: Sequence[int]) -> tuple[int, ...]:
        total = [sum(parts) for parts in zip(*(self.costs[i] for i in chosen), strict=True)]
        picked = [self.candidates[i] for i in chosen]
        explained = {candidate.place for candidate in picked if candidate.kind == "operation"}
        if total and not any(candidate.kind == "sequence" for candidate in picked):
            total[0] += MIXED_OPERATIONS * sum(c.mixed and c.place not in explained for c in picked)
        return tuple(total)


def _cheapest(
    size: int, *, apart: NDArray[np.bool_], cost: Callable[[tuple[int, ...]], tuple[int, ...]]
) -> tuple[int, ...] | None:
    """Of all sets of ``size`` that tell all pairs apart the cheapest, of equal ones the first.

    Some member of the set must tell the hardest pair apart that is still open, so only those are tried next.
    """
    told_apart = [int.from_bytes(row.tobytes(), "little") for row in np.packbits(apart, axis=1, bitorder="little")]
    everything = (1 << apart.shape[1]) - 1
    best: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    seen: set[tuple[int, ...]] = set()
    stack: list[tuple[tuple[int, ...], int]] = [((), everything)]
    while stack:
        chosen, missing = stack.pop()
        if len(chosen) == size:
            if not missing:
                found = (cost(chosen), chosen)
                best = found if best is None else min(best, found)
            continue
        hardest = (missing & -missing).bit_length() - 1
        for i in np.flatnonzero(apart[:, hardest]).tolist() if missing else range(len(told_apart)):
            left = missing & ~told_apart[i]
            larger = tuple(sorted((*chosen, i)))
            if (left and len(larger) == size) or i in chosen or larger in seen:
                continue
            seen.add(larger)
            stack.append((larger, left))
    return None if best is None else best[1]


def _cost(candidate: Candidate, rows: int) -> tuple[int, int, int]:
    """Rank; how many cells it adds to the grid (log); how unevenly the rows are spread over its values (nats, 1e6)."""
    counts = np.bincount(candidate.codes, minlength=len(candidate.values))
    shares = counts[counts > 0] / rows
    cells = math.log(len(candidate.values))
    entropy = -float((shares * np.log(shares)).sum())
    return candidate.rank, round(cells * 1e6), round((cells - entropy) * 1e6)
