"""What differs between selected models: the smallest table of experimental variables that tells them apart.

The lineages of the models are made comparable (`distinct`), their steps laid out in columns (`alignment`,
`occurrences`), everything that could be a variable is listed (`candidates`, `sequences`), and of all sets that give
each lineage its own row of values the smallest and simplest is taken (`search`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..records import JSON
from .candidates import OPERATION, PARAMETER, ROOT, SEQUENCE, Candidate, Kind, in_order, simple_candidates
from .distinct import distinct_lineages
from .lineage import Graph
from .occurrences import Aligned, numbered
from .search import greedy_set, smallest_set
from .sequences import chains, sequences, whole_lineage
from .values import unique_names

MAX_ENCODINGS = 3
_PLAIN_RANKS = (ROOT, PARAMETER, OPERATION)


@dataclass(frozen=True)
class Variable:
    """Something that differs.

    Args:
        name: e.g. ``amount``, ``train 2``, ``operation``.
        kind: ``parameter``, ``presence``, ``operation``, ``sequence`` or ``root``.
        values: at least two, in order; ``None`` first, where it does not apply. Lists are JSON text.
    """

    name: str
    kind: Kind
    values: tuple[JSON, ...]


@dataclass(frozen=True)
class Chart:
    """Which variable goes on which channel: a name, or ``None``."""

    x: str | None = None
    color: str | None = None
    facet: str | None = None


@dataclass(frozen=True)
class Suggestion:
    """How to make models comparable: keep those that have these values.

    Args:
        keep: pairs of variable name and value.
        models: the selected ids that have them.
    """

    keep: tuple[tuple[str, JSON], ...]
    models: tuple[str, ...]


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
    rows = {model: tuple(c.values[c.codes[row[model]]] for c in chosen) for model in models}
    charted = 0 < len(chosen) <= MAX_ENCODINGS
    suggestion = None if charted else _suggestion(variables, rows)
    return Selection(
        variables=variables,
        rows=rows,
        chart=_chart(names, chosen) if charted else Chart(),
        constant=tuple(_constant(aligned)),
        also=_also(simple, chosen, names),
        reason=None if charted else _reason(variables, rows, suggestion),
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
    """Numbers or chains along x, then what has the most values; of the rest the longer one is colour."""

    def along_x(i: int) -> tuple[bool, bool, int, int]:
        candidate = chosen[i]
        return (not candidate.is_numeric, candidate.kind != "sequence", -len(candidate.values), i)

    x = min(range(len(chosen)), key=along_x)
    rest = [i for i in range(len(chosen)) if i != x]
    rest.sort(key=lambda i: (-len(chosen[i].values), chosen[i].kind == "root", -i))
    channels = [names[i] for i in (x, *rest)] + [None, None]
    return Chart(*channels[:MAX_ENCODINGS])


def _also(simple: Sequence[Candidate], chosen: Sequence[Candidate], names: Sequence[str]) -> tuple[str, ...]:
    """Roots, operations and parameters that differ although no variable shows them."""
    shown = {(candidate.kind, candidate.place, candidate.name) for candidate in chosen}
    if any(candidate.rank >= SEQUENCE for candidate in chosen):
        shown |= {("operation", candidate.place, candidate.name) for candidate in simple}
    others = [
        candidate.name
        for candidate in simple
        if candidate.rank in _PLAIN_RANKS and (candidate.kind, candidate.place, candidate.name) not in shown
    ]
    return tuple(dict.fromkeys(name for name in others if name not in names))


def _constant(aligned: Aligned) -> Iterable[dict[str, JSON]]:
    """The root, and of each step that all lineages have, the parameters that are equal in all."""
    if aligned.single_root:
        lineage = aligned.lineages[0]
        yield {"name": "root", "value": lineage.root}
        if lineage.start.operation:
            yield from _shared(numbered(lineage.start.operation), [lineage.start.parameters])
    for place, rows in aligned.columns.items():
        if len(rows) == len(aligned.rows) and len(aligned.operations[place]) == 1:
            yield from _shared(aligned.title(place), [occurrence.step.parameters for occurrence in rows.values()])


def _shared(title: str, parameters: Sequence[Mapping[str, JSON]]) -> Iterable[dict[str, JSON]]:
    shared = [
        name
        for name, value in parameters[0].items()
        if all(name in other and (type(other[name]), other[name]) == (type(value), value) for other in parameters)
    ]
    if not shared:
        yield {"name": title, "value": True}
    for name in shared:
        yield {"name": f"{title} · {name}", "value": parameters[0][name]}


def _suggestion(variables: Sequence[Variable], rows: Mapping[str, tuple[JSON, ...]]) -> Suggestion | None:
    """Keep the models with the most frequent value of a variable, then of another, until the rest can be charted."""
    kept = dict(rows)
    keep: list[tuple[str, JSON]] = []
    while len(keep) <= MAX_ENCODINGS:
        counts = [Counter(values) for values in zip(*kept.values(), strict=True)]
        differing = [i for i, count in enumerate(counts) if len(count) > 1]
        if len(differing) <= MAX_ENCODINGS:
            return Suggestion(tuple(keep), tuple(sorted(kept))) if keep and len(kept) > 1 else None
        most, i = max((max(counts[i].values()), -i) for i in differing)
        value = next(value for value in variables[-i].values if counts[-i][value] == most)
        keep.append((variables[-i].name, value))
        kept = {model: row for model, row in kept.items() if row[-i] == value}
    return None


def _reason(variables: Sequence[Variable], rows: Mapping[str, tuple[JSON, ...]], suggestion: Suggestion | None) -> str:
    if len(rows) < 2:
        return "Select two or more models to see what differs between them."
    if not variables:
        return "The selected models have the same lineage: they are replicates of one another."
    sentence = f"{len(variables)} variables differ and a chart can show {MAX_ENCODINGS}."
    if suggestion is None:
        return f"{sentence} Select models that have more of their steps in common."
    kept = " and ".join(f"{name} = {_text(value)}" for name, value in suggestion.keep)
    return f"{sentence} Keep those with {kept} ({len(suggestion.models)} of {len(rows)} models) to compare them."


def _text(value: JSON) -> str:
    return str(value).lower() if isinstance(value, bool) else "none" if value is None else str(value)
