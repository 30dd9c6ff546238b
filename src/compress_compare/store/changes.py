"""Changes of models: deleted, renamed, hidden, or moved under another base. Each is written into the history."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from ..errors import Conflict, InvalidValue
from ..records import JSON, Operation, check_name
from . import history, models, schema, trash
from .history import Made
from .models import StoredModel

LISTED = 5
"""How many models a message names at most."""


def delete(connection: sa.Connection, id: str, *, with_descendants: bool, reason: str) -> int:
    """Delete a model, so that it can be restored; returns the number of the change.

    Raises:
        Conflict: ``model.has_descendants``, naming them.
    """
    row = models.one(connection, id)
    below = models.descendants(connection, row.key)
    if below and not with_descendants:
        raise Conflict(
            "model.has_descendants",
            f"Model {id!r:.80} cannot be deleted alone: {len(below):,} models come from it.",
            detail=_named(below),
            hint="Delete them too (descendants=True), or move them to another base first.",
        )
    return delete_all(connection, [row, *below], reason=reason)


def delete_all(connection: sa.Connection, found: Sequence[StoredModel], *, reason: str) -> int:
    """Delete models, each given after its base."""
    names = {one.key: one.id for one in found}
    files = trash.files(connection, names)
    listed: list[JSON] = [*names.values()]
    made = Made("delete", names, {"models": listed}, {"models": None}, reason=reason, files=files)
    number = history.record(connection, made)
    trash.throw_away(connection, found, number=number)
    return number


def restore(connection: sa.Connection, deletion: int, *, action: str = "restore") -> int:
    """Put the models of one deletion back; returns the number of the change.

    Args:
        connection: that writes.
        deletion: its number.
        action: ``restore``, or ``undo`` for one that cannot be undone itself.
    """
    names = trash.put_back(connection, deletion)
    listed: list[JSON] = [*names.values()]
    made = Made(action, names, {"models": None}, {"models": listed}, deletion, undoable=action == "restore")
    number = history.record(connection, made)
    history.undone(connection, deletion, by=number)
    check_shown(connection)
    return number


def rename(connection: sa.Connection, id: str, new: str, *, reason: str = "") -> int:
    """Give a model another id; returns the number of the change.

    Raises:
        Conflict: ``model.exists``.
        InvalidValue: ``name.invalid``.
    """
    row = models.one(connection, id)
    give_id(connection, id, new)
    return history.record(connection, Made("rename", {row.key: id}, {"id": id}, {"id": new}, reason=reason))


def give_id(connection: sa.Connection, id: str, new: str) -> None:
    """Give a model another id everywhere, without a change of its own."""
    check_name(new, "model id")
    if any(models.by_ids(connection, [new])):
        raise Conflict("model.exists", f"There is a model {new!r:.80} already.", hint="Choose another id.")
    connection.execute(schema.models.update().where(schema.models.c.id == id).values(id=new))
    connection.execute(schema.tasks.delete().where(schema.tasks.c.root == new))
    connection.execute(schema.tasks.update().where(schema.tasks.c.root == id).values(root=new))
    connection.execute(schema.jobs.update().where(schema.jobs.c.model == id).values(model=new))


def set_base(
    connection: sa.Connection, id: str, base: str | None, *, operation: Operation | None, reason: str
) -> int | None:
    """Say that a model came from another base, or by another operation; returns the number of the change, or ``None``
    if it is so already.

    Args:
        connection: that writes.
        id: of the model.
        base: id; None for a root.
        operation: that was applied to the base.
        reason: why.

    Raises:
        InvalidValue: ``model.own_base``.
        Conflict: ``model.cycle`` if the base comes from the model.
    """
    row = models.one(connection, id)
    parent = None if base is None else models.one(connection, base)
    move(connection, row, parent, operation=operation)
    old_base = next((one.id for one in models.by_keys(connection, [row.base_key or -1])), None)
    old: dict[str, JSON] = {"base": old_base, "operation": _words(row.operation)}
    new: dict[str, JSON] = {"base": base, "operation": _words(operation)}
    if old == new and row.operation == operation:
        return None
    rows = [row.base_key, row.operation and [row.operation.name, dict(row.operation.parameters)]]
    return history.record(connection, Made("set base", {row.key: id}, old, new, rows, reason))


def move(
    connection: sa.Connection, row: StoredModel, parent: StoredModel | None, *, operation: Operation | None
) -> None:
    """Put a model under another base with all that comes from it, without a change of its own."""
    if parent is not None and parent.key == row.key:
        raise InvalidValue("model.own_base", f"Model {row.id!r:.80} cannot be its own base.")
    below = models.descendants(connection, row.key)
    if parent is not None and parent.key in {one.key for one in below}:
        raise Conflict(
            "model.cycle",
            f"Model {parent.id!r:.80} comes from {row.id!r:.80} and cannot be its base.",
            hint="Move that one to another base first.",
        )
    step = parent.step + 1 if parent else 0
    table = schema.models
    columns = {
        "base_key": parent.key if parent else None,
        "operation": operation.name if operation else None,
        "parameters": operation.parameters_json if operation else "{}",
    }
    connection.execute(table.update().where(table.c.key == row.key).values(**columns, step=step))
    for one in below:
        connection.execute(table.update().where(table.c.key == one.key).values(step=one.step - row.step + step))
    check_shown(connection)


def archive(connection: sa.Connection, id: str, *, with_descendants: bool, reason: str = "") -> int | None:
    """Hide a model; returns the number of the change, or None if it was hidden already.

    Raises:
        Conflict: ``model.has_descendants`` if models that come from it are shown.
    """
    row = models.one(connection, id)
    shown = [one for one in models.descendants(connection, row.key) if one.archived_at is None]
    if shown and not with_descendants:
        raise Conflict(
            "model.has_descendants",
            f"Model {id!r:.80} cannot be archived alone: {len(shown):,} models that come from it are shown.",
            detail=_named(shown),
            hint="Archive them too (descendants=True).",
        )
    found = [one for one in (row, *shown) if one.archived_at is None]
    return _mark(connection, found, archived=True, reason=reason) if found else None


def unarchive(connection: sa.Connection, id: str) -> int | None:
    """Show a model again with those that it comes from; returns the number of the change, if there is any."""
    hidden = [one for one in models.lineage(connection, models.one(connection, id)) if one.archived_at is not None]
    return _mark(connection, hidden, archived=False) if hidden else None


def set_archived(connection: sa.Connection, keys: Iterable[int], *, archived: bool) -> None:
    """Hide models or show them, without a change of its own."""
    table = schema.models
    for key in keys:
        value = models.now() if archived else None
        connection.execute(table.update().where(table.c.key == key).values(archived_at=value))


def check_shown(connection: sa.Connection) -> None:
    """Pass if everything that a shown model comes from is shown: a map would have gaps otherwise.

    Raises:
        Conflict: ``model.archived_base``.
    """
    child, parent = schema.models.alias(), schema.models.alias()
    query = (
        sa.select(child.c.id, parent.c.id)
        .join(parent, child.c.base_key == parent.c.key)
        .where(parent.c.archived_at.is_not(None), child.c.archived_at.is_(None))
    )
    row = connection.execute(query.limit(1)).first()
    if row is not None:
        raise Conflict(
            "model.archived_base",
            f"Model {row[0]!r:.80} would come from {row[1]!r:.80}, which is archived.",
            hint=f"Unarchive {row[1]!r:.80} first.",
        )


def show_bases(connection: sa.Connection, keys: Iterable[int]) -> None:
    """Show what new models come from."""
    if not models.archived(connection):
        return
    for row in models.by_keys(connection, list(keys)):
        hidden = [one for one in models.lineage(connection, row) if one.archived_at is not None]
        if hidden:
            _mark(connection, hidden, archived=False, reason=f"{row.id} was made from it.")


def _mark(connection: sa.Connection, found: Sequence[StoredModel], *, archived: bool, reason: str = "") -> int:
    set_archived(connection, [one.key for one in found], archived=archived)
    action = "archive" if archived else "unarchive"
    names = {one.key: one.id for one in found}
    made = Made(action, names, {"archived": not archived}, {"archived": archived}, reason=reason)
    return history.record(connection, made)


def _named(found: Sequence[StoredModel]) -> str:
    listed = ", ".join(repr(one.id)[:80] for one in found[:LISTED])
    more = len(found) - LISTED
    return f"They are {listed}{f' and {more:,} more' if more > 0 else ''}."


def _words(operation: Operation | None) -> str | None:
    if operation is None:
        return None
    values = operation.parameters.items()
    return " ".join((operation.name, *(f"{name}={_text(value)}" for name, value in values)))


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
