"""A project on a server, with the calls of a local one."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from .. import checks
from ..errors import InvalidValue, NotFound, UserError
from ..records import Change, Dataset, Job, Metric, Model
from ..store import instance_tables, instances
from ..store.artifacts import Artifacts
from ..store.changing import KEEP
from ..store.corrections import SeenReading
from ..store.drafts import Measured, ModelDraft, check_metrics, check_operation
from ..store.garbage import Garbage
from ..store.proposals import ProposedDraft
from ..store.storage import ProjectStorage
from ..store.writing import draft
from .connection import Connection, Unreachable, call, new_key
from .files import RemoteObjects, ToServer, cache
from .reading import RemoteReader
from .spool import REFUSED_HINT, Spool

TOKEN = "COMPRESS_COMPARE_TOKEN"  # noqa: S105 - its name
"""The environment variable with the token, where none is given."""
OFFLINE_S = 2.0
"""Patience with a server that was away at the last call."""


class OfflineWarning(UserWarning):
    """Something waits on this machine until the server can be reached."""


def connect(
    address: str, *, token: str | None = None, create: bool = True, read_only: bool = False, spool: Spool | None = None
) -> RemoteProject:
    """Open a project on a server.

    Args:
        address: ``https://host/p/NAME``, or that of a server for one project.
        token: for the server; that of the environment variable ``COMPRESS_COMPARE_TOKEN`` if not given.
        create: whether it may be made.
        read_only: whether nothing is to be written there.
        spool: where calls wait that cannot be sent; that of this user for this project if not given.

    Raises:
        InvalidValue: ``remote.address``, ``remote.token``.
        NotFound: ``project.unknown``.
        UserError: ``auth.*`` for a token that is not valid; ``remote.old_server``, ``remote.old_client``.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InvalidValue(
            "remote.address", f"{address[:80]!r} is no address of a project.", hint="Write https://host/p/NAME"
        )
    given = token or os.environ.get(TOKEN, "")
    if not given or not given.isascii() or not given.isprintable():
        raise InvalidValue(
            "remote.token",
            "A project on a server needs a token.",
            hint=f"Pass token=…, or set {TOKEN}. Whoever runs the server makes one with: compress-compare token create",
        )
    connection = Connection(address, given)
    try:
        _meet(connection, create=create and not read_only)
    except BaseException:
        connection.close()
        raise
    return RemoteProject(connection, spool or Spool(connection.address), read_only=read_only)


def _elsewhere(name: str) -> Any:
    def refuse(self: Any, *_: Any, **__: Any) -> Any:
        raise UserError(
            "remote.not_here",
            f"{name} works only where the project lies, not over HTTP.",
            detail=repr(self),
            hint="Run it on the machine of the server.",
        )

    refuse.__doc__ = "Refuse: this works only where the project lies."
    return refuse


