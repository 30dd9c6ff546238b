"""Taking changes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from ..errors import Conflict
from ..records import Change, Operation
from . import changes, corrections, history, instances, models, notes, schema, trash
from .history import Made

Undo = Callable[[sa.Connection, Change, list[models.StoredModel]], None]


def undo(connection: sa.Connection, number: int | None = None) -> int:
    """Take back the last change that can be, or the one of a number; returns the number of the change that does so.

    Raises:
        NotFound: ``history.nothing``, ``history.unknown``.
        Conflict: ``history.not_undoable``, ``history.later``, or what stands in the way, e.g. ``model.exists``.
    """
    change = history.last_undoable(connection, number)
    if change.action == "delete":
        return changes.restore(connection, change.number, action="undo")
    found = list(models.by_keys(connection, history.keys(connection, change.number)))
    if len(found) < len(change.models):
        raise Conflict(
            "history.gone", f"Change {change.number} ({change.action}) cannot be undone: its models were deleted."
        )
    made = Made(
        "undo", {one.key: one.id for one in found}, {"change": change.number, "action": change.action}, undoable=False
    )
    by = history.record(connection, made)
    UNDONE[change.action](connection, change, found)
    changes.check_shown(connection)
    history.undone(connection, change.number, by=by)
    return by


def _restore(connection: sa.Connection, change: Change, found: list[models.StoredModel]) -> None:
    """The deletion stands again as it stood, and can be undone in its turn."""
    keys = {one.key for one in found}
    left = [one for one in models.children(connection, keys) if one.key not in keys]
    if left:
        raise Conflict(
            "model.has_descendants",
            f"Change {change.number} cannot be undone: {left[0].id!r:.80} was made from a restored model since.",
            hint="Delete that model first.",
        )
    deletion = history.kept_rows(connection, change.number)
    files = trash.files(connection, [one.key for one in found])
    trash.throw_away(connection, sorted(found, key=lambda one: one.step), number=deletion)
    history.stands_again(connection, deletion, files=files)


def _rename(connection: sa.Connection, change: Change, _: list[models.StoredModel]) -> None:
    changes.give_id(connection, str(change.new["id"]), str(change.old["id"]))


def _set_base(connection: sa.Connection, change: Change, found: list[models.StoredModel]) -> None:
    base, operation = history.kept_rows(connection, change.number)
    parent = next(iter(models.by_keys(connection, [] if base is None else [base])), None)
    if base is not None and parent is None:
        raise Conflict("history.gone", f"Change {change.number} cannot be undone: the base before it was deleted.")
    changes.move(connection, found[0], parent, operation=operation and Operation(operation[0], **operation[1]))


def _archive(connection: sa.Connection, change: Change, found: list[models.StoredModel]) -> None:
    changes.set_archived(connection, [one.key for one in found], archived=change.action == "unarchive")


def _correct(connection: sa.Connection, change: Change, found: list[models.StoredModel]) -> None:
    rows = history.kept_rows(connection, change.number)
    corrections.put(connection, found[0].key, zip(rows["new"], rows["old"], strict=True))


def _note(connection: sa.Connection, change: Change, found: list[models.StoredModel]) -> None:
    notes.set_note(connection, found[0].key, str(change.old["note"] or ""))


def _tags(connection: sa.Connection, change: Change, found: list[models.StoredModel]) -> None:
    tags: Any = change.old["tags"]
    notes.set_tags(connection, found[0].key, tags)


def _outputs(connection: sa.Connection, change: Change, found: list[models.StoredModel]) -> None:
    dataset, sha256, count = history.kept_rows(connection, change.number)
    table = schema.outputs
    mine = (table.c.model_key == found[0].key) & (table.c.dataset_key == dataset)
    connection.execute(table.update().where(mine).values(sha256=sha256, num_instances=count))


def _dataset(connection: sa.Connection, change: Change, _: list[models.StoredModel]) -> None:
    instances.remove_dataset(connection, history.kept_rows(connection, change.number))


UNDONE: Mapping[str, Undo] = {
    "restore": _restore,
    "rename": _rename,
    "set base": _set_base,
    "archive": _archive,
    "unarchive": _archive,
    "correct": _correct,
    "note": _note,
    "tags": _tags,
    "complete outputs": _outputs,
    "correct outputs": _outputs,
    "new dataset version": _dataset,
}
