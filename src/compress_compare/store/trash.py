"""Deleted models: their rows are taken out of every table, so that no reader meets them, and kept to be put back."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from ..errors import Conflict, NotFound
from ..records import JSON
from . import history, schema
from .models import CHUNK, StoredModel, by_ids, time_before, unknown

OWNED = (schema.metric_values, schema.files, schema.outputs, schema.tags, schema.notes)
"""Tables whose rows belong to one model, by its key."""

REFERENCES = "model_references"


def throw_away(connection: sa.Connection, found: Sequence[StoredModel], *, number: int) -> None:
    """Take models out of all tables; their bases come before them.

    Args:
        connection: that writes.
        found: all of them, so that none that stays has one of them as its base.
        number: of the deletion.
    """
    for row in reversed(found):
        content: dict[str, Any] = {}
        for table in OWNED:
            mine = table.c.model_key == row.key
            content[table.name] = _rows(connection, table, mine)
            connection.execute(table.delete().where(mine))
        linked = schema.model_references
        mine = (linked.c.model_key == row.key) | (linked.c.parent_key == row.key)
        content[REFERENCES] = _rows(connection, linked, mine)
        connection.execute(linked.delete().where(mine))
        mine = schema.models.c.key == row.key
        content["models"] = _rows(connection, schema.models, mine)
        connection.execute(schema.models.delete().where(mine))
        values = {"model_key": row.key, "id": row.id, "number": number}
        connection.execute(schema.deleted.insert().values(**values, content=json.dumps(content, ensure_ascii=False)))


def deletion_of(connection: sa.Connection, id: str) -> int:
    """The number of the last deletion of a model.

    Raises:
        NotFound: ``model.not_deleted``.
    """
    table = schema.deleted
    number = connection.execute(sa.select(sa.func.max(table.c.number)).where(table.c.id == id)).scalar()
    if number is None:
        names = connection.execute(sa.select(table.c.id).order_by(table.c.number.desc()).limit(5)).scalars().all()
        raise NotFound(
            "model.not_deleted",
            f"No deleted model is called {id[:80]!r}.",
            hint=f"Those that can be restored are, for example: {', '.join(names)}."
            if names
            else "None can be restored.",
        )
    return int(number)


def put_back(connection: sa.Connection, number: int) -> dict[int, str]:
    """Put the models of one deletion back; returns their ids by key.

    Raises:
        Conflict: ``model.exists`` if another model has the id of one now.
        NotFound: ``model.unknown_base`` if the base of one is not there any more.
    """
    table = schema.deleted
    found = connection.execute(sa.select(table).where(table.c.number == number)).all()
    contents = {row.model_key: json.loads(row.content) for row in found}
    own = sorted((content["models"][0] for content in contents.values()), key=lambda row: int(row["step"]))
    for model in own:
        _check(connection, model)
        connection.execute(schema.models.insert().values(**model))
    connection.execute(table.delete().where(table.c.number == number))
    for key, content in contents.items():
        for owned in OWNED:
            if content[owned.name]:
                connection.execute(owned.insert(), content[owned.name])
        for reference in content[REFERENCES]:
            _link(
                connection, reference, other=reference["parent_key" if reference["model_key"] == key else "model_key"]
            )
    return {model["key"]: model["id"] for model in own}


def key_of(connection: sa.Connection, id: str) -> int:
    """The key of a model that is there, or else of the last deleted one of that id.

    Raises:
        NotFound: ``model.unknown``.
    """
    for row in by_ids(connection, [id]):
        return row.key
    table = schema.history_models
    query = sa.select(table.c.model_key).where(table.c.model == id).order_by(table.c.number.desc())
    key = connection.execute(query.limit(1)).scalar()
    if key is None:
        raise unknown(id)
    return int(key)


def names(connection: sa.Connection) -> list[str]:
    """The ids of the deleted models that can be restored, the last first."""
    table = schema.deleted
    query = sa.select(table.c.id).order_by(table.c.number.desc(), table.c.model_key)
    return list(connection.execute(query).scalars())


def files(connection: sa.Connection, keys: Collection[int]) -> set[str]:
    """SHA-256 of all that is stored for models: weights and outputs."""
    found: set[str] = set()
    wanted = sorted(keys)
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        for table in (schema.files, schema.outputs):
            found.update(connection.execute(sa.select(table.c.sha256).where(table.c.model_key.in_(chunk))).scalars())
    return found


def _check(connection: sa.Connection, model: dict[str, Any]) -> None:
    table = schema.models
    if connection.execute(sa.select(table.c.key).where(table.c.id == model["id"])).first():
        raise Conflict(
            "model.exists",
            f"Model {model['id']!r:.80} cannot be restored: another model has this id now.",
            hint="Rename that one first.",
        )
    base = model["base_key"]
    if base is None:
        return
    row = connection.execute(sa.select(table.c.step).where(table.c.key == base)).first()
    if row is None:
        id = connection.execute(sa.select(schema.deleted.c.id).where(schema.deleted.c.model_key == base)).scalar()
        missing = NotFound(
            "model.unknown_base",
            f"Model {model['id']!r:.80} cannot be restored: its base is not there any more.",
            hint=f"Restore {id!r:.80} first." if id else "It was purged.",
        )
        raise missing
    model["step"] = row.step + 1


def _link(connection: sa.Connection, reference: dict[str, Any], *, other: int) -> None:
    """Put a reference back, or leave it with the other model if that is deleted, too."""
    linked, table = schema.model_references, schema.deleted
    same = [linked.c[name] == value for name, value in reference.items()]
    if connection.execute(sa.select(linked.c.role).where(*same)).first():
        return
    if connection.execute(sa.select(schema.models.c.key).where(schema.models.c.key == other)).first():
        connection.execute(linked.insert().values(**reference))
        return
    row = connection.execute(sa.select(table.c.content).where(table.c.model_key == other)).first()
    if row is not None:
        content = json.loads(row.content)
        content[REFERENCES].append(reference)
        kept = json.dumps(content, ensure_ascii=False)
        connection.execute(table.update().where(table.c.model_key == other).values(content=kept))


def _rows(connection: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(sa.select(table).where(where)).mappings()]


def purge(connection: sa.Connection, *, older_than: float) -> int:
    """Forget deleted models, and what other changes keep of files; returns how many models.

    Args:
        connection: that writes.
        older_than: seconds since they were deleted.
    """
    before = time_before(older_than)
    table = schema.history
    holding = sa.union(sa.select(schema.deleted.c.number), sa.select(schema.kept_files.c.number))
    query = sa.select(table.c.number).where(table.c.number.in_(holding), table.c.at <= before)
    numbers = list(connection.execute(query).scalars())
    found = connection.execute(
        sa.select(schema.deleted.c.model_key, schema.deleted.c.id).where(schema.deleted.c.number.in_(numbers))
    )
    names = {row.model_key: row.id for row in found}
    if numbers:
        history.final(connection, numbers)
        history.gone(connection, names)
        listed: list[JSON] = [*names.values()]
        history.record(connection, history.Made("purge", names, {"models": listed}, {}, undoable=False))
    return len(names)
