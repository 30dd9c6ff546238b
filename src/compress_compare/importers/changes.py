"""What an import would change in a project: which models are new, which values are, and which differ from its own."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import Conflict, NotFound
from ..records import MetricValue, Model, Operation
from ..store.drafts import check_operation
from .base import Correction, Imported

if TYPE_CHECKING:
    from ..store.store import Store


Answers = tuple[str, str]
"""Model and dataset."""


@dataclass(frozen=True)
class Difference:
    """An import against a project.

    Args:
        models: what is to be logged: new models as they are, and models that are there with their new values.
        known: ids of the models that are there.
        num_new_values: of the metrics of those.
        corrections: values that differ from those of the project.
    """

    models: Sequence[dict[str, Any]]
    known: frozenset[str]
    num_new_values: int
    corrections: Sequence[Correction]


def against(project: Store | None, models: Sequence[dict[str, Any]]) -> Difference:
    """Compare the models of an import with those of a project, or with an empty one.

    Raises:
        Conflict: ``model.conflict`` if one of them has another base or operation there.
    """
    listed: list[dict[str, Any]] = []
    known: set[str] = set()
    corrections: list[Correction] = []
    count = 0
    rows = {} if project is None else {row["id"]: row for row in project.models().to_pylist()}
    hidden = set() if project is None else set(project.archived())
    for model in models:
        if project is None or (model["id"] not in rows and model["id"] not in hidden):
            listed.append(model)
            continue
        if model["id"] in rows and _stands(model, rows[model["id"]]):
            known.add(model["id"])
            continue
        there = project.model(model["id"])
        known.add(there.id)
        _same_origin(model, there)
        added: dict[str, list[MetricValue]] = {}
        for name, value in values_of(model):
            old = _at(there.metrics.get(name, ()), value)
            if old is None:
                added.setdefault(name, []).append(value)
                count += 1
            elif not _equal(old, value) and not _corrected_here(there, name, value):
                said = f"the project has {old.value:g}, the source has {value.value:g}"
                corrections.append(Correction(there.id, name, value.value, said, value))
        entry = {"id": there.id, "base": there.base, "operation": there.operation, "metrics": added}
        if model.get("checkpoint") is not None:
            entry["checkpoint"] = model["checkpoint"]
        if added or "checkpoint" in entry:
            listed.append(entry)
    return Difference(listed, frozenset(known), count, corrections)


def _stands(model: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether a row of the project's models shows at once that nothing is new: the usual case, seen without reading
    the model. It is for plain values, which a row has under the metric's own name."""
    operation, base = check_operation(model.get("operation")), model.get("base")
    if model.get("checkpoint") is not None or (base.id if isinstance(base, Model) else base) != row["base"]:
        return False
    if (operation.name if operation else None) != row["operation"]:
        return False
    if operation and json.loads(row["parameters"]) != operation.parameters:
        return False
    return all(
        value == MetricValue(value.value) and name in row and row[name] is not None and row[name] == value.value
        for name, value in values_of(model)
    )


def values_of(model: Mapping[str, Any]) -> Iterable[tuple[str, MetricValue]]:
    """Name and value of everything that a model was measured."""
    for name, measured in (model.get("metrics") or {}).items():
        for one in measured if isinstance(measured, list | tuple) else (measured,):
            if one is not None:
                yield name, one if isinstance(one, MetricValue) else MetricValue(one)


def _at(values: Iterable[MetricValue], wanted: MetricValue) -> MetricValue | None:
    return next((value for value in values if _place(value) == _place(wanted)), None)


def _place(value: MetricValue) -> tuple[str | None, ...]:
    return value.slice, value.device, value.dataset, value.protocol_json


def _equal(one: MetricValue, other: MetricValue) -> bool:
    same = one.value == other.value or (math.isnan(one.value) and math.isnan(other.value))
    return same and one.count == other.count and one.standard_error == other.standard_error


