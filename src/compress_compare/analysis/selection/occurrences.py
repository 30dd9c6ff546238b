"""The steps of a selection's distinct lineages, laid out in columns and counted.

Steps of one operation are counted along their lineage, so ``train 2`` is the second training.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from .alignment import align
from .distinct import Lineage, StepKey

UNNAMED = "unnamed operation"


@dataclass(frozen=True)
class Occurrence:
    """A step of a lineage, the column it stands in, and which one of its operation it is (from 1)."""

    step: StepKey
    place: int
    number: int


class Aligned:
    """The distinct lineages of a selection with their steps in columns.

    Args:
        lineages: in canonical order; rows of everything else are in that order.
    """

    def __init__(self, lineages: Sequence[Lineage]) -> None:
        self.lineages = lineages
        self.single_root = len({lineage.root for lineage in lineages}) < 2
        starts = {lineage.start.operation for lineage in lineages}
        self.at_root = Counter(starts if len(starts) == 1 else ())
        self.rows = [
            self._occurrences(lineage, places) for lineage, places in zip(lineages, align(lineages), strict=True)
        ]
        self.columns: dict[int, dict[int, Occurrence]] = {}
        for row, occurrences in enumerate(self.rows):
            for occurrence in occurrences:
                self.columns.setdefault(occurrence.place, {})[row] = occurrence
        self.columns = dict(sorted(self.columns.items()))

    def _occurrences(self, lineage: Lineage, places: Iterable[int]) -> list[Occurrence]:
        seen = self.at_root.copy()
        found = []
        for step, place in zip(lineage.steps, places, strict=True):
            seen[step.operation] += 1
            found.append(Occurrence(step, place, seen[step.operation]))
        return found

    @cached_property
    def operations(self) -> dict[int, list[str]]:
        """The operations that stand in each column, in alphabetical order."""
        return {place: sorted({o.step.operation for o in rows.values()}) for place, rows in self.columns.items()}

    @cached_property
    def by_operation(self) -> dict[str, dict[int, list[Occurrence]]]:
        """For each operation and each row that has it, its occurrences in order."""
        found: dict[str, dict[int, list[Occurrence]]] = {}
        for row, occurrences in enumerate(self.rows):
            for occurrence in occurrences:
                found.setdefault(occurrence.step.operation, {}).setdefault(row, []).append(occurrence)
        return dict(sorted(found.items()))

    @cached_property
    def parameter_places(self) -> dict[str, set[int]]:
        """The columns in which each parameter occurs, with −1 for the root if there is only one."""
        places: dict[str, set[int]] = defaultdict(set)
        if self.single_root:
            for name in self.lineages[0].start.parameters:
                places[name].add(-1)
        for place, rows in self.columns.items():
            for occurrence in rows.values():
                for name in occurrence.step.parameters:
                    places[name].add(place)
        return places

    @cached_property
    def optional(self) -> list[int]:
        """The columns where some lineages have a step and others do not."""
        return [place for place, rows in self.columns.items() if len(rows) < len(self.rows)]

    def numbers(self, place: int) -> dict[str, set[int]]:
        """For each operation of a column, which ones of it stand there."""
        numbers: dict[str, set[int]] = defaultdict(set)
        for occurrence in self.columns[place].values():
            numbers[occurrence.step.operation].add(occurrence.number)
        return numbers


def title(occurrences: Iterable[Occurrence]) -> str:
    """The operations of steps that stand in one place as text, each with the smallest of its numbers."""
    numbers: dict[str, int] = {}
    for occurrence in occurrences:
        operation = occurrence.step.operation
        numbers[operation] = min(occurrence.number, numbers.get(operation, occurrence.number))
    return " | ".join(numbered(operation, number) for operation, number in sorted(numbers.items()))


def numbered(operation: str, number: int = 1) -> str:
    """``train``, ``train 2``, …"""
    name = operation or UNNAMED
    return name if number == 1 else f"{name} {number}"
