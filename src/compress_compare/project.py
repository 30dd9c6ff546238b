"""What a user types: open a project, log models, and ask what differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .analysis.lineage import Graph
from .errors import InvalidValue
from .records import Dataset, Job, Metric, Model, Operation, Step
from .store import (
    checkpoints,
    instance_tables,
    instances,
    jobs,
    location,
    metrics,
    models,
    overview,
    remarks,
    schema,
)
from .store.artifacts import Artifacts
from .store.database import Database
from .store.drafts import Measured, ModelDraft, check_metrics, draft
from .table import Table

if TYPE_CHECKING:
    from .analysis import variables


def open(path: str | Path, *, create: bool = True) -> Project:
    """Open the project in the directory ``path``, or create it there.

    Raises:
        NotFound: ``project.unknown`` if there is none and ``create`` is false.
        StoreError: ``store.*`` if it is damaged or of a newer version.
    """
    return Project(location.prepare(path, create))


class Project:
    """A directory with everything about one family of experiments. Safe to use from several threads and processes."""

    def __init__(self, directory: Path) -> None:
        self.path = directory
        self._database = Database(directory / location.DATABASE)
        self._artifacts = Artifacts(directory)

    @property
    def name(self) -> str:
        """The name of the directory."""
        return self.path.resolve().name

    def close(self) -> None:
        """Release the files; the project can be opened again."""
        self._database.close()

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Project({str(self.path)!r})"

    def revision(self) -> int:
        """A number that grows with every write by any process."""
        with self._database.read() as connection:
            return int(connection.execute(sa.select(schema.revisions.c.number)).scalar_one())

    # Logging

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Make everything logged inside one transaction: faster, and all or nothing. Other writers wait meanwhile."""
        with self._database.write():
            yield

    def define_metric(self, name: str, **definition: Any) -> Metric:
        """Define a metric or replace its definition.

        Args:
            name: as shown.
            definition: the other fields of ``records.Metric``, e.g. ``unit``, ``format``, ``higher_is_better``.
        """
        unknown = set(definition) - set(Metric.__dataclass_fields__)
        if unknown:
            raise InvalidValue(
                "metric.definition",
                f"A metric has no {min(unknown)!r}.",
                hint=f"It has {', '.join(list(Metric.__dataclass_fields__)[1:])}.",
            )
        metric = Metric(name, **definition)
        with self._database.write() as connection:
            metrics.define(connection, metric)
        return metric

    def log_model(
        self,
        id: str,
        *,
        base: str | Model | None = None,
        operation: Operation | Any | None = None,
        metrics: Mapping[str, Measured] | None = None,
        checkpoint: object | None = None,
        references: Mapping[str, str | Sequence[str]] | None = None,
        tags: Iterable[str] = (),
        note: str = "",
    ) -> Model:
        """Log a model: one node of the provenance graph.

        Logging the same again changes nothing; new metrics are added; what contradicts what is there is refused.

        Args:
            id: 1–256 characters.
            base: the model that ``operation`` was applied to; ``None`` for a root.
            operation: an ``Operation``, or one of ``compress_compare.operations``.
            metrics: by name: a number, a ``MetricValue`` or a list of those (slices, devices). ``None`` is missing.
            checkpoint: a module, a state dict, or the path of a file or Hugging Face folder.
            references: second parents by role, e.g. ``{"teacher": "resnet50"}``.
            tags: short labels.
            note: free text.

        Raises:
            InvalidValue, NotFound, Conflict: ``model.*``, ``name.invalid``, ``metric.*``, ``checkpoint.*``.
        """
        self.log_models(
            [
                {
                    "id": id,
                    "base": base,
                    "operation": operation,
                    "metrics": metrics,
                    "checkpoint": checkpoint,
                    "references": references,
                    "tags": tags,
                    "note": note,
                }
            ]
        )
        return self.model(id)

    def log_models(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Log many models in one transaction, each given by the arguments of ``log_model``; bases come first.

        Returns:
            How many were given.
        """
        drafts = [draft(self._artifacts, row) for row in rows]
        self._insert(drafts)
        return len(drafts)

    def _insert(self, drafts: Sequence[ModelDraft]) -> None:
        with self._database.write() as connection:
            keys = models.insert(connection, drafts)
            ids = {keys[one.id]: one.id for one in drafts}
            metrics.insert(connection, {keys[one.id]: one.metrics for one in drafts if one.metrics}, ids)
            for one in drafts:
                key = keys[one.id]
                if one.checkpoint is not None:
                    checkpoints.insert(connection, key, one.id, one.checkpoint)
                models.insert_references(connection, key, one.references)
                if one.tags:
                    remarks.set_tags(connection, key, one.tags)
                if one.note:
                    remarks.set_note(connection, key, one.note)

    def log_metrics(self, id: str, values: Mapping[str, Measured]) -> None:
        """Add metric values to a model; see ``log_model``."""
        checked = check_metrics(values)
        with self._database.write() as connection:
            key = models.one(connection, id).key
            metrics.insert(connection, {key: checked}, {key: id})

    def log_dataset(
        self,
        name: str,
        *,
        ids: Any,
        labels: Any = None,
        images: Any = None,
        texts: Any = None,
        metadata: Any = None,
    ) -> Dataset:
        """Log evaluation data: one instance per id.

        Args:
            name: of the dataset.
            ids: [N] integers or strings, unique.
            labels: [N], optional.
            images: [N] arrays [H,W], [H,W,C] or [C,H,W] (uint8, or float in 0–1), bytes of image files, or paths.
            texts: [N] strings.
            metadata: a mapping of column names to [N] values, or a data frame.
        """
        table = instance_tables.dataset_table(ids, labels=labels, images=images, texts=texts, metadata=metadata)
        sha256 = instances.store(self._artifacts, "dataset.parquet", table)
        with self._database.write() as connection:
            return instances.insert_dataset(connection, name, table, sha256)

    def log_outputs(
        self,
        model: str,
        dataset: str,
        *,
        ids: Any,
        predictions: Any,
        vectors: Mapping[str, Any] | None = None,
        metrics: Mapping[str, Any] | None = None,
        texts: Any = None,
    ) -> None:
        """Log what a model answered on a dataset. Joined to it by id: any order, any subset.

        Args:
            model: id of the model.
            dataset: name of the dataset.
            ids: [N] instance ids, all of them in the dataset.
            predictions: [N].
            vectors: name → [N, size] numbers, e.g. ``probabilities``, ``logits``, ``embeddings``; kept as float32.
            metrics: name → [N] numbers, your own per-instance metrics.
            texts: [N] generated strings.
        """
        table = instance_tables.outputs_table(ids, predictions, vectors, metrics, texts)
        with self._database.read() as connection:
            row, data = models.one(connection, model), instances.dataset_row(connection, dataset)
        known = instances.load(self._artifacts, data.sha256, ["id"])["id"]
        table = table.set_column(0, "id", instance_tables.check_known_ids(table["id"], known, dataset))
        sha256 = instances.store(self._artifacts, "outputs.parquet", table)
        with self._database.write() as connection:
            instances.insert_outputs(connection, row, data, table.num_rows, sha256)

    def set_note(self, id: str, text: str) -> None:
        """Replace the note of a model."""
        with self._database.write() as connection:
            remarks.set_note(connection, models.one(connection, id).key, text)

    def set_tags(self, id: str, tags: Iterable[str]) -> None:
        """Replace the tags of a model."""
        with self._database.write() as connection:
            remarks.set_tags(connection, models.one(connection, id).key, tags)

    # Reading

    def models(self) -> Table:
        """One row per model: ``id, base, operation, parameters`` (JSON text), ``step``, then one column per metric."""
        with self._database.read() as connection:
            return Table(overview.models_table(connection))

    def overview(self) -> Table:
        """``models()`` with ``tags`` (list) and ``references`` (JSON text) before the metrics."""
        with self._database.read() as connection:
            return Table(overview.overview_table(connection))

    def __len__(self) -> int:
        with self._database.read() as connection:
            return models.count(connection)

    def __contains__(self, id: object) -> bool:
        with self._database.read() as connection:
            return isinstance(id, str) and any(models.by_ids(connection, [id]))

    def model(self, id: str) -> Model:
        """Everything about one model.

        Raises:
            NotFound: ``model.unknown``.
        """
        with self._database.read() as connection:
            row = models.one(connection, id)
            chain = models.lineage(connection, row)
            return Model(
                id=row.id,
                base=chain[-2].id if len(chain) > 1 else None,
                operation=row.operation,
                step=row.step,
                created_at=row.created_at,
                lineage=tuple(Step(link.id, link.operation) for link in chain),
                references=tuple(reference for _, reference in models.references(connection, row.key)),
                metrics=metrics.of_model(connection, row.key),
                tags=remarks.tags_of(connection, row.key),
                note=remarks.note_of(connection, row.key),
                checkpoint=checkpoints.of_model(connection, row.key),
                datasets=instances.datasets_of(connection, row.key),
            )

    def metrics(self) -> list[Metric]:
        """The metric definitions in the order of definition."""
        with self._database.read() as connection:
            return list(metrics.definitions(connection).values())

    def datasets(self) -> list[Dataset]:
        """The datasets in the order of logging."""
        with self._database.read() as connection:
            return instances.datasets(connection)

    def instances(self, dataset: str) -> Table:
        """The instances of a dataset: ``id, label, image`` (encoded bytes), ``text`` and metadata, as far as logged."""
        with self._database.read() as connection:
            row = instances.dataset_row(connection, dataset)
        return Table(instances.load(self._artifacts, row.sha256))

    def outputs(self, model: str, dataset: str) -> Table:
        """What a model answered: ``id, prediction``, then texts, vectors and per-instance metrics, as far as logged."""
        with self._database.read() as connection:
            row = models.one(connection, model)
            sha256 = instances.outputs_sha256(connection, row, instances.dataset_row(connection, dataset))
        return Table(instances.load(self._artifacts, sha256))

    def load_checkpoint(self, id: str) -> dict[str, Any]:
        """The tensors of a model by name; see ``store.checkpoints.load``.

        Raises:
            InvalidValue: ``model.no_checkpoint`` if none was logged.
        """
        checkpoint = self.model(id).checkpoint
        if checkpoint is None:
            raise InvalidValue("model.no_checkpoint", f"Model {id!r} was logged without a checkpoint.")
        return checkpoints.load(self._artifacts, checkpoint)

    def jobs(self) -> list[Job]:
        """All jobs, newest first."""
        with self._database.read() as connection:
            return jobs.listed(connection)

    # Analyses

    def graph(self) -> Graph:
        """The provenance graph."""
        with self._database.read() as connection:
            return _graph(connection)

    def selection(self, ids: Sequence[str]) -> variables.Selection:
        """What differs between models: ``.variables``, ``.rows``, ``.chart`` and ``.constant``."""
        from .analysis import variables

        return variables.selection(self.graph(), ids)

    def frontier(self, x: str, y: str) -> list[str]:
        """Ids of the Pareto-optimal models by two metrics, best first along ``x``.

        Raises:
            NotFound: ``metric.unknown``.
            InvalidValue: ``metric.direction_unknown`` if a metric does not say which direction is better.
        """
        from .analysis import frontier as frontier_analysis

        with self._database.read() as connection:
            directions = [_direction(metrics.named(connection, name)) for name in (x, y)]
            table = overview.models_table(connection)
        columns = [table[name].to_numpy() if name in table.column_names else None for name in (x, y)]
        if columns[0] is None or columns[1] is None:
            return []
        optimal = frontier_analysis.frontier(
            columns[0], columns[1], x_higher_is_better=directions[0], y_higher_is_better=directions[1]
        )
        ids = table["id"].to_pylist()
        return [ids[index] for index in optimal]

    def effects(self) -> Table:
        """The matched-pair effect of every operation and parameter change on every metric, ranked."""
        from .analysis import effects as effects_analysis

        with self._database.read() as connection:
            graph = _graph(connection)
            columns = overview.metric_columns(connection)
        return Table(effects_analysis.effects(graph, columns))


def _graph(connection: sa.Connection) -> Graph:
    listed = models.nodes(connection)
    id_of = {node[0]: node[1] for node in listed}
    return Graph.from_models(
        (id, None if base is None else id_of[base], models.operation(operation, parameters))
        for _, id, base, operation, parameters, _ in listed
    )


def _direction(metric: Metric) -> bool:
    if metric.higher_is_better is None:
        raise InvalidValue(
            "metric.direction_unknown",
            f"Metric {metric.name!r} does not say whether higher or lower is better.",
            hint=f"Define it: project.define_metric({metric.name!r}, higher_is_better=…).",
        )
    return metric.higher_is_better
