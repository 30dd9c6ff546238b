"""What a user types: open a project, log models, and ask what differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import given
from .analysis.lineage import Graph
from .errors import InvalidValue
from .records import Dataset, Job, Metric, Model
from .store import checkpoints, details, instances, jobs, location, metrics, models, overview, schema, stored, views
from .store import damage as damages
from .table import Table
from .tracking import Tracker

if TYPE_CHECKING:
    from .analysis import variables
    from .behaviors import Behaviors
    from .layers import Comparisons, Layers
    from .notebook import Page
    from .tensors import Tensors, TensorView


def open(path: str | Path, *, create: bool = True) -> Project:
    """Open the project in the directory ``path``, or create it there.

    Raises:
        NotFound: ``project.unknown`` if there is none and ``create`` is false.
        StoreError: ``store.*`` if it is damaged or of a newer version.
    """
    return Project(location.prepare(path, create))


class Project(Tracker):
    """A directory with everything about one family of experiments. Safe to use from several threads and processes."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._graph: Graph | None = None

    @property
    def name(self) -> str:
        """The name of the directory."""
        return self.path.resolve().name

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

    # Reading

    def models(self) -> Table:
        """One row per model: ``id, base, operation, parameters`` (JSON text), ``step``, then one column per metric."""
        with self._database.read() as connection:
            return Table(overview.models_table(connection))

    def overview(self) -> Table:
        """``models()`` with ``tags`` (list) and ``references`` (JSON text) before the metrics."""
        with self._database.read() as connection:
            return Table(overview.overview_table(connection))

    def standard_errors(self) -> Table:
        """One row per model: ``id``, then the standard errors of every metric that has any; null where missing."""
        with self._database.read() as connection:
            return Table(overview.standard_errors_table(connection))

    def views(self) -> dict[str, str]:
        """The addresses of the saved views of the page by name."""
        with self._database.read() as connection:
            return views.listed(connection)

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
            return details.model(connection, id)

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

    def answered(self, dataset: str) -> list[str]:
        """Ids of the models that have outputs on a dataset, or on equal data under another name.

        Raises:
            NotFound: ``dataset.unknown``.
        """
        with self._database.read() as connection:
            return stored.answered(connection, dataset)

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

    def damage(self) -> list[str]:
        """A sentence for each fault of the database and each file that is gone or has changed. Reads everything."""
        with self._database.read() as connection:
            return damages.damage(connection, self._artifacts)

    # Analyses

    def graph(self) -> Graph:
        """The provenance graph; read again only when models were logged since."""
        with self._database.read() as connection:
            count = models.count(connection)
            if self._graph is None or len(self._graph) != count:
                self._graph = _graph(connection)
            return self._graph

    def selection(self, ids: Sequence[str]) -> variables.Selection:
        """What differs between models: ``.variables``, ``.rows``, ``.chart`` and ``.constant``."""
        from .analysis import variables

        return variables.selection(self.graph(), given.texts(ids, "Models"))

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

    def effects(self, metric: str | None = None, *, listed: int | None = None) -> Table:
        """The matched-pair effect of every operation and parameter change on every metric, or on one, ranked.

        Each row lists at most ``listed`` of its pairs, spread evenly; its numbers are of all.

        Raises:
            NotFound: ``metric.unknown``.
        """
        from .analysis import effects as effects_analysis

        with self._database.read() as connection:
            graph = _graph(connection)
            columns = overview.metric_columns(connection)
            if metric is not None:
                name = metrics.named(connection, metric).name
                columns = {name: columns[name]} if name in columns else {}
        return Table(effects_analysis.effects(graph, columns, listed=listed))

    def coverage(self, parent: str, child: str) -> Table:
        """Tensor by tensor: what changed, what was skipped, and what changed that should not have.

        What should change follows from the operation of ``child`` if ``parent`` is its base; else all may change. See
        ``analysis.coverage.coverage`` for the columns.

        Raises:
            NotFound: ``model.unknown``.
            InvalidValue: ``model.no_checkpoint``.
        """
        from .analysis.coverage import Expectation, coverage
        from .evaluation.coverage import arrays, expectation

        model = self.model(child)
        expected = expectation(model.operation) if model.base == parent else Expectation("everything")
        before, after = (arrays(self.load_checkpoint(id)) for id in (parent, child))
        return Table(coverage(before, after, expectation=expected))

    def behaviors(
        self,
        base: str,
        models: str | Sequence[str],
        dataset: str,
        metric: str = "correct",
        by: str | Sequence[str] | None = None,
    ) -> Behaviors:
        """What changed for single instances, classes and slices between a base and models, joined by instance id.

        Args:
            base: id of the model that the others are compared with.
            models: ids.
            dataset: name of the data that all of them answered.
            metric: a per-instance metric, e.g. ``correct``, ``nll``, ``kl_divergence``, or one that was logged.
            by: the metadata columns of ``.groups``, at most two; the class if not given.

        Raises:
            NotFound: ``model.unknown``, ``dataset.unknown``, ``outputs.unknown``.
            InvalidValue: ``behaviors.*``: what cannot be compared, or which metric does not apply and which do.
        """
        from .analysis.behaviors.frame import Frame
        from .behaviors import Behaviors, columns_of, others

        ids = [base, *others(base, models)]
        with self._database.read() as connection:
            data, answered = stored.outputs(connection, self._artifacts, dataset=dataset, ids=ids)
            directions = {one.name: one.higher_is_better for one in metrics.definitions(connection).values()}
        return Behaviors(Frame(data, answered), metric, by=columns_of(by), directions=directions)

    def layers(
        self,
        base: str,
        models: str | Sequence[str],
        what: str = "weights",
        *,
        network: Any = None,
        data: Iterable[Any] | None = None,
        alignment: Mapping[str, str] | None = None,
    ) -> Layers:
        """What changed inside the layers between a base and models, from their checkpoints.

        Args:
            base: id of the model that the others are compared with.
            models: ids.
            what: ``sparsity``, ``weights``, ``storage`` or ``activations``.
            network: for activations: the module that the checkpoints are of, or a function from an id to one.
            data: for activations: batches of inputs, or of pairs of inputs and targets.
            alignment: for the other modes: for names of tensors of the base, those of models to compare with them,
                where no rule finds the counterpart.

        Raises:
            NotFound: ``model.unknown``.
            InvalidValue: ``layers.what``, ``layers.sample``, ``layers.network``, ``layers.alignment``,
                ``model.no_checkpoint``, and ``model.*`` of what cannot be read.
            StoreError: ``artifact.*`` if a checkpoint is gone or has changed since it was logged.
        """
        ids = given.texts(models, "Models")
        if what == "activations":
            if alignment:
                said = "Activations are compared by the names of modules: no alignment of tensors applies."
                raise InvalidValue("layers.alignment", said, hint="Leave it out, or compare the weights.")
            from .sample import Sample, compare_activations

            sample = Sample(network, data)
            networks = {id: sample.loaded(id, self.load_checkpoint(id)) for id in (base, *ids)}
            return compare_activations(base, networks, data=sample.data)
        listed = [self.model(id) for id in (base, *ids)]
        return self._comparisons.layers(listed[0], listed[1:], what=what, alignment=alignment)

    def tensor(self, base: str, model: str, *, name: str, alignment: Mapping[str, str] | None = None) -> TensorView:
        """A look into one tensor of a model beside the base's: cells at any zoom, channels, codebook, singular values.

        Args:
            base: id of the base.
            model: id; the base itself shows its own numbers.
            name: module and parameter with a dot between, as the table of ``layers`` has them.
            alignment: as for ``layers``.

        Raises:
            NotFound: ``model.unknown``, ``layers.no_tensor``.
            InvalidValue: ``model.no_checkpoint``, ``layers.no_numbers``, and ``model.*`` of what cannot be read.
            StoreError: ``artifact.*``.
        """
        return self._tensors.view(self.model(base), self.model(model), name=name, alignment=alignment)

    def reality(self, models: str | Sequence[str] | None = None) -> Table:
        """What each model claims beside what it costs, against its root, and why they differ in words.

        Columns: ``model, root, sparsity, bits`` (of one weight, nominal), ``stored_bytes, gzip_bytes, packed_bytes,
        macs, peak_memory_bytes``, then ``latency_s, latency_iqr_s, latency_device`` and the same of ``onnx_latency``,
        ``onnx_bytes, integer_products, onnx_integer_products``; ``stored_ratio, packed_ratio, macs_ratio,
        latency_ratio, onnx_latency_ratio`` (root ÷ model: above 1 is smaller or faster); ``agrees`` (null where nothing
        is claimed or measured), ``causes``, ``reason``, and ``missing``, the columns that are not known.

        Args:
            models: ids; all if not given.

        Raises:
            NotFound: ``model.unknown``.
        """
        from .reality import reality

        ids = self.models()["id"].to_pylist() if models is None else given.texts(models, "Models")
        listed = [self.model(id) for id in ids]
        roots = {id: self.model(id) for id in dict.fromkeys(model.lineage[0].model for model in listed)}
        return Table(reality(self._comparisons, listed, roots=roots))

    def show(self, models: Sequence[str] = (), *, height: int = 720) -> Page:
        """The overview in a notebook, with these models selected; what differs is known of them alone.

        It is a picture of now that needs no server, so that it also works where the notebook runs elsewhere.
        ``compress-compare serve`` shows the project as it grows.
        """
        from .notebook import show

        return show(self, models, height=height)

    @cached_property
    def _comparisons(self) -> Comparisons:
        from .layers import Comparisons

        return Comparisons(self._artifacts)

    @cached_property
    def _tensors(self) -> Tensors:
        from .tensors import Tensors

        return Tensors(self._comparisons.open)


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
