"""Where two copies of a project contradict each other, and what is decided about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ...errors import Conflict, InvalidValue
from .contents import DEFINITION, ProjectContents, Row, compared, identity

Choice = Literal["ours", "theirs", "both"]
CHOICES = ("ours", "theirs", "both")
REFUSE = "refuse"
BOTH = ("model", "note")
"""Kinds of conflicts where both sides can stay: a model under another id, notes one below the other."""
PARTS = {"metric_values": "value", "outputs": "outputs", "notes": "note"}


@dataclass(frozen=True)
class MergeConflict:
    """Something that the two copies have differently.

    Args:
        kind: ``model``, ``value``, ``outputs``, ``note``, ``metric``, ``view`` or ``task``.
        name: of what it is about, unique among those of its kind.
        ours: what it is here, in words.
        theirs: what it is there.
        place: for the program: model, table and key.
    """

    kind: str
    name: str
    ours: str
    theirs: str
    place: tuple[Any, ...] = ()

    @property
    def title(self) -> str:
        """``value cnn, Top-1 Accuracy``: what a decision is named by."""
        return f"{self.kind} {self.name}"


class MergeRefusedError(Conflict):
    """Copies contradict each other and nothing says what to do; nothing was changed.

    Args:
        conflicts: all of those that are not decided.
    """

    def __init__(self, conflicts: tuple[MergeConflict, ...]) -> None:
        shown = "; ".join(f"{each.title}: {each.ours} here, {each.theirs} there" for each in conflicts[:5])
        more = f"; and {len(conflicts) - 5} more" if len(conflicts) > 5 else ""
        super().__init__(
            "merge.conflict",
            f"The two projects contradict each other in {len(conflicts)} places. Nothing was changed.",
            detail=f"{shown}{more}",
            hint='Decide by a rule, on_conflict="ours", "theirs" or "both", or one by one, by their names.',
        )
        self.conflicts = conflicts


Decision = str | Mapping[str, str] | Callable[[MergeConflict], str]


def decided(conflicts: list[MergeConflict], decision: Decision) -> dict[MergeConflict, Choice]:
    """A choice for each conflict.

    Args:
        conflicts: all of them.
        decision: a rule for all; choices by ``title``, of which ``*`` stands for the rest; or a function.

    Raises:
        MergeRefusedError: for those without a decision.
        InvalidValue: ``merge.choice`` for a choice that is none, or that the kind does not allow.
    """
    found: dict[MergeConflict, Choice] = {}
    left = []
    titles = {each.title for each in conflicts}
    if isinstance(decision, Mapping):
        for title in decision:
            if title != "*" and title not in titles:
                raise InvalidValue("merge.choice", f"There is no conflict {title[:120]!r}.", hint=_listed(titles))
    for conflict in conflicts:
        chosen = _choice(conflict, decision)
        if chosen == REFUSE:
            left.append(conflict)
        elif chosen == "both" and conflict.kind not in BOTH:
            # both cannot stay where there is one place for them; a rule for all keeps what is here
            if isinstance(decision, Mapping) and conflict.title in decision:
                raise InvalidValue(
                    "merge.choice", f"Both cannot stay: {conflict.title!r}.", hint="Choose ours or theirs."
                )
            left.append(conflict)
        elif chosen in CHOICES:
            found[conflict] = chosen  # type: ignore[assignment]
        else:
            raise InvalidValue("merge.choice", f"{chosen!r:.40} is no choice.", hint="Choose ours, theirs or both.")
    if left:
        raise MergeRefusedError(tuple(left))
    return found


def conflicting_models(
    ours: ProjectContents, theirs: ProjectContents, *, same: Callable[[str], bool]
) -> Iterator[MergeConflict]:
    """Models of one id that are not the same: of another base, operation or replicate, or with other weights.

    Args:
        ours: what is here.
        theirs: what is there.
        same: whether the weights of a model in both, of which the files differ, hold the same tensors.
    """
    for id, row in theirs.models.items():
        if id not in ours.models:
            continue
        if identity(row) != identity(ours.models[id]):
            yield MergeConflict("model", id, _model(ours.models[id]), _model(row), (id,))
            continue
        mine, other = ours.parts["files"].get(id, {}), theirs.parts["files"].get(id, {})
        if mine and other and not _equal("files", mine, other) and not same(id):
            yield MergeConflict("model", id, _weights(mine), _weights(other), (id,))


def conflicting_parts(ours: ProjectContents, theirs: ProjectContents) -> Iterator[MergeConflict]:
    """Values, outputs and notes of models, definitions, views and tasks that differ."""
    for table, kind in PARTS.items():
        for id, rows in theirs.parts[table].items():
            mine = ours.parts[table].get(id, {})
            for key, row in rows.items():
                if key in mine and compared(table, mine[key]) != compared(table, row):
                    name = ", ".join([id, *(str(part) for part in _named(table, key, theirs) if part)])
                    yield MergeConflict(kind, name, _shown(table, mine[key]), _shown(table, row), (id, table, key))
    for name, row in theirs.metrics.items():
        if name in ours.metrics:
            differing = [key for key in DEFINITION if ours.metrics[name][key] != row[key]]
            if differing:
                said = [", ".join(f"{key} {side[key]}" for key in differing) for side in (ours.metrics[name], row)]
                yield MergeConflict("metric", name, said[0], said[1], (name,))
    yield from _named_rows("view", ours.views, theirs=theirs.views, column="value")
    yield from _named_rows("task", ours.tasks, theirs=theirs.tasks, column="path")


def _named_rows(
    kind: str, ours: Mapping[str, Row], *, theirs: Mapping[str, Row], column: str
) -> Iterator[MergeConflict]:
    for name, row in theirs.items():
        if name in ours and ours[name] != row:
            said = [str(each[column])[:60] for each in (ours[name], row)]
            yield MergeConflict(kind, name.removeprefix("view/"), said[0], said[1], (name,))


def _choice(conflict: MergeConflict, decision: Decision) -> str:
    if isinstance(decision, Mapping):
        return decision.get(conflict.title, decision.get("*", REFUSE))
    return decision if isinstance(decision, str) else decision(conflict)


def _equal(table: str, mine: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
    return mine.keys() == other.keys() and all(
        compared(table, mine[key]) == compared(table, other[key]) for key in mine
    )


def _named(table: str, key: tuple[Any, ...], of: ProjectContents) -> tuple[Any, ...]:
    return (of.datasets[key[0]]["name"],) if table == "outputs" else key


def _shown(table: str, row: Mapping[str, Any]) -> str:
    if table == "metric_values":
        return f"{row['value']}"
    return repr(row["text"][:60]) if table == "notes" else row["sha256"][:8]


def _model(row: Mapping[str, Any]) -> str:
    return f"{row['operation'] or 'no operation'} {row['parameters']} on {row['base'] or 'nothing'}"[:120]


def _weights(files: Mapping[Any, Mapping[str, Any]]) -> str:
    return "weights " + ", ".join(f"{row['name']} {row['sha256'][:8]}" for row in files.values())[:100]


def _listed(titles: set[str]) -> str:
    return f"There are: {', '.join(sorted(titles)) or 'none'}."[:400]
