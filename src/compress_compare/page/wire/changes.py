"""Changes of what was logged, over HTTP."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from ... import records
from .base import Answer, Ask, Json, Number


class OriginAnswer(Answer):
    """Who did something, where and with what."""

    user: str
    host: str
    packages: dict[str, str]
    commit: str | None
    dirty: bool | None
    command: str
    token: str


class ChangeAnswer(Answer):
    """One change: what was there, what is there instead, and whether it can be taken back."""

    number: int
    at: str
    action: str
    models: list[str]
    old: dict[str, Json]
    new: dict[str, Json]
    reason: str
    undoable: bool
    undone_by: int | None
    origin: OriginAnswer | None


class ChangeMade(Answer):
    """What was changed; null if it was so already."""

    change: ChangeAnswer | None


class Purged(Answer):
    """What was forgotten for good: deleted models, and how many files that nothing names any more, with their bytes."""

    models: int
    num_files: int
    num_bytes: int


class HistoryAnswer(Answer):
    """Changes, the newest first, and the models that are hidden or can be restored."""

    changes: list[ChangeAnswer]
    archived: list[str]
    deleted: list[str]


class AuditEntry(Answer):
    """One thing that somebody did: when (ISO 8601), who, with which token, from which machine, what, and to what."""

    at: str
    user: str
    token: str
    host: str
    action: str
    about: str


class AuditAnswer(Answer):
    """What was done, the newest first."""

    entries: list[AuditEntry]


class Renaming(Ask):
    """The new id of a model."""

    id: str
    reason: str = ""


class AppliedOperation(Ask):
    """An operation with its parameters."""

    name: str
    parameters: dict[str, Json] = Field(default_factory=dict)


class Rebasing(Ask):
    """Where a model came from; null for a root. The operation stays as it is if it is left out."""

    base: str | None
    operation: AppliedOperation | None = None
    reason: str = ""


class Archiving(Ask):
    """Whether a model is to be hidden."""

    archived: bool
    descendants: bool = False
    reason: str = ""


class SeenValue(Ask):
    """A value that somebody looked at, and where it was measured."""

    value: Number
    slice: str | None = None
    device: str | None = None
    dataset: str | None = None
    protocol: dict[str, Json] | None = None


class Correcting(Ask):
    """Values by metric that replace those that were wrong; null removes one.

    `seen` tells which of several values of a metric is meant; the correction is refused where it is another by now.
    """

    values: dict[str, Number | None]
    seen: dict[str, SeenValue] = Field(default_factory=dict)
    reason: str = ""


class DescendantsAnswer(Answer):
    """The models that come from one, archived ones too, each after its base."""

    models: list[str]


class Undoing(Ask):
    """The change to take back; the last one if it is left out."""

    number: int | None = None


def origin(record: records.Origin | None) -> OriginAnswer | None:
    """Who did something."""
    if record is None:
        return None
    return OriginAnswer(
        user=record.user,
        host=record.host,
        packages=dict(record.packages),
        commit=record.commit,
        dirty=record.dirty,
        command=record.command,
        token=record.token,
    )


def change(record: records.Change) -> ChangeAnswer:
    """One change."""
    return ChangeAnswer(
        number=record.number,
        at=record.at,
        action=record.action,
        models=list(record.models),
        old=dict(record.old),
        new=dict(record.new),
        reason=record.reason,
        undoable=record.undoable,
        undone_by=record.undone_by,
        origin=origin(record.origin),
    )


def changes(found: Iterable[records.Change]) -> list[ChangeAnswer]:
    """Several changes."""
    return [change(one) for one in found]
