"""A model as it is about to be logged, and the check that logging it again says the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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

    def __post_init__(self) -> None:
        check_name(self.id, "model id")
        if self.base is not None:
            check_name(self.base, "model id")
        if self.base == self.id:
            raise InvalidValue("model.own_base", f"Model {self.id!r} names itself as its base.")
        for tag in self.tags:
            check_name(tag, "tag")
        check_note(self.note)


MAX_NOTE = 100_000


def check_note(text: str) -> str:
    """Return ``text`` if it can be a note: a string of at most 100,000 characters without NUL."""
    if not isinstance(text, str) or len(text) > MAX_NOTE or "\0" in text:
        raise InvalidValue("note.invalid", f"A note must be text of at most {MAX_NOTE:,} characters without NUL.")
    return text


Measured = float | MetricValue | Sequence[MetricValue] | None


def check_metrics(metrics: Mapping[str, Measured] | None) -> dict[str, tuple[MetricValue, ...]]:
    """What the user measured, as tuples of values. ``None`` means missing and is left out."""
    checked: dict[str, tuple[MetricValue, ...]] = {}
    for name, measured in (metrics or {}).items():
        check_name(name, "metric name")
        values = _values(name, measured)
        places = {(value.slice, value.device) for value in values}
        if len(places) < len(values):
            raise InvalidValue("metric.duplicate", f"Metric {name!r} has two values for one slice and device.")
        if values:
            checked[name] = values
    return checked


def _values(name: str, measured: Measured) -> tuple[MetricValue, ...]:
    if measured is None:
        return ()
    if isinstance(measured, MetricValue):
        return (measured,)
    if isinstance(measured, list | tuple):
        if not all(isinstance(value, MetricValue) for value in measured):
            raise InvalidValue("metric.value", f"Metric {name!r} must be a number or a list of MetricValue.")
        return tuple(measured)
    if isinstance(measured, str | bytes):
        raise InvalidValue("metric.value", f"Metric {name!r} must be a number.", detail=f"Found {measured!r:.64}.")
    return (MetricValue(measured),)  # type: ignore[arg-type]