def _corrected_here(there: Model, name: str, value: MetricValue) -> bool:
    """Whether somebody has corrected this very number in the project: its source does not bring it back."""
    return any(
        number == value.value and (label == name or label.startswith(f"{name} ("))
        for change in there.corrections
        for label, number in change.old.items()
    )


def _same_origin(model: Mapping[str, Any], there: Model) -> None:
    """A model that is there may know more or fewer parameters: which ones vary depends on the other models."""
    base = model.get("base")
    differing = []
    if (base.id if isinstance(base, Model) else base) != there.base:
        differing.append(f"base: {there.base!r} here, {base!r} in the source")
    record = check_operation(model.get("operation"))
    if not _agree(record, there.operation):
        mine, its = (None if one is None else one.name for one in (there.operation, record))
        differing.append(f"operation: {mine!r} here, {its!r} in the source, or other parameters")
    if differing:
        raise Conflict(
            "model.conflict",
            f"Model {there.id[:80]!r} is already logged with another {differing[0].partition(':')[0]}.",
            detail="; ".join(differing) + ".",
            hint="Import into a new project, or rename one of the two.",
        )


def _agree(one: Operation | None, other: Operation | None) -> bool:
    if one is None or other is None:
        return one is other
    shared = set(one.parameters) & set(other.parameters)
    return one.name == other.name and all(one.parameters[name] == other.parameters[name] for name in shared)


def other_data(project: Store | None, datasets: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of datasets that a project has with other content."""
    known = set() if project is None else {one.name for one in project.datasets()}
    return [one["name"] for one in datasets if one["name"] in known and not has_dataset(project, one)]


def other_answers(project: Store | None, imported: Imported) -> tuple[set[Answers], set[Answers]]:
    """The answers of an import, as model and dataset, that are others than those of the project: those that replace
    them, and those that do not, because the model was asked under another protocol, too, there."""
    replacing: set[Answers] = set()
    otherwise: set[Answers] = set()
    if project is None:
        return replacing, otherwise
    changed = set(other_data(project, imported.datasets))
    models = {one["id"]: one for one in imported.models}
    for one in imported.outputs:
        id, name = str(one.get("model")), str(one["dataset"])
        if name in changed or id not in project:
            continue
        there = project.model(id)
        if name not in there.datasets or not project.has_other_outputs(id, name, **_columns(one)):
            continue
        its = {value.protocol_json for values in there.metrics.values() for value in values if value.dataset == name}
        told = values_of(models.get(id, {}))
        mine = {value.protocol_json for _, value in told if value.dataset == name}
        # Answers do not say their protocol: where the project knows one that the source does not, they may be of that.
        (replacing if not mine or its <= mine else otherwise).add((id, name))
    return replacing, otherwise


def told(replacing: Iterable[Answers], otherwise: Iterable[Answers]) -> list[str]:
    """A sentence for each of what ``other_answers`` gives."""
    return [
        *(
            f"Model {id!r} has other answers on {name!r} in the project: they are replaced, and its history keeps them."
            for id, name in sorted(replacing)
        ),
        *(
            f"Model {id!r} was asked on {name!r} under another protocol in the project, whose answers stay; other ones "
            "are left out."
            for id, name in sorted(otherwise)
        ),
    ]


def _columns(answers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answers.items() if name not in ("model", "dataset")}


def has_dataset(project: Store | None, dataset: Mapping[str, Any]) -> bool:
    """Whether a project has these instances already, perhaps among more of the same name."""
    if project is None:
        return False
    try:
        there = project.instances(dataset["name"])
    except NotFound:
        return False
    positions = {id: position for position, id in enumerate(there["id"].to_pylist())}
    if len(dataset["ids"]) > len(positions) or not all(id in positions for id in dataset["ids"]):
        return False
    where = [positions[id] for id in dataset["ids"]]
    for given, column in (("labels", "label"), ("texts", "text")):
        mine = dataset.get(given)
        if (mine is not None) != (column in there.column_names):
            return False
        if mine is not None:
            old = there[column].to_pylist()
            if any(old[position] != new for position, new in zip(where, mine, strict=True)):
                return False
    return True
