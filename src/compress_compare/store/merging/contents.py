"""What a project holds, by the names that people use, so that two projects can be laid side by side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from ...records import Checkpoint, StoredFile
from .. import schema
from ..database import rows
from ..reading import Reader

Row = dict[str, Any]
OF_MODELS = ("metric_values", "files", "outputs", "notes", "tags", "model_references")
"""Tables of which each row belongs to one model."""
KEYS = {
    "metric_values": ("metric_key", "slice", "device", "dataset", "protocol"),
    "files": ("name",),
    "outputs": ("dataset_key",),
    "notes": (),
    "tags": ("tag",),
    "model_references": ("role", "parent_key"),
}
"""What tells the rows of one model apart."""
COMPARED = {
    "metric_values": ("value", "kind", "count", "standard_error"),
    "files": ("format", "sha256", "num_bytes"),
    "outputs": ("sha256",),
    "notes": ("text",),
    "tags": (),
    "model_references": (),
}
"""What makes two such rows equal."""
DEFINITION = ("unit", "format", "higher_is_better", "primary", "min", "max", "description")


@dataclass
class ProjectContents:
    """A project's rows, with the names of things in the place of their keys.

    Args:
        models: by id; ``base`` is an id.
        parts: for each table of ``OF_MODELS``, the rows of each model by what tells them apart.
        metrics: definitions by name.
        datasets: by fingerprint.
        views: addresses by name.
        tasks: by root.
        history: in order.
        about: which models each entry of the history is about, by their ids where they are still there.
        origins: by key.
    """

    models: dict[str, Row]
    parts: dict[str, dict[str, dict[tuple[Any, ...], Row]]]
    metrics: dict[str, Row]
    datasets: dict[str, Row]
    views: dict[str, Row]
    tasks: dict[str, Row]
    history: list[Row] = field(default_factory=list)
    about: list[Row] = field(default_factory=list)
    origins: dict[int, str] = field(default_factory=dict)


def of(store: Reader) -> ProjectContents:
    """All of a project but its jobs, in a few queries, whatever the number of its models."""
    with store._database.read() as connection:
        return contents(connection)


def contents(connection: sa.Connection) -> ProjectContents:
    """Read all of a project but its jobs."""
    ids = dict(rows(connection, sa.select(schema.models.c.key, schema.models.c.id)))
    metrics = {row["key"]: row for row in _all(connection, schema.metrics)}
    datasets = {row["key"]: row for row in _all(connection, schema.datasets)}
    named = {
        "model_key": ids,
        "parent_key": ids,
        "metric_key": {key: row["name"] for key, row in metrics.items()},
        "dataset_key": {key: row["fingerprint"] for key, row in datasets.items()},
    }
    models = {row["id"]: {**row, "base": ids.get(row["base_key"])} for row in _all(connection, schema.models)}
    parts: dict[str, dict[str, dict[tuple[Any, ...], Row]]] = {}
    for name in OF_MODELS:
        found: dict[str, dict[tuple[Any, ...], Row]] = {}
        table = schema.metadata.tables[name]
        renamed = [column.name for column in table.columns if column.name in named]
        for row in _all(connection, table):
            for column in renamed:
                row[column] = named[column][row[column]]
            found.setdefault(row["model_key"], {})[tuple(row[key] for key in KEYS[name])] = row
        parts[name] = found
    return ProjectContents(
        models,
        parts,
        {row["name"]: row for row in metrics.values()},
        {row["fingerprint"]: row for row in datasets.values()},
        {row["name"]: row for row in _all(connection, schema.meta) if row["name"].startswith("view/")},
        {row["root"]: row for row in _all(connection, schema.tasks)},
        list(_all(connection, schema.history)),
        [{**row, "id": ids.get(row["model_key"])} for row in _all(connection, schema.history_models)],
        dict(rows(connection, sa.select(schema.origins.c.key, schema.origins.c.content))),
    )


def checkpoint(files: Iterable[Row]) -> Checkpoint:
    """The weights of a model from the rows of its files."""
    rows = list(files)
    found = tuple(StoredFile(row["name"], row["sha256"], row["num_bytes"]) for row in rows)
    return Checkpoint(rows[0]["format"], found)


def identity(row: Row) -> tuple[Any, ...]:
    """What a model is: its base, the operation with its parameters, and which replicate."""
    parameters = json.dumps(json.loads(row["parameters"]), sort_keys=True)
    return row["base"], row["operation"], parameters, row["replicate"]


def compared(table: str, row: Row) -> tuple[Any, ...]:
    """What makes a row of a model equal to another."""
    return tuple(row[name] for name in COMPARED[table])


def _all(connection: sa.Connection, table: sa.Table) -> Iterator[Row]:
    names = [column.name for column in table.columns]
    query = sa.select(table).order_by(*table.primary_key.columns)
    booleans = [column.name for column in table.columns if isinstance(column.type, sa.Boolean)]
    for row in rows(connection, query):
        found = dict(zip(names, row, strict=True))
        for name in booleans:
            found[name] = None if found[name] is None else bool(found[name])
        yield found
