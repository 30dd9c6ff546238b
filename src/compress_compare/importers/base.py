"""What an importer is, and what it returns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import NotFound
from ..records import Metric, MetricValue
from .numbers import clean_name
from .places import Kind, Place


@dataclass(frozen=True)
class Correction:
    """A value that the project has otherwise, and that the source has changed since.

    Args:
        model: id of the model.
        metric: name of the metric.
        value: that now holds.
        reason: in a sentence.
        measured: the value with its slice, device, dataset, protocol, count and standard error, where the source says
            more than the number.
    """

    model: str
    metric: str
    value: float
    reason: str
    measured: MetricValue | None = None


@dataclass(frozen=True)
class Variant:
    """What tells a model from others of its name.

    Args:
        name: that they have in common.
        arguments: with which this one was loaded.
    """

    name: str
    arguments: Mapping[str, Any]

    def called(self, first: Mapping[str, Any]) -> str:
        """Its name beside a model with the arguments ``first``: those that differ are said."""
        own = plain_arguments(self.arguments)
        said = [f"{name}={value}" for name, value in sorted(own.items()) if first.get(name) != value]
        missing = [f"no {name}" for name in sorted(first.keys() - own.keys())]
        return clean_name(f"{self.name} ({', '.join([*said, *missing])})") if said or missing else self.name


def plain_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON gives them back."""
    found: dict[str, Any] = json.loads(json.dumps(dict(arguments), default=str))
    return found


@dataclass
class Imported:
    """What was read: records as a project logs them, in any order, and what was odd.

    Args:
        metrics: definitions.
        models: mappings of the arguments of ``log_model``; a checkpoint is a path, a state dict or a module.
        datasets: mappings of the arguments of ``log_dataset``.
        outputs: mappings of the arguments of ``log_outputs``.
        checkpoints: id of one of the models → its weights, where they stand apart from it.
        notes: id of one of the models → its note, likewise.
        corrections: values that replace those that the project has.
        warnings: a sentence for each entry that was left out or understood in part, naming it.
        notices: a sentence for each thing that was taken from somewhere and that a user may want to know or to change.
        facts: id of a model → what its tool says about it by dotted names, such as ``tag:stage`` and ``config.bits``;
            base and operation are proposed from them, see ``rules``.
        keys: what the tool itself calls a model, or a second name of it → its id.
        reasons: name of a metric → why it has its unit and direction.
        variants: id of one of the models → what tells it from others of its name, where the tool says.
        named: models that others name as their base; one that neither the import nor the project has comes in bare.
        mapping: what the columns of a table are taken for, as YAML that a user can change and give back.
        columns: of that table.
    """

    metrics: list[Metric] = field(default_factory=list)
    models: list[dict[str, Any]] = field(default_factory=list)
    datasets: list[dict[str, Any]] = field(default_factory=list)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    checkpoints: dict[str, object] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    corrections: list[Correction] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    facts: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    variants: dict[str, Variant] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)
    mapping: str = ""
    columns: tuple[str, ...] = ()

    def join(self, other: Imported) -> None:
        """Take in what was read from another place; a metric keeps its first definition.

        Two models of one name that the tool describes otherwise are not one: of the second nothing comes in.
        """
        known = {metric.name for metric in self.metrics}
        others = {id for id, facts in other.facts.items() if id in self.facts and self.facts[id] != facts}
        other.outputs = [one for one in other.outputs if one["model"] not in others]
        for apart in (other.checkpoints, other.notes):
            for id in others & apart.keys():
                del apart[id]
        self.mapping = self.mapping or other.mapping
        self.columns = self.columns or other.columns
        self.metrics += [metric for metric in other.metrics if metric.name not in known]
        for name in ("models", "datasets", "outputs", "corrections", "warnings", "notices", "named"):
            getattr(self, name).extend(getattr(other, name))
        for name in ("checkpoints", "notes", "facts", "keys", "reasons", "variants"):
            mine = getattr(self, name)
            mine.update({key: value for key, value in getattr(other, name).items() if key not in mine})


def _never(path: object) -> str | None:  # noqa: ARG001 -- an importer that recognizes nothing
    return None


@dataclass(frozen=True)
class Importer:
    """One format of another tool.

    Args:
        read: reads what is in a place of a kind in ``takes``.
        summary: what it reads, as a noun phrase.
        takes: whether that is a file, a folder or a URL.
        recognizes: says by what a file or folder shows that it is of this format, as a noun phrase, or None. It reads
            little: see ``files``.
        knows: likewise of an address: by how it is written, or by a short answer of the server there.
        together: reads several places as one, where they may describe one model, as evaluations of it do.
    """

    read: Callable[[Place], Imported]
    summary: str
    takes: frozenset[Kind] = frozenset({"file"})
    recognizes: Callable[[Path], str | None] = _never
    knows: Callable[[str], str | None] = _never
    together: Callable[[Sequence[Place]], Imported] | None = None


def direct(
    imported: Imported,
    *,
    higher: Iterable[str] = (),
    lower: Iterable[str] = (),
    units: Mapping[str, str] | None = None,
) -> None:
    """Say which direction of some metrics is better, and in what some are measured.

    Raises:
        NotFound: ``metric.unknown`` if the file has no such metric.
    """
    directions = {**dict.fromkeys(higher, True), **dict.fromkeys(lower, False)}
    said = units or {}
    unknown = {*directions, *said} - {metric.name for metric in imported.metrics}
    if unknown:
        names = ", ".join(metric.name for metric in imported.metrics)
        raise NotFound("metric.unknown", f"The file has no metric {min(unknown)!r}.", hint=f"It has: {names}.")
    imported.reasons.update(dict.fromkeys([*directions, *said], "you said so"))
    imported.metrics = [
        replace(
            metric,
            higher_is_better=directions.get(metric.name, metric.higher_is_better),
            unit=said.get(metric.name, metric.unit),
        )
        for metric in imported.metrics
    ]
    undirected = [repr(metric.name) for metric in imported.metrics if metric.higher_is_better is None]
    if undirected:
        imported.warnings.append(
            f"The file does not say whether higher or lower is better for {', '.join(undirected)}; "
            "say it in the preview, or with --higher-is-better NAME or --lower-is-better NAME."
        )
