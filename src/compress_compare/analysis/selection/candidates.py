"""Everything that might be an experimental variable of a selection: one column of values each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...records import JSON
from .occurrences import Aligned, Occurrence, numbered
from .occurrences import title as place_title
from .values import labels, sort_key

Kind = Literal["parameter", "presence", "operation", "sequence", "root"]

ROOT, PARAMETER, PRESENCE, OPERATION, NTH_PARAMETER, CHAIN, LAST_PARAMETER, LOOSE_PARAMETER, SEQUENCE = (
    *(-1, 0, 2, 4, 5, 6, 7, 8, 12),
)
"""How simple a variable is to read; of sets of equal size the one with the smallest sum is taken."""

MIXED_OPERATIONS = 5
"""Added for a parameter that several operations share when nothing else in the set says which operation it was."""

MAX_REPEATS = 64
"""Steps of one operation are considered one by one up to this repetition."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """One possible variable.

    Args:
        kind: parameter, presence, operation, sequence or root.
        name: what it is called where no other variable has that name.
        values: at least two, in the order in which they are shown.
        codes: int32 ``[rows]``, index into ``values`` for each distinct lineage.
        rank: how simple it is to read, smaller is simpler.
        place: the column it is about, −1 for the root.
        mixed: whether it is a parameter that several operations share.
    """

    kind: Kind
    name: str
    values: tuple[JSON, ...]
    codes: NDArray[np.int32]
    rank: int
    place: int
    mixed: bool = False

    @cached_property
    def is_numeric(self) -> bool:
        """Whether it is a parameter whose values are numbers, apart from where it does not apply."""
        numbers = [isinstance(v, int | float) and not isinstance(v, bool) for v in self.values if v is not None]
        return self.kind == "parameter" and all(numbers)


def simple_candidates(aligned: Aligned) -> Iterator[Candidate]:
    """Roots, parameters, presences and operations."""
    yield from _roots(aligned)
    yield from _operations(aligned)
    yield from _presences(aligned)
    yield from _parameters(aligned)
    yield from _repeated_parameters(aligned)


def in_order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Simple ones first, and of those of one kind that divide the rows alike only the first."""
    unique: dict[tuple[Any, ...], Candidate] = {}
    for candidate in sorted(candidates, key=lambda c: (c.rank, c.place, c.name)):
        unique.setdefault((candidate.kind, candidate.mixed, _partition(candidate.codes)), candidate)
    return list(unique.values())


def _partition(codes: NDArray[np.int32]) -> tuple[int, ...]:
    """Equal for two columns of codes exactly when they divide the rows alike."""
    numbers: dict[int, int] = {}
    return tuple(numbers.setdefault(code, len(numbers)) for code in codes.tolist())


def coded(cells: Sequence[Any], order: Callable[[Any], Any] = sort_key) -> tuple[list[Any], NDArray[np.int32]]:
    """The distinct values of ``cells`` in order, and the index of each cell among them; 1 and true are two values."""
    keys = [repr(cell) if isinstance(cell, list | dict) else (cell.__class__, cell) for cell in cells]
    distinct = dict(zip(keys, cells, strict=True))
    ordered = sorted(distinct, key=lambda key: order(distinct[key]))
    index = {key: i for i, key in enumerate(ordered)}
    codes = np.fromiter((index[key] for key in keys), np.int32, len(keys))
    return [distinct[key] for key in ordered], codes


def _roots(aligned: Aligned) -> Iterator[Candidate]:
    values, codes = coded([lineage.root for lineage in aligned.lineages])
    if len(values) > 1:
        yield Candidate("root", "root", tuple(values), codes, ROOT, -1)


def _operations(aligned: Aligned) -> Iterator[Candidate]:
    """Which of several operations stands in a column."""
    for place, rows in aligned.columns.items():
        if len(aligned.operations[place]) > 1:
            cells = [numbered(rows[row].step.operation) if row in rows else None for row in range(len(aligned.rows))]
            values, codes = coded(cells)
            yield Candidate("operation", "operation", tuple(values), codes, OPERATION, place)


def _presences(aligned: Aligned) -> Iterator[Candidate]:
    """Whether there is an nth step of an operation, unless another operation stands in its place where there is not."""
    everyone = range(len(aligned.rows))
    for operation, steps in aligned.by_operation.items():
        for nth in range(min(max(map(len, steps.values())), MAX_REPEATS)):
            present = {row: occurrences[nth] for row, occurrences in steps.items() if len(occurrences) > nth}
            if len(present) < len(everyone) and not _replaced(aligned, operation, present):
                cells = np.array([row in present for row in everyone], np.int32)
                first = next(iter(present.values()))
                name = numbered(operation, first.number)
                place = min(occurrence.place for occurrence in present.values())
                yield Candidate("presence", name, (False, True), cells, PRESENCE, place)


def _replaced(aligned: Aligned, operation: str, present: Mapping[int, Occurrence]) -> bool:
    """Whether a lineage without that step has another operation where others have it."""
    return any(
        row not in present and occurrence.step.operation != operation
        for place in {occurrence.place for occurrence in present.values()}
        if len(aligned.operations[place]) > 1
        for row, occurrence in aligned.columns[place].items()
    )


def _parameters(aligned: Aligned) -> Iterator[Candidate]:
    """Of each column, every parameter that takes at least two values."""
    for place, rows in aligned.columns.items():
        counted_alike = all(len(numbers) == 1 for numbers in aligned.numbers(place).values())
        rank = PARAMETER if counted_alike else LOOSE_PARAMETER
        yield from _parameters_of(aligned, rows, title=None, rank=rank)


def _repeated_parameters(aligned: Aligned) -> Iterator[Candidate]:
    """Parameters of the nth and of the last step of a repeated operation, whatever column it stands in."""
    for operation, steps in aligned.by_operation.items():
        most = max(map(len, steps.values()))
        if most < 2:
            continue
        last = {row: occurrences[-1] for row, occurrences in steps.items()}
        yield from _parameters_of(aligned, last, title=f"last {numbered(operation)}", rank=LAST_PARAMETER)
        for nth in range(min(most, MAX_REPEATS)):
            rows = {row: occurrences[nth] for row, occurrences in steps.items() if len(occurrences) > nth}
            title = numbered(operation, next(iter(rows.values())).number)
            yield from _parameters_of(aligned, rows, title=title, rank=NTH_PARAMETER)


def _parameters_of(
    aligned: Aligned, rows: Mapping[int, Occurrence], *, title: str | None, rank: int
) -> Iterator[Candidate]:
    """Every parameter of one occurrence per row that takes at least two values.

    Args:
        aligned: the lineages.
        rows: the occurrence of each row that has one.
        title: what to call these steps, ``None`` for the names of their operations.
        rank: how simple these parameters are to read.
    """
    place = min(occurrence.place for occurrence in rows.values())
    for name in sorted({name for occurrence in rows.values() for name in occurrence.step.parameters}):
        having = {row: o for row, o in rows.items() if name in o.step.parameters}
        cells = [having[row].step.parameters[name] if row in having else None for row in range(len(aligned.rows))]
        values, codes = coded(cells)
        if sum(value is not None for value in values) < 2:
            continue
        alone = rank == PARAMETER and len(aligned.parameter_places[name]) == 1
        yield Candidate(
            kind="parameter",
            name=name if alone else f"{title or place_title(having.values())} · {name}",
            values=labels(values),
            codes=codes,
            rank=rank,
            place=place,
            mixed=len({o.step.operation for o in having.values()}) > 1,
        )
