"""A model as it is about to be logged: what the user gave, checked, with its weights on their way into the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .. import checks
from ..errors import InvalidValue
from ..records import Checkpoint, MetricValue, Operation, Reference, check_name


@dataclass(frozen=True)
class ModelDraft:
    """All that ``log_model`` was given, validated."""

    id: str
    base: str | None = None
    operation: Operation | None = None
    metrics: Mapping[str, tuple[MetricValue, ...]] = field(default_factory=dict)
    checkpoint: Checkpoint | None = None
    references: tuple[Reference, ...] = ()
    tags: tuple[str, ...] = ()
    note: str = ""
    replicate: str | None = None

    def __post_init__(self) -> None:
        check_name(self.id, "model id")
        if self.base is not None:
            check_name(self.base, "model id")
        if self.base == self.id:
            raise InvalidValue("model.own_base", f"Model {self.id!r} names itself as its base.")
        for tag in self.tags:
            check_name(tag, "tag")
        if self.replicate is not None:
            check_name(self.replicate, "replicate")
        check_note(self.note)


def check_operation(operation: Any) -> Operation | None:
    """The record of an operation given as such or as one of ``compress_compare.operations``."""
    if operation is None or isinstance(operation, Operation):
        return operation
    record = operation.record() if hasattr(operation, "record") else None
    if not isinstance(record, Operation):
        raise InvalidValue(
            "operation.type",
            "An operation must be cc.Operation(name, **parameters) or one of compress_compare.operations.",
            detail=f"Found {type(operation).__name__}.",
        )
    return record


MAX_NOTE = 100_000


def check_note(text: str) -> str:
    """Return ``text`` if it can be a note: a string of at most 100,000 characters without NUL."""
    if not isinstance(text, str) or len(text) > MAX_NOTE or "\0" in text:
        raise InvalidValue("note.invalid", f"A note must be text of at most {MAX_NOTE:,} characters without NUL.")
    return text


Measured = float | MetricValue | Sequence[MetricValue] | None


def check_metrics(metrics: Mapping[str, Measured] | None) -> dict[str, tuple[MetricValue, ...]]:
    """What the user measured, as tuples of values. ``None`` means missing and is left out.

    Names are checked where they become metrics.
    """
    checked: dict[str, tuple[MetricValue, ...]] = {}
    for name, measured in checks.mapping(metrics, "Metrics").items():
        values = _apart(_values(name, measured))
        if len(values) > 1 and len({_place(value) for value in values}) < len(values):
            raise InvalidValue(
                "metric.duplicate", f"Metric {name!r} has two values for one slice, device, dataset and protocol."
            )
        if values:
            checked[name] = values
    return checked


def _apart(values: tuple[MetricValue, ...]) -> tuple[MetricValue, ...]:
    """Values that differ in nothing but how many examples are behind them say so in their protocol."""
    if len(values) < 2:
        return values
    places = Counter(_place(value) for value in values)
    counts = Counter((_place(value), value.count) for value in values)
    return tuple(
        replace(value, protocol={**(value.protocol or {}), "examples": value.count})
        if places[_place(value)] > 1 and value.count is not None and counts[_place(value), value.count] == 1
        else value
        for value in values
    )


def _place(value: MetricValue) -> tuple[str | None, ...]:
    return (value.slice, value.device, value.dataset, value.protocol_json)


def _values(name: str, measured: Measured) -> tuple[MetricValue, ...]:
    if measured is None:
        return ()
    if isinstance(measured, float):
        return (MetricValue(float(measured)),)
    if isinstance(measured, MetricValue):
        return (measured,)
    if isinstance(measured, list | tuple):
        if not all(isinstance(value, MetricValue) for value in measured):
            raise InvalidValue("metric.value", f"Metric {name!r} must be a number or a list of MetricValue.")
        return tuple(measured)
    if isinstance(measured, str | bytes):
        raise InvalidValue("metric.value", f"Metric {name!r} must be a number.", detail=f"Found {measured!r:.64}.")
    return (MetricValue(measured),)  # type: ignore[arg-type]
