"""Models: inserting many at once, and reading one or all."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ..errors import Conflict, NotFound
from ..records import Operation, Reference
from . import origin, schema
from .database import rows
from .drafts import ModelDraft

CHUNK = 500
"""Ids in one IN list; the oldest limit of SQLite is 999 parameters."""
CHILD, PARENT = schema.models.alias("child"), schema.models.alias("parent")
"""The two ends of a reference; making them takes longer than asking."""
_BY_ID = sa.select(schema.models).where(schema.models.c.id == sa.bindparam("id"))
_BY_IDS = sa.select(schema.models).where(schema.models.c.id.in_(sa.bindparam("ids", expanding=True)))
_LAST_KEYS = sa.select(
    *(
        sa.select(sa.func.max(column)).scalar_subquery()
        for column in (schema.models.c.key, schema.deleted.c.model_key, schema.history_models.c.model_key)
    )
)


def _above(lowest: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """A model and those that it comes from, each once, also where somebody made them go in a circle."""
    columns = schema.models.c
    chain = sa.select(columns.key, columns.base_key).where(lowest).cte("chain", recursive=True)
    chain = chain.union(sa.select(columns.key, columns.base_key).join(chain, columns.key == chain.c.base_key))
    return sa.select(schema.models).join(chain, columns.key == chain.c.key)


_ABOVE = _above(schema.models.c.key == sa.bindparam("key"))
_ABOVE_ID = _above(schema.models.c.id == sa.bindparam("id"))


@dataclass(frozen=True)
class StoredModel:
    """A row of the models table."""

    key: int
    id: str
    base_key: int | None
    operation: Operation | None
    step: int
    created_at: str
    replicate: str | None = None
    archived_at: str | None = None
    origin_key: int | None = None


def insert(connection: sa.Connection, drafts: Sequence[ModelDraft]) -> tuple[dict[str, int], set[int], list[int]]:
    """Insert the models that are not there yet, in order.

    A base stands in the project or earlier in ``drafts``. A model that is there must have the same base and operation.

    Returns:
        The key of each by id, the keys that were there, and the new ones whose base is hidden.

    Raises:
        NotFound: ``model.unknown_base``.
        Conflict: ``model.conflict``, naming the field that differs.
    """
    wanted = {draft.id for draft in drafts} | {draft.base for draft in drafts if draft.base is not None}
    known = {row.id: row for row in by_ids(connection, wanted)}
    next_key = 1 + last_key(connection)
    created_at, origin_key = now(), origin.key_of_now(connection) if drafts else None
    inserted: list[dict[str, Any]] = []
    under_hidden: list[int] = []
    for draft in drafts:
        base = _base(draft, known)
        if draft.id in known:
            _check_same(draft, known[draft.id], base)
            continue
        row = StoredModel(
            key=next_key + len(inserted),
            id=draft.id,
            base_key=base.key if base else None,
            operation=draft.operation,
            step=base.step + 1 if base else 0,
            created_at=created_at,
            replicate=draft.replicate,
            origin_key=origin_key,
        )
        known[draft.id] = row
        inserted.append(_columns(row))
        if base is not None and base.archived_at is not None:
            under_hidden.append(row.key)
    if inserted:
        connection.execute(schema.models.insert(), inserted)
    keys = {draft.id: known[draft.id].key for draft in drafts}
    return keys, {key for key in keys.values() if key < next_key}, under_hidden


def last_key(connection: sa.Connection) -> int:
    """The highest key that a model has or had: a key of a deleted model is never given to another one."""
    return max(key or 0 for key in connection.execute(_LAST_KEYS).one())


def insert_references(connection: sa.Connection, key: int, references: Iterable[Reference]) -> None:
    """Record second parents; those already recorded stay once."""
    for reference in references:
        parent = one(connection, reference.model)
        values = {"model_key": key, "role": reference.role, "parent_key": parent.key}
        table = schema.model_references
        exists = sa.select(table.c.role).where(*(table.c[name] == value for name, value in values.items()))
        if connection.execute(exists).first() is None:
            connection.execute(table.insert().values(values))


def by_ids(connection: sa.Connection, ids: Iterable[str]) -> Iterator[StoredModel]:
    """The rows of those ids that exist, in no particular order."""
    listed = list(ids)
    for start in range(0, len(listed), CHUNK):
        chunk = listed[start : start + CHUNK]
        for row in connection.execute(_BY_IDS, {"ids": chunk}):
            yield _row(row)


def one(connection: sa.Connection, id: str) -> StoredModel:
    """The row of one model.

    Raises:
        NotFound: ``model.unknown``.
    """
    row = connection.execute(_BY_ID, {"id": id}).first()
    if row is None:
        raise unknown(id)
    return _row(row)


def by_keys(connection: sa.Connection, keys: Iterable[int]) -> list[StoredModel]:
    """The rows of those keys that exist, in the order of logging."""
    wanted = sorted(keys)
    found: list[StoredModel] = []
    for start in range(0, len(wanted), CHUNK):
        query = sa.select(schema.models).where(schema.models.c.key.in_(wanted[start : start + CHUNK]))
        found += [_row(row) for row in connection.execute(query.order_by(schema.models.c.key))]
    return found


def children(connection: sa.Connection, keys: Iterable[int]) -> list[StoredModel]:
    """The models that were made directly from those of the keys."""
    wanted = sorted(keys)
    found: list[StoredModel] = []
    for start in range(0, len(wanted), CHUNK):
        query = sa.select(schema.models).where(schema.models.c.base_key.in_(wanted[start : start + CHUNK]))
        found += [_row(row) for row in connection.execute(query.order_by(schema.models.c.key))]
    return found


def descendants(connection: sa.Connection, key: int) -> list[StoredModel]:
    """All models that come from one, each after its base."""
    found, level = [], [key]
    while level:
        next_level = list(children(connection, level))
        found += next_level
        level = [child.key for child in next_level]
    return found


def unknown(id: str) -> NotFound:
    """The error for an id that no model has."""
    return NotFound(
        "model.unknown",
        f"There is no model {str(id)[:80]!r} in this project.",
        hint="List the models with: compress-compare ls PROJECT",
    )


Node = tuple[int, str, int | None, str | None, str, int]
"""A model in short: key, id, base key, operation, parameters (JSON text), step."""


def count(connection: sa.Connection) -> int:
    """How many models there are that are not archived."""
    query = sa.select(sa.func.count()).select_from(schema.models).where(schema.models.c.archived_at.is_(None))
    return connection.execute(query).scalar_one()


def nodes(connection: sa.Connection, *, archived: bool = False) -> list[Node]:
    """All models in the order of logging, but each after its base.

    Args:
        connection: that reads.
        archived: whether those that are hidden are listed, too.
    """
    columns = schema.models.c
    query = sa.select(
        columns.key, columns.id, columns.base_key, columns.operation, columns.parameters, columns.step
    ).order_by(columns.key)
    found = rows(connection, query if archived else query.where(columns.archived_at.is_(None)))
    return _bases_first(found) if any((node[2] or 0) > node[0] for node in found) else found


def replicates(connection: sa.Connection) -> dict[str, str]:
    """The names of replicates by the ids of the models that have one."""
    columns = schema.models.c
    found = connection.execute(sa.select(columns.id, columns.replicate).where(columns.replicate.is_not(None)))
    return {id: str(name) for id, name in found}


def archived(connection: sa.Connection) -> list[str]:
    """The ids of the models that are hidden, in the order of logging."""
    columns = schema.models.c
    query = sa.select(columns.id).where(columns.archived_at.is_not(None)).order_by(columns.key)
    return list(connection.execute(query).scalars())


def _bases_first(found: list[Node]) -> list[Node]:
    """Models that were moved under a base that was logged after them come after it."""
    by_key = {node[0]: node for node in found}
    placed: dict[int, Node] = {}
    for node in found:
        chain = [node]
        while (base := chain[-1][2]) is not None and base in by_key and base not in placed:
            chain.append(by_key[base])
        for one in reversed(chain):
            placed.setdefault(one[0], one)
    return list(placed.values())


def lineage(connection: sa.Connection, row: StoredModel) -> list[StoredModel]:
    """The rows from the root to ``row``."""
    above = () if row.base_key is None else connection.execute(_ABOVE, {"key": row.base_key})
    return _from_root(row, map(_row, above))


def lineage_of(connection: sa.Connection, id: str) -> list[StoredModel]:
    """The rows from the root to a model.

    Raises:
        NotFound: ``model.unknown``.
    """
    found = {row.id: row for row in map(_row, connection.execute(_ABOVE_ID, {"id": id}))}
    return _from_root(found.pop(id), found.values()) if found else [one(connection, id)]


def _from_root(row: StoredModel, above: Iterable[StoredModel]) -> list[StoredModel]:
    left, chain = {other.key: other for other in above}, [row]
    left.pop(row.key, None)
    while (base := left.pop(chain[-1].base_key or 0, None)) is not None:
        chain.append(base)
    return chain[::-1]


def references(
    connection: sa.Connection, key: int | None = None, *, archived: bool = False
) -> list[tuple[str, Reference]]:
    """Who refers to whom: (model id, reference), for one model or for all.

    Args:
        connection: that reads.
        key: of one model, all of whose references are listed.
        archived: whether those from and to models that are hidden are listed, too.
    """
    table, child, parent = schema.model_references, CHILD, PARENT
    query = (
        sa.select(child.c.id, table.c.role, parent.c.id)
        .join(child, table.c.model_key == child.c.key)
        .join(parent, table.c.parent_key == parent.c.key)
        .order_by(child.c.key, table.c.role, parent.c.key)
    )
    if key is not None:
        query = query.where(table.c.model_key == key)
    elif not archived:
        query = query.where(child.c.archived_at.is_(None), parent.c.archived_at.is_(None))
    return [(id, Reference(role, model)) for id, role, model in rows(connection, query)]


def operation(name: str | None, parameters: str) -> Operation | None:
    """The operation that a row stores."""
    return None if name is None else Operation(name, **json.loads(parameters))


def now() -> str:
    """The time in UTC, ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def time_before(seconds: float) -> str:
    """The time so many seconds ago, as ``now``."""
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)
    return then.isoformat(timespec="milliseconds")


