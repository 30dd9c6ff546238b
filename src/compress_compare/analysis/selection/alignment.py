"""Which steps of different lineages stand in the same place.

The lineages form a prefix tree. Its branches are aligned one after the other, the longest first, with a common list of
columns by dynamic programming: a step goes to a column of the same operation if that can be, preferably to one where
its parameters are the same too; else it becomes an alternative to what is there; else it opens a column of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .distinct import Lineage, StepKey

_SAME_OPERATION = 6
_SAME_PARAMETERS = 1
_ALTERNATIVE = 2
_MAX_CELLS = 250_000
"""Above this many cells steps are paired off in order instead."""


@dataclass(eq=False)
class Column:
    """A place that steps of different lineages share."""

    operations: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)

    def add(self, step: StepKey) -> None:
        """Count ``step`` among those that stand here."""
        self.operations.add(step.operation)
        self.keys.add(step.key)

    def score(self, step: StepKey) -> int:
        """How well ``step`` fits here."""
        if step.operation not in self.operations:
            return _ALTERNATIVE
        return _SAME_OPERATION + (_SAME_PARAMETERS if step.key in self.keys else 0)


def align(lineages: Sequence[Lineage]) -> list[list[int]]:
    """The column of every step after the root, for each lineage; columns are numbered from left to right.

    Steps that two lineages share from the root on are in the same column. The result does not depend on the order of
    the lineages.
    """
    alignment = _Alignment()
    order = sorted(range(len(lineages)), key=lambda i: (-len(lineages[i].steps), lineages[i].key))
    paths = {i: alignment.place(lineages[i]) for i in order}
    number = {id(column): i for i, column in enumerate(alignment.columns)}
    return [[number[id(column)] for column in paths[i]] for i in range(len(lineages))]


class _Alignment:
    """The columns so far, and the prefix tree of what is placed in them."""

    def __init__(self) -> None:
        self.columns: list[Column] = []
        self._nodes: dict[tuple[int, str], tuple[int, Column]] = {}
        self._roots: dict[str, int] = {}

    def place(self, lineage: Lineage) -> list[Column]:
        """The columns of the steps of ``lineage``; steps that are new get theirs now."""
        node = self._roots.setdefault(lineage.root, -1 - len(self._roots))
        path: list[Column] = []
        for step in lineage.steps:
            found = self._nodes.get((node, step.key))
            if found is None:
                break
            node, column = found
            path.append(column)
        rest = lineage.steps[len(path) :]
        if rest:
            start = self.columns.index(path[-1]) + 1 if path else 0
            fitted = _fit(rest, self.columns[start:])
            self.columns[start:] = fitted.columns
            for step, column in zip(rest, fitted.chosen, strict=True):
                column.add(step)
                child = len(self._nodes)
                self._nodes[node, step.key] = (child, column)
                node = child
            path += fitted.chosen
        return path


@dataclass(frozen=True)
class _Fitted:
    columns: list[Column]
    chosen: list[Column]


def _fit(steps: Sequence[StepKey], columns: Sequence[Column]) -> _Fitted:
    """The columns with new ones put in, and the one that each step goes to."""
    if len(steps) * len(columns) > _MAX_CELLS:
        new = [Column() for _ in range(len(steps) - len(columns))]
        return _Fitted([*columns, *new], [*columns, *new][: len(steps)])
    best = _best_scores(steps, columns)
    merged: list[Column] = []
    chosen: list[Column] = []
    i = j = 0
    while i < len(steps) or j < len(columns):
        here = best[i][j]
        if i < len(steps) and j < len(columns) and here == columns[j].score(steps[i]) + best[i + 1][j + 1]:
            chosen.append(columns[j])
            merged.append(columns[j])
            i, j = i + 1, j + 1
        elif j < len(columns) and here == best[i][j + 1]:
            merged.append(columns[j])
            j += 1
        else:
            merged.append(Column())
            chosen.append(merged[-1])
            i += 1
    return _Fitted(merged, chosen)


def _best_scores(steps: Sequence[StepKey], columns: Sequence[Column]) -> list[list[int]]:
    """``[i][j]``: the best total of aligning ``steps[i:]`` with ``columns[j:]``."""
    best = [[0] * (len(columns) + 1) for _ in range(len(steps) + 1)]
    for i in range(len(steps) - 1, -1, -1):
        below, row = best[i + 1], best[i]
        for j in range(len(columns) - 1, -1, -1):
            row[j] = max(columns[j].score(steps[i]) + below[j + 1], below[j], row[j + 1])
    return best
