"""What differs between selected models: the smallest table of experimental variables that tells them apart.

The lineages of the models are made comparable (`distinct`), their steps laid out in columns (`alignment`,
`occurrences`), everything that could be a variable is listed (`candidates`, `sequences`), and of all sets that give
each lineage its own row of values the smallest and simplest is taken (`search`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ...records import JSON
from ..lineage import Graph
from .candidates import OPERATION, PARAMETER, PRESENCE, ROOT, Candidate, Kind, in_order, simple_candidates
from .distinct import distinct_lineages
from .occurrences import Aligned, numbered, title
from .search import greedy_set, smallest_set
from .sequences import chains, sequences, whole_lineage
from .suggestion import MAX_ENCODINGS, Suggestion, Variable, suggest, why_no_chart
from .values import unique_names

__all__ = ["Chart", "Selection", "Suggestion", "Variable", "selection"]


@dataclass(frozen=True)
class Chart:
    """Which variable goes on which channel: a name, or ``None``."""

    x: str | None = None
    color: str | None = None
    facet: str | None = None


@dataclass(frozen=True)
class Selection:
    """What differs between models.

    Args:
        variables: what differs, simple kinds first.
        rows: for each model its values in the order of ``variables``, ``None`` where one does not apply. Models with
            equal rows are replicates: their lineages are the same but for a seed.
        chart: how to draw it; empty if there is nothing to draw or it would take more than three channels.
        constant: what all share, as ``{"name": …, "value": …}``: the root, parameters, and steps without parameters.
        also: names of differences that are not needed to tell the models apart; what goes with them may be due to them.
        reason: why the chart is empty.
        suggestion: which models could be charted instead.
    """

    variables: tuple[Variable, ...] = ()
    rows: Mapping[str, tuple[JSON, ...]] = field(default_factory=dict)
    chart: Chart = field(default_factory=Chart)
    constant: tuple[dict[str, JSON], ...] = ()
    also: tuple[str, ...] = ()
    reason: str | None = None
    suggestion: Suggestion | None = None

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data, ready for JSON."""
        return asdict(self)


def selection(graph: Graph, ids: Iterable[str]) -> Selection:
    """What differs between the models ``ids``, whatever their order and number.

    Raises:
        NotFound: ``model.unknown``.
    """
    models = sorted(set(ids))
    if not models:
        return Selection(reason="No models are selected.")
    lineages, row_of = distinct_lineages(graph, [graph.position(model) for model in models])
    aligned = Aligned(lineages)
    simple = in_order([*simple_candidates(aligned), *chains(aligned)])
    chosen = _chosen(aligned, simple)
    names = _names(chosen)
    variables = tuple(
        Variable(name, candidate.kind, candidate.values) for name, candidate in zip(names, chosen, strict=True)
    )
    row = {model: row_of[graph.positions[model]] for model in models}
    models.sort(key=lambda model: [int(candidate.codes[row[model]]) for candidate in chosen])
    table = np.array([candidate.codes for candidate in chosen])[:, [row[model] for model in models]] if chosen else None
    charted = 0 < len(chosen) <= MAX_ENCODINGS
    suggestion = None if charted or table is None else suggest(variables, table, models=models)
    return Selection(
        variables=variables,
        rows={model: tuple(c.values[c.codes[row[model]]] for c in chosen) for model in models},
        chart=_chart(names, chosen) if charted else Chart(),
        constant=tuple(_constant(aligned)),
        also=_also(simple, chosen, names),
        reason=None if charted else why_no_chart(len(models), variables, suggestion=suggestion),
        suggestion=suggestion,
    )


def _chosen(aligned: Aligned, simple: Sequence[Candidate]) -> list[Candidate]:
    """The variables, simple kinds first, then in the order of the steps they are about."""
    rows = len(aligned.rows)
    chosen = smallest_set(simple, rows)
    if chosen is None:
        flat = list(sequences(aligned))
        everything = in_order([*simple, *flat])
        chosen = (smallest_set(everything, rows) if flat else None) or greedy_set(everything, rows)
    if chosen is None:
        chosen = [whole_lineage(aligned)]
    order: tuple[Kind, ...] = ("parameter", "presence", "operation", "sequence", "root")
    return sorted(chosen, key=lambda candidate: (order.index(candidate.kind), candidate.place, candidate.name))


def _names(chosen: Sequence[Candidate]) -> list[str]:
    return unique_names(candidate.name for candidate in chosen)


def _chart(names: Sequence[str], chosen: Sequence[Candidate]) -> Chart:
    """Numbers or chains along x, then what has the most values; of the rest the longer one is color."""

    def along_x(i: int) -> tuple[bool, bool, int, int]:
        candidate = chosen[i]
        return (not candidate.is_numeric, candidate.kind != "sequence", -len(candidate.values), i)

    x = min(range(len(chosen)), key=along_x)
    rest = [i for i in range(len(chosen)) if i != x]
    rest.sort(key=lambda i: (-len(chosen[i].values), chosen[i].kind == "root", -i))
    channels = [names[i] for i in (x, *rest)] + [None, None]
    return Chart(*channels[:MAX_ENCODINGS])


def _also(simple: Sequence[Candidate], chosen: Sequence[Candidate], names: Sequence[str]) -> tuple[str, ...]:
    """Roots, operations, parameters and presences that differ although no variable shows them."""
    ranks = {ROOT, PARAMETER, PRESENCE, OPERATION}
    if any(candidate.kind == "sequence" for candidate in chosen):
        ranks -= {PRESENCE, OPERATION}
    hidden = [candidate for candidate in simple if candidate.rank in ranks and candidate not in chosen]
    told = [candidate.name for candidate in hidden if not any(_implies(other, candidate) for other in chosen)]
    return tuple(dict.fromkeys(name for name in told if name not in names))


def _implies(variable: Candidate, presence: Candidate) -> bool:
    """Whether a step is there exactly where the variable applies, so that its presence needs no word."""
    absent = False if variable.kind == "presence" else None
    applies = np.array([value is not absent for value in variable.values])
    return presence.kind == "presence" and bool(np.array_equal(applies[variable.codes], presence.codes == 1))


def _constant(aligned: Aligned) -> Iterable[dict[str, JSON]]:
    """The root, and of each step that all lineages have, the parameters that are equal in all."""
    steps = [(title(rows.values()), [o.step for o in rows.values()]) for rows in aligned.columns.values()]
    if aligned.single_root:
        lineage = aligned.lineages[0]
        yield {"name": "root", "value": lineage.root}
        if lineage.start.operation:
            steps.insert(0, (numbered(lineage.start.operation), [lineage.start] * len(aligned.rows)))
    for name, same in steps:
        if len(same) == len(aligned.rows):
            shared = _shared([step.parameters for step in same])
            yield from ({"name": f"{name} · {parameter}", "value": value} for parameter, value in shared.items())
            if not shared and len({step.operation for step in same}) == 1:
                yield {"name": name, "value": True}


def _shared(parameters: Sequence[Mapping[str, JSON]]) -> dict[str, JSON]:
    """Those that are in all and equal in all; 1 and true are not."""
    return {
        name: value
        for name, value in parameters[0].items()
        if all(name in other and (type(other[name]), other[name]) == (type(value), value) for other in parameters)
    }
