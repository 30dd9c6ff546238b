"""The smallest, simplest set of candidates that tells all rows apart.

Exact for sets of up to three: it solves the problem for a few pairs of rows that must be told apart, looks whether the
best set also tells all others apart, and if not adds pairs that it does not (constraint generation). A set that is best
for some of the pairs and holds for all of them is best for all. Larger sets are found greedily.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .candidates import MIXED_OPERATIONS, Candidate

MAX_EXACT = 3
_PAIRS_AT_ONCE = 12
_PAIRS_LOOKED_AT = 64


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
    values = groups if codes is None else groups * (int(codes.max(initial=0)) + 1) + codes
    return len(np.unique(values))


def _refined(groups: NDArray[np.int64], codes: NDArray[np.int32]) -> NDArray[np.int64]:
    refined: NDArray[np.int64] = np.unique(groups * (int(codes.max(initial=0)) + 1) + codes, return_inverse=True)[1]
    return refined


class _Search:
    """Candidates with what is known so far about which pairs of rows each tells apart."""

    def __init__(self, candidates: Sequence[Candidate], rows: int) -> None:
        self.candidates = candidates
        self.rows = rows
        self.codes = np.array([candidate.codes for candidate in candidates], np.int32).reshape(len(candidates), rows)
        self.sizes = [len(candidate.values) for candidate in candidates]
        self.costs = [_cost(candidate, rows) for candidate in candidates]
        self.told_apart = [0] * len(candidates)
        self.separators: list[list[int]] = []

    def best(self, size: int) -> tuple[int, ...] | None:
        """The cheapest set of ``size`` candidates that tells all rows apart."""
        if math.prod(sorted(self.sizes)[len(self.sizes) - size :]) < self.rows:
            return None
        while True:
            found = min(self._sets(size), default=None)
            if found is None:
                return None
            chosen = found[1]
            groups = joint([self.candidates[i] for i in chosen], self.rows)
            if num_groups(groups) == self.rows:
                return chosen
            if not self._add_pairs(groups):
                return None

    def _add_pairs(self, groups: NDArray[np.int64]) -> bool:
        """Require some pairs of rows that fall together to be told apart, those first that few candidates can.

        Returns:
            False if there is a pair that no candidate tells apart.
        """
        order = np.argsort(groups, kind="stable")
        same = np.flatnonzero(groups[order][1:] == groups[order][:-1])
        same = same[:: max(1, len(same) // _PAIRS_LOOKED_AT)]
        apart = self.codes[:, order[same]] != self.codes[:, order[same + 1]]
        for pair in np.argsort(apart.sum(axis=0), kind="stable")[:_PAIRS_AT_ONCE].tolist():
            separators = np.flatnonzero(apart[:, pair]).tolist()
            if not separators:
                return False
            for i in separators:
                self.told_apart[i] |= 1 << len(self.separators)
            self.separators.append(separators)
        return True

    def _sets(self, size: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Sets of ``size`` with their cost that tell all required pairs apart; none that cannot be the cheapest."""
        everything = (1 << len(self.separators)) - 1
        best: tuple[int, ...] | None = None
        stack: list[tuple[tuple[int, ...], int]] = [((), 0)]
        seen: set[tuple[int, ...]] = set()
        while stack:
            chosen, covered = stack.pop()
            missing = everything & ~covered
            if len(chosen) == size:
                cost = self._total(chosen)
                if not missing and (best is None or (cost, chosen) < (best, chosen)):
                    best = cost
                    yield cost, chosen
                continue
            for i in self._next(missing):
                larger = tuple(sorted({*chosen, i}))
                if len(larger) > len(chosen) and larger not in seen:
                    seen.add(larger)
                    stack.append((larger, covered | self.told_apart[i]))
        return

    def _next(self, missing: int) -> Sequence[int]:
        if not missing:
            return range(len(self.candidates))
        pairs = [pair for pair in range(missing.bit_length()) if missing >> pair & 1]
        return min((self.separators[pair] for pair in pairs), key=len)

    def _total(self, chosen: Sequence[int]) -> tuple[int, ...]:
        total = [sum(parts) for parts in zip(*(self.costs[i] for i in chosen), strict=True)]
        if total:
            total[0] += MIXED_OPERATIONS * self._unexplained(chosen)
        return tuple(total)

    def _unexplained(self, chosen: Sequence[int]) -> int:
        """How many of the parameters belong to several operations that no other variable names."""
        picked = [self.candidates[i] for i in chosen]
        explained = {candidate.place for candidate in picked if candidate.kind == "operation"}
        if any(candidate.kind == "sequence" for candidate in picked):
            return 0
        return sum(candidate.mixed and candidate.place not in explained for candidate in picked)


def _cost(candidate: Candidate, rows: int) -> tuple[int, int, int]:
    """Rank; how many cells it adds to the grid (log); how unevenly the rows are spread over its values (nats, 1e6)."""
    counts = np.bincount(candidate.codes, minlength=len(candidate.values))
    shares = counts[counts > 0] / rows
    cells = math.log(len(candidate.values))
    entropy = -float((shares * np.log(shares)).sum())
    return candidate.rank, round(cells * 1e6), round((cells - entropy) * 1e6)
