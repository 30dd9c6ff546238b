"""The reading half of a project on a server: what is asked for is read there, files are brought here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ..analysis.lineage import Graph
from ..project import Project
from ..records import Change, Dataset, Job, LoggedCheckpoint, Metric, Model, TaskPath
from ..store import access, audit, instances, models
from ..store.garbage import Garbage
from ..store.outputs import StoredTable
from ..store.reading import Columns
from ..store.summary import Summary
from ..table import Table
from .connection import Connection


class RemoteReader(Project):
    """Reads a project over a connection. Analyses are those of a local project, done here."""

    _connection: Connection

    def revision(self) -> int:
        """Return a number that grows with every write by any process."""
        return int(self._connection.read("revision"))

    def summary(self) -> Summary:
        """Return how many models there are, how many are archived, and when something last changed."""
        found: Summary = self._connection.read("summary")
        return found

    def models(self) -> Table:
        """Return a row per model: ``id, base, operation, parameters`` (JSON text), ``step``, then all metrics."""
        return Table(self._connection.read("models"))

    def overview(self) -> Table:
        """Return ``models()`` with ``tags`` (list) and ``references`` (JSON text) before the metrics."""
        return Table(self._connection.read("overview"))

    def standard_errors(self) -> Table:
        """Return one row per model: ``id``, then the standard error of each metric that has any; null where missing."""
        return Table(self._connection.read("standard_errors"))

    def views(self) -> dict[str, str]:
        """Return the saved views of the page: name → address."""
        found: dict[str, str] = self._connection.read("views")
        return found

    def pack(self, path: str | Path) -> int:
        """Write the whole project to one file here, as the server packs it, and return its size in bytes.

        Raises:
            InvalidValue: ``output.not_written``.
            StoreError: ``artifact.*`` if a stored file is missing on the server or has changed.
        """
        return self._connection.pack(Path(path))

    def __len__(self) -> int:
        return self.summary().num_models

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and id in self.models()["id"].to_pylist()

    def model(self, id: str) -> Model:
        """Return everything that was logged about one model.

        Raises:
            NotFound: ``model.unknown``.
        """
        found: Model = self._connection.read("model", id=id)
        return found

    def metrics(self) -> list[Metric]:
        """Return the metric definitions in the order of definition."""
        found: list[Metric] = self._connection.read("metrics")
        return found

    def metric(self, name: str) -> Metric:
        """Return the definition of one metric.

        Raises:
            NotFound: ``metric.unknown``.
        """
        found: Metric = self._connection.read("metric", name=name)
        return found

    def table_mapping(self, columns: Iterable[str]) -> str | None:
        """Return what the columns of an imported table are, as it was kept for tables with these columns, or none."""
        found: str | None = self._connection.read("table_mapping", columns=list(columns))
        return found

    def datasets(self) -> list[Dataset]:
        """Return the datasets in the order of logging."""
        found: list[Dataset] = self._connection.read("datasets")
        return found

    def instances(self, dataset: str) -> Table:
        """Return the instances of a dataset: ``id, label, image`` (encoded bytes), ``text`` and metadata, if logged."""
        (digest,) = self.digests_of([], dataset=dataset)
        return Table(instances.load(self._artifacts, digest))

    def outputs(self, model: str, dataset: str) -> Table:
        """Return the outputs of a model: ``id, prediction``, then texts, vectors and metrics, if logged."""
        _, digest = self.digests_of([model], dataset=dataset)
        return Table(instances.load(self._artifacts, digest))

    def outputs_of(self, models: Sequence[str], *, dataset: str) -> tuple[StoredTable, dict[str, StoredTable]]:
        """Return a dataset and the outputs of models on it, or on equal data under another name, to read by column.

        Raises:
            NotFound: ``dataset.unknown``, ``model.unknown``, ``outputs.unknown``.
        """
        data, *found = self.digests_of(models, dataset=dataset)
        tables = {id: StoredTable(self._artifacts, one) for id, one in zip(models, found, strict=True)}
        return StoredTable(self._artifacts, data), tables

    def digests_of(self, models: Sequence[str], *, dataset: str) -> tuple[str, ...]:
        """Return the SHA-256 of a dataset and of the outputs of models on it.

        Raises:
            NotFound: as `outputs_of`.
        """
        found: tuple[str, ...] = self._connection.read("digests_of", models=list(models), dataset=dataset)
        return found

    def answered(self, dataset: str) -> list[str]:
        """Return the ids of the models that have outputs on a dataset, or on equal data under another name.

        Raises:
            NotFound: ``dataset.unknown``.
        """
        found: list[str] = self._connection.read("answered", dataset=dataset)
        return found

    def checkpoints(self, ids: Sequence[str]) -> list[LoggedCheckpoint]:
        """Return the checkpoints of models in the given order.

        Raises:
            NotFound: ``model.unknown``.
            InvalidValue: ``model.no_checkpoint``.
        """
        found: list[LoggedCheckpoint] = self._connection.read("checkpoints", ids=list(ids))
        return found

    def all_checkpoints(self) -> list[LoggedCheckpoint]:
        """Return the checkpoints of all models that have one, in the order of logging."""
        found: list[LoggedCheckpoint] = self._connection.read("all_checkpoints")
        return found

    def task_of(self, root: str) -> TaskPath | None:
        """Return the task that is recorded for a root; ``None`` without one. Nothing is run."""
        found: TaskPath | None = self._connection.read("task_of", root=root)
        return found

    def jobs(self) -> list[Job]:
        """Return all jobs, newest first."""
        found: list[Job] = self._connection.read("jobs")
        return found

    def history(self, id: str | None = None) -> list[Change]:
        """Return what was changed after it was logged, the newest first: of the project, or of one model.

        Raises:
            NotFound: ``model.unknown``.
        """
        found: list[Change] = self._connection.read("history", id=id)
        return found

    def descendants(self, id: str) -> list[str]:
        """The ids of all models that come from one, archived ones too, each after its base.

        Raises:
            NotFound: ``model.unknown``.
        """
        found: list[str] = self._connection.read("descendants", id=id)
        return found

    def gate_rules(self) -> str | None:
        """The rules of the project's gate as YAML; ``None`` if none are kept."""
        found: str | None = self._connection.read("gate_rules")
        return found

    def audit(self, *, limit: int = 1000) -> Table:
        """Return who did what, the newest first. This needs the role ``admin``."""
        rows = self._connection.request("GET", "audit", params={"limit": limit}).json()["entries"]
        return Table(pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in audit.COLUMNS])))

    def deleted(self) -> list[str]:
        """Return the ids of the deleted models that can be restored, the last one first."""
        found: list[str] = self._connection.read("deleted")
        return found

    def archived(self) -> list[str]:
        """Return the ids of the archived models, in the order of logging."""
        found: list[str] = self._connection.read("archived")
        return found

    def replicates(self) -> dict[str, str]:
        """Return which of several models made alike a model is, by the ids of those that say so."""
        found: dict[str, str] = self._connection.read("replicates")
        return found

    def damage(self) -> list[str]:
        """Have the server read everything, and return a sentence for each fault."""
        found: list[str] = self._connection.read("damage")
        return found

    def readers(self) -> str:
        """Return who may read the project, in a sentence."""
        return access.ON_A_SERVER

    def garbage(self) -> Garbage:
        """The files that nothing names: how many, and their bytes."""
        found: Garbage = self._connection.read("garbage")
        return found

    def graph(self) -> Graph:
        """Return the provenance graph."""
        return _graph(self.models())

    def measured_graph(self) -> tuple[Graph, Columns, Columns]:
        """Return the provenance graph, and over its models [N] the values of every metric and how many examples are
        behind them, masked where missing or not said.
        """
        table = self._connection.read("measured")
        found: dict[str, Columns] = {"value": {}, "count": {}}
        for name in table.column_names[1:]:
            kind, _, metric = name.partition(" ")
            column = table[name].combine_chunks()
            mask = column.is_null().to_numpy(zero_copy_only=False)
            values = column.fill_null(0).to_numpy(zero_copy_only=False)
            found[kind][metric] = np.ma.MaskedArray(values, mask=mask)
        return self.graph(), found["value"], found["count"]


def _graph(table: Any) -> Graph:
    names = ("id", "base", "operation", "parameters")
    rows = zip(*(table[name].to_pylist() for name in names), strict=True)
    return Graph.from_models(
        (id, base, models.operation(operation, parameters)) for id, base, operation, parameters in rows
    )
