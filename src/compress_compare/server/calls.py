"""Which calls of the Python API are answered over HTTP, and what each role may call."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import InvalidValue, UserError
from ..project import Project
from ..remote import tables
from ..remote.codec import decode, encode
from ..store.changing import KEEP
from ..table import Table

READS = frozenset((
    "all_checkpoints", "answered", "archived", "checkpoints", "damage", "datasets", "deleted", "descendants",
    "digests_of", "garbage", "gate_rules", "history", "jobs", "metric", "metrics", "model", "models", "overview",
    "replicates", "revision", "standard_errors", "summary", "table_mapping", "task_of", "views",
))  # fmt: skip
"""Methods that read; ``measured`` is the table behind ``measured_graph``."""
LOGS = frozenset((
    "archive", "correct", "define_metric", "delete", "delete_view", "keep_gate_rules", "keep_table_mapping",
    "log_metrics", "log_received", "rename", "restore_deleted", "save_view", "set_base", "set_direction", "set_note",
    "set_tags", "unarchive", "undo",
))  # fmt: skip
"""Methods that write."""
TABLES = frozenset({"log_dataset", "log_outputs"})
"""Methods that write a table, which was sent before."""
MAX_TABLE = 4_000_000_000
"""Bytes of a table in memory."""


def read(project: Project, method: str, *, arguments: Mapping[str, Any]) -> Any:
    """What a method that reads returns.

    Raises:
        InvalidValue: ``remote.method``, ``remote.arguments``.
    """
    if method == "measured":
        return measured(project)
    _check(method, READS)
    return _called(getattr(project, method), arguments)


def write(project: Project, method: str, *, arguments: Mapping[str, Any], key: str, table: str | None) -> Any:
    """Call a method that writes exactly once, and give what it returned as JSON data.

    Raises:
        InvalidValue: as `read`.
        Conflict: ``state.idempotency``.
    """
    _check(method, LOGS | TABLES)
    given = json.dumps([method, arguments, table], sort_keys=True).encode()
    fingerprint = hashlib.sha256(given).hexdigest()
    if method in LOGS:
        return project.once_together(key, fingerprint, do=lambda: encode(_called(getattr(project, method), arguments)))
    with project.once(key, fingerprint) as call:
        if call.is_new:
            call.answer = encode(_with_table(project, method, arguments, table))
        return call.answer


def _with_table(project: Project, method: str, arguments: Mapping[str, Any], table: str | None) -> Any:
    if table is None:
        raise InvalidValue("remote.table", f"{method} needs a table.")
    content = _table(project, table)
    spread = tables.dataset_arguments if method == "log_dataset" else tables.output_arguments
    return getattr(project, method)(**decode(dict(arguments)), **spread(content))


def measured(project: Project) -> Table:
    """Every metric of every model, and how many examples are behind it: columns ``value NAME`` and ``count NAME``."""
    graph, values, counts = project.measured_graph()
    columns: dict[str, pa.Array] = {"id": pa.array(list(graph.ids), pa.string())}
    for kind, found in (("value", values), ("count", counts)):
        for name, column in found.items():
            mask = np.ma.getmaskarray(column)
            columns[f"{kind} {name}"] = pa.array(column.data, mask=mask, from_pandas=False)
    return Table(pa.table(columns))


def _check(method: str, known: frozenset[str]) -> None:
    if method not in known:
        raise InvalidValue(
            "remote.method",
            f"This server does not know the call {method[:60]!r}.",
            hint="Update the server, or use the version of compress-compare that it has.",
        )


def _called(method: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    given = decode(dict(arguments))
    if given.get("operation") == "keep":
        given["operation"] = KEEP
    try:
        return method(**given)
    except TypeError as error:
        if isinstance(error, UserError) or "argument" not in str(error):
            raise
        raise InvalidValue("remote.arguments", "The arguments of this call are not those that it takes.") from error


def _table(project: Project, digest: str) -> pa.Table:
    found = project.object_path(digest)
    try:
        with pq.ParquetFile(found) as file:
            size = sum(file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups))
            cells = file.metadata.num_rows * max(file.metadata.num_columns, 1)
            if size > MAX_TABLE or cells > MAX_TABLE // 8:
                raise InvalidValue("data.too_large", "The table takes more memory than this server gives to one.")
            return file.read()
    except pa.ArrowException as error:
        raise InvalidValue("data.not_parquet", "The table that was sent cannot be read.") from error