class RemoteProject(RemoteReader):
    """A project on a server. Safe to use from several threads; what cannot be sent waits on this machine.

    Args:
        connection: to the project.
        spool: where calls wait.
        read_only: whether nothing is to be written there.
    """

    def __init__(self, connection: Connection, spool: Spool, *, read_only: bool = False) -> None:
        self._connection = connection
        self._spool = spool
        self._patience = connection.patience
        host = urlsplit(connection.address).netloc.replace(":", "-")
        self.path = (
            cache() / host / (connection.address.rpartition("/")[2] if "/p/" in connection.address else "project")
        )
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.storage = ProjectStorage(self.path, read_only=read_only)
        copies = ProjectStorage(self.path)
        self._artifacts = Artifacts(copies, RemoteObjects(copies, connection))
        self.address = None

    @property
    def name(self) -> str:
        """The name of the project on the server."""
        return str(self._connection.greet()["name"])

    def close(self) -> None:
        """Release the connection."""
        self._connection.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection.address!r})"

    backup = _elsewhere("backup")
    batch = _elsewhere("batch")
    log_task = _elsewhere("log_task")
    merge = _elsewhere("merge")
    repair = _elsewhere("repair")

    def sync(self) -> int:
        """Send what waits on this machine, and return how many calls the server did.

        Raises:
            UserError: ``remote.unreachable``; ``remote.refused`` naming what the server refused, which is kept aside.
        """
        found = self._spool.sync(self._connection)
        if found.refused:
            title = "The server refused what was logged off-line."
            raise UserError("remote.refused", title, detail=" ".join(found.refused), hint=REFUSED_HINT)
        return found.sent

    def log_models(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Log many models in one transaction; see ``Project.log_models``. Files that the server has are not sent."""
        _, drafts = self._log(rows)
        return len(drafts)

    def log_model(self, id: str, **given: Any) -> Model:
        """Log a model; see ``Project.log_model``. Off-line, what is returned is what was given."""
        done, drafts = self._log([{"id": id, **given}])
        if done:
            with suppress(Unreachable):  # it is there, whether the server can still say so or not
                return self.model(id)
        return _provisional(drafts[0])

    def log_metrics(self, id: str, values: Mapping[str, Measured]) -> None:
        """Add metric values to a model; see ``log_model``."""
        self._write("log_metrics", {"id": id, "values": check_metrics(values)})

    def log_dataset(
        self,
        name: str,
        *,
        ids: Any,
        labels: Any = None,
        metadata: Any = None,
        new_version: bool = False,
        **payload: Any,
    ) -> Dataset:
        """Log evaluation data; see ``Project.log_dataset``."""
        columns = instance_tables.PayloadColumns(**payload)
        table = instance_tables.dataset_table(ids, labels=labels, payload=columns, metadata=metadata)
        done, found = self._write_table("log_dataset", {"name": name, "new_version": new_version}, table)
        if done:
            logged: Dataset = found
            return logged
        return Dataset(name, instance_tables.fingerprint(table), table.num_rows, tuple(table.column_names))

    def log_outputs(self, model: str, dataset: str, *, ids: Any, predictions: Any = None, **answers: Any) -> None:
        """Log the outputs of a model on a dataset; see ``Project.log_outputs``."""
        columns = instance_tables.OutputColumns(**answers)
        table = instance_tables.outputs_table(ids, predictions, answers=columns)
        self._write_table("log_outputs", {"model": model, "dataset": dataset}, table)

    def define_metric(self, name: str, **definition: Any) -> Metric:
        """Define a metric or replace its definition."""
        unknown = set(definition) - set(Metric.__dataclass_fields__)
        metric = None if unknown else Metric(name, **definition)
        found: Metric = self._answered("define_metric", {"name": name, **definition}, offline=metric)
        return found

    def set_direction(self, name: str, higher_is_better: bool | None) -> Metric:
        """Set whether higher values of a metric are better; ``None`` for neither."""
        found: Metric = self._answered("set_direction", {"name": name, "higher_is_better": higher_is_better})
        return found

    def keep_table_mapping(self, columns: Iterable[str], text: str) -> None:
        """Keep what the columns of an imported table are, to be used again for tables with the same columns."""
        self._write("keep_table_mapping", {"columns": list(columns), "text": text})

    def save_view(self, name: str, address: str) -> None:
        """Save a view of the page under a name."""
        self._write("save_view", {"name": name, "address": address})

    def delete_view(self, name: str) -> None:
        """Delete a saved view of the page."""
        self._write("delete_view", {"name": name})

    def delete(self, id: str, *, descendants: bool = False, reason: str = "") -> Change:
        """Delete a model. It vanishes from everything, and can be restored until ``purge``."""
        found: Change = self._answered("delete", {"id": id, "descendants": descendants, "reason": reason})
        return found

    def restore_deleted(self, id: str) -> Change:
        """Put a deleted model back, with all that was deleted together with it."""
        found: Change = self._answered("restore_deleted", {"id": id})
        return found

    def rename(self, id: str, new: str, *, reason: str = "") -> Change:
        """Give a model another id; models that come from it and its task follow."""
        found: Change = self._answered("rename", {"id": id, "new": new, "reason": reason})
        return found

    def set_base(self, id: str, base: str | Model | None, operation: Any = KEEP, *, reason: str = "") -> Change | None:
        """Say that a model came from another base, or by another operation."""
        applied = "keep" if operation is KEEP else check_operation(operation)
        parent = base.id if isinstance(base, Model) else base
        found: Change | None = self._answered(
            "set_base", {"id": id, "base": parent, "operation": applied, "reason": reason}
        )
        return found

    def archive(self, id: str, *, descendants: bool = False, reason: str = "") -> Change | None:
        """Hide a model from all lists and charts; its numbers stay."""
        found: Change | None = self._answered("archive", {"id": id, "descendants": descendants, "reason": reason})
        return found

    def unarchive(self, id: str) -> Change | None:
        """Show an archived model again."""
        found: Change | None = self._answered("unarchive", {"id": id})
        return found

    def correct(
        self,
        id: str,
        values: Mapping[str, Measured],
        *,
        reason: str = "",
        seen: Mapping[str, SeenReading] | None = None,
    ) -> Change | None:
        """Replace metric values that were wrong. The old ones stay in the history."""
        said = {"id": id, "values": checks.mapping(values, "Values"), "reason": reason}
        found: Change | None = self._answered("correct", said | ({} if seen is None else {"seen": dict(seen)}))
        return found

    def keep_gate_rules(self, text: str) -> None:
        """Keep the rules of the project's gate; an empty text keeps none."""
        self._write("keep_gate_rules", {"text": text})

    def undo(self, number: int | None = None) -> Change:
        """Take back the last change that has not been taken back, or the one of a number."""
        found: Change = self._answered("undo", {"number": number})
        return found

    def set_note(self, id: str, text: str) -> None:
        """Replace the note of a model."""
        self._write("set_note", {"id": id, "text": text})

    def set_tags(self, id: str, tags: Iterable[str]) -> None:
        """Replace the tags of a model."""
        self._write("set_tags", {"id": id, "tags": checks.texts(tags, "Tags")})

    def purge(self, *, older_than: float = 0.0, wait: float | None = None) -> Garbage:  # noqa: ARG002
        """Give the space of deleted models back. This needs the role ``admin``."""
        gone = self._connection.request("POST", "purge", json={}).json()
        return Garbage(gone["num_files"], gone["num_bytes"], gone["models"])

    def apply(self, model: str, operation: Any, *, id: str | None = None) -> Job:
        """Have the server apply an operation to a model: a job, which needs the role ``run``."""
        applied = check_operation(operation)
        if applied is None:
            raise InvalidValue("operation.type", "An operation must be given.")
        asked = {"kind": "operation", "model": model, "operation": applied.name, "parameters": dict(applied.parameters)}
        return self._job({**asked, "id": id})

    def run(self, recipe: str) -> Job:
        """Have the server make the models of a recipe, given as its text: a job, which needs the role ``run``."""
        return self._job({"kind": "recipe", "recipe": recipe})

    def cancel(self, id: str) -> None:
        """Cancel a job."""
        self._connection.request("POST", "jobs/cancel", json={"ids": [id]})

    def job_log(self, id: str) -> str:
        """The end of what a job printed."""
        return str(self._connection.request("GET", "jobs/log", params={"id": id}).json()["text"])

    def _job(self, asked: dict[str, Any]) -> Job:
        answer = self._connection.request("POST", "jobs", json=asked).json()
        return Job(**{one.name: answer[one.name] for one in fields(Job)})

    def _log(self, rows: Iterable[Mapping[str, Any]]) -> tuple[bool, list[ModelDraft]]:
        with _scratch() as artifacts, artifacts.staging() as staging:
            drafts = [draft(staging, row) for row in rows]
            digests = [file.sha256 for one in drafts if one.checkpoint for file in one.checkpoint.files]
            paths = {digest: path for digest in digests if (path := staging.path(digest)) is not None}
            done, _ = self._write("log_received", {"rows": [_row(one) for one in drafts]}, files=paths)
            return done, drafts

    def _write_table(self, method: str, arguments: Mapping[str, Any], table: pa.Table) -> tuple[bool, Any]:
        with _scratch() as artifacts, artifacts.staging() as staging:
            digest = instances.store(staging, table, name="table.parquet")
            path = staging.path(digest)
            files = {} if path is None else {digest: path}
            return self._write(method, arguments, files=files, table=digest)

    def _answered(self, method: str, arguments: Mapping[str, Any], *, offline: Any = None) -> Any:
        done, found = self._write(method, arguments)
        return found if done else offline

    def _write(
        self,
        method: str,
        arguments: Mapping[str, Any],
        *,
        files: Mapping[str, Path] | None = None,
        table: str | None = None,
    ) -> tuple[bool, Any]:
        """Have the server do a call, or keep it until it can; returns whether it was done, and what it returned."""
        self.storage.check()
        said, key = call(method, arguments, table=table), new_key()
        try:
            if len(self._spool) and (refused := self._spool.sync(self._connection).refused):
                said_so = f"The server refused what was logged off-line: {' '.join(refused)}"
                warnings.warn(said_so, OfflineWarning, stacklevel=4)
            self._connection.send(files or {})
            found = self._connection.write(said, key)
        except Unreachable as error:
            self._spool.add(said, key, files=files or {})
            self._connection.patience = min(self._patience, OFFLINE_S)
            warnings.warn(
                f"{error.title} What is logged waits here; send it with: compress-compare sync",
                OfflineWarning,
                stacklevel=4,
            )
            return False, None
        self._connection.patience = self._patience
        return True, found


@contextmanager
def _scratch() -> Iterator[Artifacts]:
    """A place for files on their way to the server."""
    with tempfile.TemporaryDirectory(prefix="compress-compare-") as folder:
        storage = ProjectStorage(Path(folder))
        yield Artifacts(storage, ToServer(storage))


def _row(one: ModelDraft) -> dict[str, Any]:
    row = {name: value for name, value in vars(one).items() if value is not None}
    return {**row, "proposed": isinstance(one, ProposedDraft)}


def _provisional(one: ModelDraft) -> Model:
    """A model as it will be once the server has it, as far as is known here."""
    return Model(
        one.id,
        one.base,
        one.operation,
        step=0 if one.base is None else 1,
        created_at="",
        references=one.references,
        metrics=one.metrics,
        tags=one.tags,
        note=one.note,
        checkpoint=one.checkpoint,
        replicate=one.replicate,
    )


def _meet(connection: Connection, *, create: bool) -> None:
    """Greet a server; make the project if it has none; be content if it is away."""
    try:
        connection.greet()
    except NotFound as error:
        root, mark, name = connection.address.rpartition("/p/")
        if error.code != "project.unknown" or not (create and mark):
            raise
        connection.request("POST", f"{root}/api/v1/projects", json={"name": name})
    except Unreachable as error:
        if error.code == "remote.no_server":
            raise
        connection.patience = OFFLINE_S
        warnings.warn(f"{error.title} {error.detail} What is logged waits here.", OfflineWarning, stacklevel=4)
