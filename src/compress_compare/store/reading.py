"""The reading half of a project: everything that it holds, without any analysis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from .. import late
from ..analysis.lineage import Graph
from ..analysis.quantities.metrics import by_column
from ..records import Change, Checkpoint, Dataset, Job, LoggedCheckpoint, Metric, Model, TaskPath
from ..table import Table
from . import access, backends, gate_rules, history, mappings, metrics, models, overview, schema, summary, trash, views
from .address import ServerAddress

if TYPE_CHECKING:
    from ..readers.weights import Weights
    from . import (
        activations,
        audit,
        backup,
        checkpoints,
        details,
        garbage,
        instances,
        jobs,
        opener,
        outputs,
        sensitivities,
        tasks,
        verify,
    )
    from .backup import Backup
    from .garbage import Garbage
    from .outputs import StoredTable
else:
    activations, audit, backup, checkpoints, details = late.modules(
        __package__, "activations", "audit", "backup", "checkpoints", "details"
    )
    garbage, instances, jobs, opener, outputs = late.modules(
        __package__, "garbage", "instances", "jobs", "opener", "outputs"
    )
    sensitivities, tasks, verify = late.modules(__package__, "sensitivities", "tasks", "verify")

Columns = dict[str, np.ma.MaskedArray[Any, Any]]


class Reader:
    """Reads a project.

    Args:
        place: the directory in which it lies, or where it is on a database server.
        read_only: whether nothing is to be written there, whatever is asked for.
        create: whether one on a server may be made.
    """

    def __init__(self, place: Path | ServerAddress, *, read_only: bool = False, create: bool = True) -> None:
        found = backends.opened(place, read_only=read_only, create=create)
        self.path, self.storage = found.directory, found.storage
        self.address = found.address
        self._database, self._artifacts = found.database, found.artifacts
        self._graph: tuple[int, Graph] | None = None

    @property
    def name(self) -> str:
        """The name of the directory, or that on the server."""
        return self.address.project if self.address is not None else self.path.resolve().name

    @property
    def shown_place(self) -> str:
        """Where the project is, for people: its directory, or its address without the password."""
        return self.address.shown if self.address is not None else str(self.path)

    @property
    def working_folder(self) -> Path:
        """The folder for work in progress: what is left in it for a day is garbage."""
        return self._artifacts.root

    def readers(self) -> str:
        """Return who may read the project, and what to do if somebody else should, in a sentence."""
        return access.described(self.path) if self.address is None else access.ON_A_SERVER

    def wait_for_change(self, timeout: float) -> None:
        """Return as soon as something was written by any process, or after so many seconds.

        A project in a directory tells nobody; its readers look again after a quarter of a second.
        """
        self._database.wait_for_change(timeout)

    def revision(self) -> int:
        """Return a number that grows with every write by any process."""
        with self._database.read() as connection:
            return int(connection.execute(sa.select(schema.revisions.c.number)).scalar() or 0)

    def summary(self) -> summary.Summary:
        """Return how many models there are, how many are archived, and when something last changed."""
        with self._database.read() as connection:
            return summary.summary(connection)

    def models(self) -> Table:
        """Return a row per model: ``id, base, operation, parameters`` (JSON text), ``step``, then all metrics."""
        with self._database.read() as connection:
            return self._of_models(overview.models_table(connection), connection)

    def overview(self) -> Table:
        """Return ``models()`` with ``tags`` (list) and ``references`` (JSON text) before the metrics."""
        with self._database.read() as connection:
            return self._of_models(overview.overview_table(connection), connection)

    @staticmethod
    def _of_models(table: pa.Table, connection: sa.Connection) -> Table:
        measured = [column.name for column in table.schema if pa.types.is_floating(column.type)]
        return Table(table, write=by_column(measured, metrics.definitions(connection).values()))

    def standard_errors(self) -> Table:
        """Return one row per model: ``id``, then the standard error of each metric that has any; null where missing."""
        with self._database.read() as connection:
            return Table(overview.standard_errors_table(connection))

    def views(self) -> dict[str, str]:
        """Return the saved views of the page: name → address."""
        with self._database.read() as connection:
            return views.listed(connection)

    def __len__(self) -> int:
        with self._database.read() as connection:
            return models.count(connection)

    def __contains__(self, id: object) -> bool:
        with self._database.read() as connection:
            return isinstance(id, str) and any(models.by_ids(connection, [id]))

    def model(self, id: str) -> Model:
        """Return everything that was logged about one model.

        Raises:
            NotFound: ``model.unknown``.
        """
        with self._database.read() as connection:
            return details.model(connection, id)

    def metrics(self) -> list[Metric]:
        """Return the metric definitions in the order of definition."""
        with self._database.read() as connection:
            return list(metrics.definitions(connection).values())

    def metric(self, name: str) -> Metric:
        """Return the definition of one metric.

        Raises:
            NotFound: ``metric.unknown``.
        """
        with self._database.read() as connection:
            return metrics.named(connection, name)

    def table_mapping(self, columns: Iterable[str]) -> str | None:
        """Return what the columns of an imported table are, as it was kept for tables with these columns, or none."""
        with self._database.read() as connection:
            return mappings.kept(connection, columns)

    def datasets(self) -> list[Dataset]:
        """Return the datasets in the order of logging."""
        with self._database.read() as connection:
            return instances.datasets(connection)

    def instances(self, dataset: str) -> Table:
        """Return the instances of a dataset: ``id, label, image`` (encoded bytes), ``text`` and metadata, if logged."""
        with self._database.read() as connection:
            row = instances.dataset_row(connection, dataset)
        return Table(instances.load(self._artifacts, row.sha256))

    def outputs(self, model: str, dataset: str) -> Table:
        """Return the outputs of a model: ``id, prediction``, then texts, vectors and metrics, if logged."""
        with self._database.read() as connection:
            row = models.one(connection, model)
            sha256 = instances.outputs_sha256(connection, row, instances.dataset_row(connection, dataset))
        return Table(instances.load(self._artifacts, sha256))

    def outputs_of(self, models: Sequence[str], *, dataset: str) -> tuple[StoredTable, dict[str, StoredTable]]:
        """Return a dataset and the outputs of models on it, or on equal data under another name, to read by column.

        Raises:
            NotFound: ``dataset.unknown``, ``model.unknown``, ``outputs.unknown``.
        """
        with self._database.read() as connection:
            return outputs.outputs(connection, self._artifacts, dataset=dataset, ids=models)

    def digests_of(self, models: Sequence[str], *, dataset: str) -> tuple[str, ...]:
        """Return the SHA-256 of a dataset and of the outputs of models on it: others once one of them has changed.

        Raises:
            NotFound: as `outputs_of`.
        """
        with self._database.read() as connection:
            data, found = outputs.outputs(connection, self._artifacts, dataset=dataset, ids=models)
            return (data.sha256, *(found[id].sha256 for id in models))

    def answered(self, dataset: str) -> list[str]:
        """Return the ids of the models that have outputs on a dataset, or on equal data under another name.

        Raises:
            NotFound: ``dataset.unknown``.
        """
        with self._database.read() as connection:
            return outputs.answered(connection, dataset)

    def checkpoints(self, ids: Sequence[str]) -> list[LoggedCheckpoint]:
        """Return the checkpoints of models in the given order, without reading anything else about them.

        Raises:
            NotFound: ``model.unknown``.
            InvalidValue: ``model.no_checkpoint``.
        """
        with self._database.read() as connection:
            found = [models.one(connection, id) for id in ids]
            return [checkpoints.logged(connection, row) for row in found]

    def all_checkpoints(self) -> list[LoggedCheckpoint]:
        """Return the checkpoints of all models that have one, in the order of logging."""
        with self._database.read() as connection:
            return checkpoints.everywhere(connection)

    def open_checkpoint(self, logged: LoggedCheckpoint) -> Weights:
        """Open the tensors of a checkpoint for reading piece by piece.

        Raises:
            StoreError: ``artifact.missing``, ``artifact.hash_mismatch``.
            InvalidValue: ``model.*`` for a format that cannot be read.
        """
        return self._opener.open(logged.checkpoint, logged_at=logged.logged_at)

    def checkpoint_paths(self, checkpoint: Checkpoint) -> dict[str, Path]:
        """Return where each file of a checkpoint lies, by its own name, after a comparison of its hash.

        Raises:
            StoreError: ``artifact.missing``, ``artifact.hash_mismatch``.
        """
        return {file.name: self._artifacts.verify(file.sha256) for file in checkpoint.files}

    def load_checkpoint(self, id: str) -> dict[str, Any]:
        """Return the tensors of a model by name; see ``store.checkpoints.load``.

        Raises:
            NotFound: ``model.unknown``.
            InvalidValue: ``model.no_checkpoint`` if none was logged.
        """
        return checkpoints.load(self._artifacts, self.checkpoints([id])[0].checkpoint)

    def checkpoint_notes(self, checkpoint: Checkpoint) -> dict[str, Any]:
        """Return the notes that were stored with weights from memory: ``tied``, ``scheme``, ``kept``."""
        return checkpoints.notes(self._artifacts, checkpoint)

    def task_of(self, root: str) -> TaskPath | None:
        """Return the task that is recorded for a root; ``None`` without one. Nothing is run."""
        with self._database.read() as connection:
            found = tasks.of_root(connection, root)
        return None if found is None else TaskPath(found.path, found.options, tuple(found.folders))

    @property
    def activations(self) -> activations.KeptActivations:
        """The stored comparisons of activations."""
        return activations.KeptActivations(self._artifacts.results)

    @property
    def sensitivities(self) -> sensitivities.KeptSensitivities:
        """The stored sensitivities of layers."""
        return sensitivities.KeptSensitivities(self._artifacts.results)

    def jobs(self) -> list[Job]:
        """Return all jobs, newest first."""
        with self._database.read() as connection:
            return jobs.listed(connection)

    def history(self, id: str | None = None) -> list[Change]:
        """Return what was changed after it was logged, the newest first: of the project, or of one model.

        A model is followed through its names, and a deleted one is found by the id that it had.

        Raises:
            NotFound: ``model.unknown``.
        """
        with self._database.read() as connection:
            return history.listed(connection, key=None if id is None else trash.key_of(connection, id))

    def descendants(self, id: str) -> list[str]:
        """The ids of all models that come from one, archived ones too, each after its base.

        Raises:
            NotFound: ``model.unknown``.
        """
        with self._database.read() as connection:
            return [one.id for one in models.descendants(connection, models.one(connection, id).key)]

    def gate_rules(self) -> str | None:
        """The rules of the project's gate as YAML; ``None`` if none are kept."""
        with self._database.read() as connection:
            return gate_rules.kept(connection)

    def audit(self, *, limit: int = 1000) -> Table:
        """Return who did what, the newest first: ``at, user, token, host, action, about``."""
        with self._database.read() as connection:
            return Table(audit.listed(connection, limit=limit))

    def deleted(self) -> list[str]:
        """Return the ids of the deleted models that can be restored, the last one first."""
        with self._database.read() as connection:
            return trash.names(connection)

    def replicates(self) -> dict[str, str]:
        """Return which of several models made alike a model is, such as ``seed 3``, by the ids of those that say so."""
        with self._database.read() as connection:
            return models.replicates(connection)

    def archived(self) -> list[str]:
        """Return the ids of the archived models, in the order of logging."""
        with self._database.read() as connection:
            return models.archived(connection)

    def damage(self) -> list[str]:
        """Read everything, and return a sentence for each fault of the database and each missing or changed file."""
        with self._database.read() as connection:
            return [*self._database.faults(connection), *verify.damage(connection, self._artifacts)]

    def backup(self, directory: str | Path) -> Backup:
        """Copy the project as it is at this moment to a new directory, while others may read and write it.

        Raises:
            InvalidValue: ``backup.exists``, ``backup.place``.
            StoreError: ``artifact.*`` if a stored file is damaged, ``storage.*`` if there is no room.
        """
        return backup.backup(self._database, self._artifacts, target=Path(directory))

    def garbage(self) -> Garbage:
        """The files that nothing names: how many, and their bytes."""
        with self._database.read() as connection:
            return garbage.counted(connection, self._artifacts)

    def graph(self) -> Graph:
        """Return the provenance graph. It is read again only after something was written."""
        with self._database.read() as connection:
            revision = int(connection.execute(sa.select(schema.revisions.c.number)).scalar() or 0)
            if self._graph is None or self._graph[0] != revision:
                self._graph = (revision, _graph_of(models.nodes(connection)))
            return self._graph[1]

    def measured_graph(self) -> tuple[Graph, Columns, Columns]:
        """Return the provenance graph, and over its models [N] the values of every metric and how many examples are
        behind them, masked where missing or not said.
        """
        with self._database.read() as connection:
            nodes = models.nodes(connection)
            columns = overview.metric_columns(connection, nodes), overview.count_columns(connection, nodes)
            return (_graph_of(nodes), *columns)

    @cached_property
    def _opener(self) -> opener.Opener:
        return opener.Opener(self._artifacts)


def _graph_of(listed: Sequence[models.Node]) -> Graph:
    id_of = {node[0]: node[1] for node in listed}
    alike = {(operation, parameters) for _, _, _, operation, parameters, _ in listed}
    # few of many models differ in what was done, and those that do not share it
    operations = {each: models.operation(*each) for each in alike}
    return Graph.from_models(
        (id, None if base is None else id_of[base], operations[operation, parameters])
        for _, id, base, operation, parameters, _ in listed
    )