def _base(draft: ModelDraft, known: dict[str, StoredModel]) -> StoredModel | None:
    if draft.base is None:
        return None
    if draft.base not in known:
        raise NotFound(
            "model.unknown_base",
            f"The base {draft.base[:80]!r} of model {draft.id[:80]!r} is not in this project.",
            hint="Log the base first.",
        )
    return known[draft.base]


def _check_same(draft: ModelDraft, row: StoredModel, base: StoredModel | None) -> None:
    differing = []
    if (base.key if base else None) != row.base_key:
        differing.append("base")
    if (draft.operation and (draft.operation.name, draft.operation.canonical_parameters)) != (
        row.operation and (row.operation.name, row.operation.canonical_parameters)
    ):
        differing.append("operation")
    if draft.replicate is not None and draft.replicate != row.replicate:
        differing.append("replicate")
    if differing:
        raise conflict(draft.id, " and ".join(differing))


def conflict(id: str, what: str) -> Conflict:
    """The error for logging a model again with other content."""
    return Conflict(
        "model.conflict",
        f"Model {id[:80]!r} is already logged with another {what}.",
        hint="Use another id; what is logged is never overwritten.",
    )


def _columns(row: StoredModel) -> dict[str, Any]:
    return {
        "key": row.key,
        "id": row.id,
        "base_key": row.base_key,
        "operation": row.operation.name if row.operation else None,
        "parameters": row.operation.parameters_json if row.operation else "{}",
        "step": row.step,
        "created_at": row.created_at,
        "replicate": row.replicate,
        "archived_at": row.archived_at,
        "origin_key": row.origin_key,
    }


def _row(row: sa.Row[Any]) -> StoredModel:
    return StoredModel(
        key=row.key,
        id=row.id,
        base_key=row.base_key,
        operation=operation(row.operation, row.parameters),
        step=row.step,
        created_at=row.created_at,
        replicate=row.replicate,
        archived_at=row.archived_at,
        origin_key=row.origin_key,
    )
