"""Variables whose values are short chains of steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...records import JSON
from .candidates import CHAIN, SEQUENCE, Candidate, coded
from .distinct import StepKey
from .occurrences import Aligned, numbered

ARROW = " → "
_MAX_STEPS = 4
_MAX_LABELS = 5


def chains(aligned: Aligned) -> Iterator[Candidate]:
    """How far along the same series of steps a lineage got: each value is the one before it and some more steps.

    Columns that all lineages pass through say nothing and are left out. For each column where such a series can start
    there is one candidate that is as long as it can be.
    """
    optional = aligned.optional
    reached = 0
    for start in range(len(optional)):
        end = _end_of_chain(aligned, optional, start)
        if end - start > 1 and end > reached:
            reached = end
            yield _chain(aligned, optional[start:end])


def _end_of_chain(aligned: Aligned, optional: Sequence[int], start: int) -> int:
    """The first column after ``start`` where a lineage has a step though it lacks one between."""
    end = start + 1
    while end < len(optional):
        before, here = aligned.columns[optional[end - 1]], aligned.columns[optional[end]]
        if not here.keys() <= before.keys():
            break
        end += 1
    return end


def _chain(aligned: Aligned, places: Sequence[int]) -> Candidate:
    lengths = np.zeros(len(aligned.rows), np.int32)
    for place in places:
        lengths[list(aligned.columns[place])] += 1
    present, codes = np.unique(lengths, return_inverse=True)
    steps = [" | ".join(map(numbered, aligned.operations[place])) for place in places]
    values = tuple(ARROW.join(steps[:length]) or None for length in present.tolist())
    return Candidate("sequence", "sequence", values, codes.astype(np.int32), CHAIN, places[0])


def sequences(aligned: Aligned) -> Iterator[Candidate]:
    """Which operations in which order: one label for what stands between two columns.

    Flat labels like these hide how the models are related, so they are used only where nothing simpler will do.
    """
    edges = [place for place in aligned.columns if place in aligned.optional or len(aligned.operations[place]) > 1]
    spans = [(edges[i], edges[i + more]) for more in range(1, _MAX_STEPS) for i in range(len(edges) - more)]
    for first, last in spans:
        cells = [tuple(numbered(o.step.operation) for o in row if first <= o.place <= last) for row in aligned.rows]
        values, codes = coded(cells, lambda cell: (len(cell), cell))
        if 1 < len(values) <= _MAX_LABELS:
            shown: tuple[JSON, ...] = tuple(ARROW.join(value) or None for value in values)
            yield Candidate("sequence", "sequence", shown, codes, SEQUENCE + len(values), first)


def whole_lineage(aligned: Aligned) -> Candidate:
    """One label for all steps with their parameters: tells any two lineages apart."""
    texts = [ARROW.join(map(_described, (lineage.start, *lineage.steps))) for lineage in aligned.lineages]
    order = sorted(range(len(texts)), key=lambda row: (len(aligned.lineages[row].steps), texts[row], row))
    codes = np.empty(len(texts), np.int32)
    codes[order] = np.arange(len(texts))
    shown = [texts[row] for row in order]
    if len(set(shown)) < len(shown):
        shown = [f"{text} ({number})" for number, text in enumerate(shown, 1)]
    return Candidate("sequence", "sequence", tuple(shown), codes, SEQUENCE + len(texts), 0)


def _described(step: StepKey) -> str:
    given = ", ".join(f"{name}={value}" for name, value in step.parameters.items())
    return numbered(step.operation) + (f" ({given})" if given else "")
