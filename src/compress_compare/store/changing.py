"""What can be changed after it was logged. The history keeps what was there before, and who changed it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import checks, late
from ..errors import StoreError
from ..records import Change, Model
from . import changes, gate_rules, history, models, notes, trash
from .drafts import Measured, check_operation
from .evaluations import EvaluationWriter
from .history import Made

if TYPE_CHECKING:
    from . import corrections, garbage, undo
    from .corrections import SeenReading
    from .garbage import Garbage
else:
    corrections, garbage, undo = late.modules(__package__, "corrections", "garbage", "undo")

KEEP: Any = object()
"""Stands for an operation that stays as it is."""


class Changer(EvaluationWriter):
    """Changes what is in the project in ``directory``."""

    def delete(self, id: str, *, descendants: bool = False, reason: str = "") -> Change:
        """Delete a model. It vanishes from everything, and can be restored until ``purge``.

        Args:
            id: of the model.
            descendants: whether those that come from it are deleted, too.
            reason: why, for the history.

        Raises:
            NotFound: ``model.unknown``.
            Conflict: ``model.has_descendants``, naming them.
        """
        with self._database.write() as connection:
            number = changes.delete(connection, id, with_descendants=descendants, reason=reason)
            return history.one(connection, number)

    def restore_deleted(self, id: str) -> Change:
        """Put a deleted model back, with all that was deleted together with it.

        Raises:
            NotFound: ``model.not_deleted``, ``model.unknown_base`` if its base was deleted after it.
            Conflict: ``model.exists`` if another model has its id now.
        """
        with self._database.write() as connection:
            number = changes.restore(connection, trash.deletion_of(connection, id))
            return history.one(connection, number)

    def rename(self, id: str, new: str, *, reason: str = "") -> Change:
        """Give a model another id; models that come from it and its task follow.

        Raises:
            NotFound: ``model.unknown``.
            Conflict: ``model.exists``.
        """
        with self._database.write() as connection:
            return history.one(connection, changes.rename(connection, id, new, reason=reason))

    def set_base(self, id: str, base: str | Model | None, operation: Any = KEEP, *, reason: str = "") -> Change | None:
        """Say that a model came from another base, or by another operation. What comes from it moves with it.

        Args:
            id: of the model.
            base: the model that it was made from; ``None`` for a root.
            operation: as for ``log_model``; it stays as it is if not given.
            reason: why, for the history.

        Returns:
            The change; ``None`` if it is so already.

        Raises:
            NotFound: ``model.unknown``.
            Conflict: ``model.cycle`` if the base comes from the model.
        """
        parent = base.id if isinstance(base, Model) else base
        with self._database.write() as connection:
            applied = models.one(connection, id).operation if operation is KEEP else check_operation(operation)
            number = changes.set_base(connection, id, parent, operation=applied, reason=reason)
            return None if number is None else history.one(connection, number)

    def archive(self, id: str, *, descendants: bool = False, reason: str = "") -> Change | None:
        """Hide a model from everything that lists models; its numbers stay, and it can still be named.

        Args:
            id: of the model.
            descendants: whether those that come from it are hidden, too.
            reason: why, for the history.

        Returns:
            The change; ``None`` if it was hidden already.

        Raises:
            Conflict: ``model.has_descendants`` if models that come from it are shown.
        """
        with self._database.write() as connection:
            number = changes.archive(connection, id, with_descendants=descendants, reason=reason)
            return None if number is None else history.one(connection, number)

    def unarchive(self, id: str) -> Change | None:
        """Show an archived model again, with those that it comes from; ``None`` if it was shown."""
        with self._database.write() as connection:
            number = changes.unarchive(connection, id)
            return None if number is None else history.one(connection, number)

    def correct(
        self,
        id: str,
        values: Mapping[str, Measured],
        *,
        reason: str = "",
        seen: Mapping[str, SeenReading] | None = None,
    ) -> Change | None:
        """Replace metric values that were wrong. The old ones stay in the history, and are not logged again.

        Args:
            id: of the model.
            values: by metric: a number for its one value over all examples, which keeps device, dataset, protocol and
                count; a ``MetricValue`` for the value of the same slice, device, dataset and protocol; ``None`` for no
                value.
            reason: why, for the history.
            seen: by metric, the value that somebody looked at; it says which of several is meant.

        Returns:
            The change; ``None`` if all values were so already.

        Raises:
            NotFound: ``model.unknown``, ``metric.unknown``, ``metric.no_value``.
            InvalidValue: ``metric.ambiguous``, ``metric.range``.
            Conflict: ``metric.changed`` if a value is no longer what was seen.
        """
        with self._database.write() as connection:
            number = corrections.correct(connection, id, checks.mapping(values, "Values"), reason=reason, seen=seen)
            return None if number is None else history.one(connection, number)

    def undo(self, number: int | None = None) -> Change:
        """Take back the last change that has not been taken back, or the one of a number.

        Raises:
            NotFound: ``history.nothing``, ``history.unknown``.
            Conflict: ``history.not_undoable``, ``history.later`` if its models were changed again, ``history.gone``.
        """
        with self._database.write() as connection:
            return history.one(connection, undo.undo(connection, number))

    def keep_gate_rules(self, text: str) -> None:
        """Keep the rules of the project's gate; an empty text keeps none."""
        with self._database.write() as connection:
            gate_rules.keep(connection, text)

    def set_note(self, id: str, text: str) -> None:
        """Replace the note of a model."""
        with self._database.write() as connection:
            key = models.one(connection, id).key
            old = notes.note_of(connection, key)
            notes.set_note(connection, key, text)
            if old != text:
                history.record(connection, Made("note", {key: id}, {"note": old}, {"note": text}))

    def set_tags(self, id: str, tags: Iterable[str]) -> None:
        """Replace the tags of a model."""
        with self._database.write() as connection:
            key = models.one(connection, id).key
            old = list(notes.tags_of(connection, key))
            notes.set_tags(connection, key, tags)
            new = list(notes.tags_of(connection, key))
            if old != new:
                history.record(connection, Made("tags", {key: id}, {"tags": [*old]}, {"tags": [*new]}))

    def purge(self, *, older_than: float = 0.0, wait: float | None = None) -> Garbage:
        """Give the space of deleted models back, which cannot be restored any more, and of files that nothing names.

        Such files are left by killed processes. Opening a project removes those that are a day old, once a day; deleted
        models stay until somebody calls this.

        Args:
            older_than: seconds since a model was deleted, or a file last written.
            wait: seconds for another writer; 10 if not given.
        """
        with self._database.write(wait=wait) as connection:
            gone = trash.purge(connection, older_than=older_than)
        # files go after no row names them durably: whoever is killed in between leaves files too many, never too few
        with self._database.write(wait=wait) as connection:
            garbage.looked(connection)
            return replace(garbage.collect(connection, self._artifacts, older_than=older_than), models=gone)

    def _tidy(self) -> None:
        """Remove files that nothing names and that are a day old, unless somebody writes just now."""
        if self.storage.read_only:
            return
        with self._database.read() as connection:
            due = garbage.is_due(connection)
        if due:
            with suppress(StoreError), self._database.write(wait=0.0) as connection:
                _collect(connection, self)


def _collect(connection: sa.Connection, store: Changer) -> None:
    garbage.looked(connection)
    garbage.collect(connection, store._artifacts, older_than=garbage.KEPT_S)
