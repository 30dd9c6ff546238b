"""The history of a project: what was changed after it was logged, by whom, and whether it can be taken back."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from .. import checks
from ..errors import Conflict, NotFound
from ..records import JSON, Change
from . import origin, schema
from .database import rows
from .models import CHUNK, now

MAX_REASON = 10_000


@dataclass(frozen=True)
class Made:
    """A change as it is recorded.

    Args:
        action: see ``records.Change``.
        models: the ids of the models by key.
        old: what was there, in words.
        new: what is there instead, in words.
        rows: what it takes to undo it: of the database's own columns.
        reason: why.
        undoable: whether it can be taken back.
        files: SHA-256 of stored files that only this change still needs.
    """

    action: str
    models: Mapping[int, str]
    old: Mapping[str, JSON] = field(default_factory=dict)
    new: Mapping[str, JSON] = field(default_factory=dict)
    rows: Any = None
    reason: str = ""
    undoable: bool = True
    files: Collection[str] = ()


def record(connection: sa.Connection, made: Made) -> int:
    """Write a change down; returns its number."""
    table = schema.history
    number = 1 + (connection.execute(sa.select(sa.func.max(table.c.number))).scalar() or 0)
    connection.execute(
        table.insert().values(
            number=number,
            at=now(),
            origin_key=origin.key_of_now(connection),
            action=made.action,
            old=json.dumps({"said": made.old, "rows": made.rows}, ensure_ascii=False),
            new=json.dumps({"said": made.new}, ensure_ascii=False),
            reason=checks.text(made.reason, "A reason")[:MAX_REASON],
            undoable=made.undoable,
        )
    )
    about = [{"number": number, "model_key": key, "model": id} for key, id in made.models.items()]
    if about:
        connection.execute(schema.history_models.insert(), about)
    kept = [{"number": number, "sha256": sha256} for sha256 in sorted(set(made.files))]
    if kept:
        connection.execute(schema.kept_files.insert(), kept)
    return int(number)


def listed(connection: sa.Connection, *, key: int | None = None, action: str | None = None) -> list[Change]:
    """The changes of a project or of one model, the newest first."""
    table, about = schema.history, schema.history_models
    query = sa.select(table).order_by(table.c.number.desc())
    named = sa.select(about.c.number, about.c.model).order_by(about.c.model_key)
    if key is not None:
        own = sa.select(about.c.number).where(about.c.model_key == key)
        query, named = query.where(table.c.number.in_(own)), named.where(about.c.number.in_(own))
    if action is not None:
        query = query.where(table.c.action == action)
    found = list(connection.execute(query))
    names: dict[int, list[str]] = {row.number: [] for row in found}
    for number, model in rows(connection, named) if found else ():
        if number in names:
            names[number].append(model)
    origins = {row: origin.of_key(connection, row) for row in {row.origin_key for row in found}}
    return [_change(row, tuple(names[row.number]), origins[row.origin_key]) for row in found]


def one(connection: sa.Connection, number: int) -> Change:
    """The change of this number.

    Raises:
        NotFound: ``history.unknown``.
    """
    row = connection.execute(sa.select(schema.history).where(schema.history.c.number == number)).first()
    if row is None:
        raise NotFound("history.unknown", f"There is no change {number} in this project.")
    about = schema.history_models
    names = connection.execute(sa.select(about.c.model).where(about.c.number == number).order_by(about.c.model_key))
    return _change(row, tuple(names.scalars()), origin.of_key(connection, row.origin_key))


def keys(connection: sa.Connection, number: int) -> list[int]:
    """The keys of the models that a change is about."""
    about = schema.history_models
    return list(connection.execute(sa.select(about.c.model_key).where(about.c.number == number)).scalars())


def kept_rows(connection: sa.Connection, number: int) -> Any:
    """What it takes to undo a change."""
    table = schema.history
    return json.loads(connection.execute(sa.select(table.c.old).where(table.c.number == number)).scalar_one())["rows"]


def last_undoable(connection: sa.Connection, number: int | None = None) -> Change:
    """The change that is to be undone: the last one that can be, or the one of this number.

    Raises:
        NotFound: ``history.nothing`` if there is none, ``history.unknown``.
        Conflict: ``history.not_undoable``, or ``history.later`` if its models were changed again since.
    """
    table, about = schema.history, schema.history_models
    can = table.c.undoable & table.c.undone_by.is_(None)
    if number is None:
        last = connection.execute(sa.select(sa.func.max(table.c.number)).where(can)).scalar()
        if last is None:
            raise NotFound("history.nothing", "There is nothing to undo in this project.")
        return one(connection, last)
    change = one(connection, number)
    if not change.undoable or change.undone_by is not None:
        said = f"It was undone by change {change.undone_by}." if change.undone_by else "It cannot be taken back."
        raise Conflict("history.not_undoable", f"Change {number} ({change.action}) cannot be undone.", detail=said)
    mine = sa.select(about.c.model_key).where(about.c.number == number)
    later = (
        sa.select(sa.func.max(table.c.number))
        .join(about, about.c.number == table.c.number)
        .where(can, table.c.number > number, about.c.model_key.in_(mine))
    )
    newest = connection.execute(later).scalar()
    if newest is not None:
        raise Conflict(
            "history.later",
            f"Change {number} ({change.action}) cannot be undone: its models were changed again.",
            hint=f"Undo change {newest} first.",
        )
    return change


def undone(connection: sa.Connection, number: int, *, by: int) -> None:
    """Mark a change as taken back, and let go of what it kept."""
    connection.execute(schema.history.update().where(schema.history.c.number == number).values(undone_by=by))
    connection.execute(schema.kept_files.delete().where(schema.kept_files.c.number == number))


def stands_again(connection: sa.Connection, number: int, *, files: Collection[str]) -> None:
    """Mark a change as one that was not taken back after all; it needs these files again."""
    connection.execute(schema.history.update().where(schema.history.c.number == number).values(undone_by=None))
    if files:
        kept = [{"number": number, "sha256": sha256} for sha256 in sorted(files)]
        connection.execute(schema.kept_files.insert(), kept)


def corrected_away(connection: sa.Connection, key: int, row: list[Any]) -> bool:
    """Whether a value of a model was there and has been corrected: logging it again does not bring it back."""
    table, about = schema.history, schema.history_models
    query = (
        sa.select(table.c.old)
        .join(about, about.c.number == table.c.number)
        .where(about.c.model_key == key, table.c.action == "correct", table.c.undone_by.is_(None))
    )
    return any(row in json.loads(old)["rows"]["old"] for old in connection.execute(query).scalars())


def gone(connection: sa.Connection, keys: Collection[int]) -> None:
    """Take every change of models that are gone for good for one that cannot be undone."""
    table, about, listed = schema.history, schema.history_models, sorted(keys)
    for start in range(0, len(listed), CHUNK):
        of_them = sa.select(about.c.number).where(about.c.model_key.in_(listed[start : start + CHUNK]))
        connection.execute(table.update().where(table.c.number.in_(of_them)).values(undoable=False))


def final(connection: sa.Connection, numbers: Collection[int]) -> None:
    """Let go of what changes keep to be undone: they cannot be any more."""
    listed = sorted(numbers)
    for start in range(0, len(listed), CHUNK):
        chunk = listed[start : start + CHUNK]
        for table in (schema.kept_files, schema.deleted):
            connection.execute(table.delete().where(table.c.number.in_(chunk)))
        table = schema.history
        connection.execute(table.update().where(table.c.number.in_(chunk)).values(undoable=False))


def _change(row: sa.Row[Any], models: tuple[str, ...], by: Any) -> Change:
    return Change(
        number=row.number,
        at=row.at,
        action=row.action,
        models=models,
        old=json.loads(row.old)["said"],
        new=json.loads(row.new)["said"],
        reason=row.reason,
        undoable=bool(row.undoable) and row.undone_by is None,
        undone_by=row.undone_by,
        origin=by,
    )
