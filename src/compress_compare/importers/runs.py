"""What trackers have in common: runs with a name, a configuration, tags and metrics, of which models are made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..records import MetricValue, Operation
from . import metric_names
from .base import Imported
from .numbers import clean_name, metric_name, scalar

MAX_TAGS = 50
MAX_LEVELS = 6


@dataclass
class TrackedRun:
    """A run of a tracker.

    Args:
        key: what the tool itself calls it.
        name: what people call it; it need not be the only one.
        base: key or name of the run whose model this one was made from, where the tool knows.
        operation: likewise.
        facts: all that the tool says about it, by dotted names: ``config.bits``, ``tag:stage``.
        metrics: by name; NaN and infinities as they are, what is missing left out.
        tags: short labels.
        note: free text.
        aliases: other names that a rule may use for it.
    """

    key: str
    name: str
    base: str | None = None
    operation: Operation | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float | MetricValue | Sequence[MetricValue]] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    note: str = ""
    aliases: tuple[str, ...] = ()


def flat(settings: object, prefix: str, *, level: int = 0) -> dict[str, Any]:
    """A nested configuration as facts by dotted names: ``{"a": {"b": 1}}`` → ``{"config.a.b": 1}``.

    Args:
        settings: a mapping, or a value.
        prefix: e.g. ``config``.
        level: of nesting; deeper ones stay mappings.
    """
    if isinstance(settings, Mapping) and settings and level < MAX_LEVELS:
        found: dict[str, Any] = {}
        for key, value in settings.items():
            found.update(flat(value, f"{prefix}.{key}", level=level + 1))
        return found
    return {prefix: scalar(settings)}


def imported_from(runs: Sequence[TrackedRun]) -> Imported:
    """Models of runs. Of runs with one name the first keeps it and the others get the first part of their key.

    Args:
        runs: in the order in which they were begun, so that a later run never takes an earlier one's name.
    """
    imported = Imported()
    taken: set[str] = set()
    ids: dict[str, str] = {}
    for run in runs:
        id = clean_name(run.name)
        if id in taken:
            id = clean_name(f"{id[:200]} ({run.key[:8]})")
        if id in taken:
            id = clean_name(f"{id[:150]} ({run.key})")
        taken.add(id)
        ids[run.key] = id
    for run in runs:
        for other in (run.key, run.name, *run.aliases):
            imported.keys.setdefault(other, ids[run.key])
    for run in runs:
        _add(imported, run, id=ids[run.key])
    define(imported)
    return imported


def _add(imported: Imported, run: TrackedRun, *, id: str) -> None:
    base = None if run.base is None else imported.keys.get(run.base, clean_name(run.base))
    imported.facts[id] = {**run.facts, "name": run.name, "id": run.key}
    imported.models.append(
        {
            "id": id,
            "base": base if base != id else None,
            "operation": run.operation,
            "metrics": {metric_name(name): value for name, value in run.metrics.items()},
            "tags": tuple(clean_name(tag) for tag in run.tags[:MAX_TAGS]),
            "note": run.note.replace("\0", "")[:100_000],
        }
    )


def define(imported: Imported) -> None:
    """Define the metrics of the models by their names, where the tool has not said what they are."""
    values: dict[str, list[float]] = {}
    for model in imported.models:
        for name, measured in (model.get("metrics") or {}).items():
            values.setdefault(name, []).extend(number for number in numbers_of(measured) if math.isfinite(number))
    known = {metric.name for metric in imported.metrics}
    for name, found in values.items():
        if name not in known:
            metric, imported.reasons[name] = metric_names.described(name, found)
            imported.metrics.append(metric)


def numbers_of(measured: Any) -> Iterable[float]:
    """The numbers of what a model was measured: a number, a value, or several values."""
    for one in measured if isinstance(measured, list | tuple) else (measured,):
        if one is not None:
            yield one.value if isinstance(one, MetricValue) else float(one)
