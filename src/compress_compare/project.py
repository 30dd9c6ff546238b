"""The project: open it, log models, and compare them. Each analysis is one call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import checks, late
from .errors import InvalidValue
from .store.store import Store
from .table import Table

if TYPE_CHECKING:
    from .analysis.selection import variables
    from .comparisons.behaviors import Behaviors
    from .comparisons.gate.report import GateReport
    from .comparisons.layers.compare import LayerComparisons, Layers
    from .comparisons.layers.tensor import Tensors, TensorView
    from .report.notebook import NotebookPage
    from .shipping.ship import Shipped
    from .store.merging.conflicts import Decision
    from .store.merging.merge import MergeReport


def open(
    path: str | Path,
    *,
    create: bool = True,
    read_only: bool = False,
    artifacts: str | Path | None = None,
    token: str | None = None,
    group_readable: bool = False,
) -> Project:
    """Open the project in the directory ``path``, on a database server or on a server of this tool, or create it there.

    Args:
        path: of the directory; a relative one is looked for now and never again. Or an address: of a database,
            ``postgresql+psycopg://user@host/database?project=NAME``, or of a served project, ``https://host/p/NAME``.
        create: whether it may be made.
        read_only: whether to leave the project as it is: nothing is written there, and nothing is run.
        artifacts: for a database, where files of a new project go: ``s3://bucket/prefix`` or a folder that all reach.
        group_readable: whether the group of a new directory may read the project.
        token: for a project that is served; that of the environment variable ``COMPRESS_COMPARE_TOKEN`` if not given.

    Raises:
        NotFound: ``project.unknown`` if there is none and ``create`` is false.
        StoreError, UserError: ``store.*`` if it is damaged or newer; ``remote.*``, ``auth.*`` if a server refuses.
    """
    if str(path).startswith(("http://", "https://")) and not group_readable:
        connect = late.attribute(f"{__package__}.remote.project", "connect")
        found: Project = connect(str(path), token=token, create=create, read_only=read_only)
        return found
    return Project.open(path, create=create, read_only=read_only, artifacts=artifacts, group_readable=group_readable)


def unpack(archive: str | Path, directory: str | Path) -> Project:
    """Make a project of an archive that ``project.pack`` wrote, in a directory that is not there yet, and open it.

    Raises:
        InvalidValue: ``archive.*`` for what is no archive of ours, or a damaged one; ``project.not_empty``.
    """
    from .store.archive import unpack

    return Project.open(unpack(Path(archive), Path(directory)), create=False)


class Project(Store):
    """A directory with everything about one family of experiments. Safe to use from several threads and processes."""

    def selection(self, ids: Sequence[str]) -> variables.Selection:
        """Return what differs between models: ``.variables``, ``.rows``, ``.chart`` and ``.constant``."""
        from .analysis.selection import variables

        return variables.selection(self.graph(), checks.texts(ids, "Models"))

    def frontier(
        self,
        x: str,
        y: str,
        *,
        where: str | None = None,
        min: Mapping[str, str | float] | None = None,
        max: Mapping[str, str | float] | None = None,
    ) -> list[str]:
        """Return the ids of the Pareto-optimal models by two metrics, best first along ``x``.

        Args:
            x: name of a metric, as in the columns of ``models()``.
            y: likewise.
            where: which models count; see ``find``.
            min: smallest values that count, by metric; see ``best``.
            max: largest, likewise.

        Raises:
            NotFound: ``metric.unknown``.
            InvalidValue: ``metric.direction_unknown`` if a metric does not say which direction is better.

        A metric that was measured in several ways (devices, datasets, protocols) has a column for each in ``models()``.
        They are never mixed: the one with most models is taken, with a warning, unless you name another column.
        """
        from .comparisons import ask, frontier

        found = frontier.frontier(self, x, y=y, bounds=ask.Bounds(min, max), where=where)
        ids: list[str] = found["id"].to_pylist()
        return ids

    def find(self, where: str | None = None, *, sort: str | Sequence[str] = (), limit: int | None = None) -> Table:
        """Return the models that meet a condition, with the columns of ``overview()``.

        Args:
            where: e.g. ``Packed Size < 300 kB and "Top-1 Accuracy" > 0.9 and operation contains prune``. A condition is
                a column, one of ``= != < <= > >= contains`` and a value, or a column and ``is missing``; conditions are
                joined by ``and``, ``or``, ``not`` and parentheses. What is missing meets no condition but the last.
            sort: columns, the first one first; one that begins with ``-`` from the largest to the smallest.
            limit: how many rows at most.

        Raises:
            InvalidValue: ``ask.syntax``, ``ask.name``, ``ask.value``, with the place in the text.
        """
        from .comparisons import ask

        return ask.find(self, where, sort=sort, limit=limit)

    def best(
        self,
        by: str,
        *,
        where: str | None = None,
        min: Mapping[str, str | float] | None = None,
        max: Mapping[str, str | float] | None = None,
    ) -> Table:
        """Return the models within bounds, the best by one metric first.

        Args:
            by: name of the metric.
            where: which models count; see ``find``.
            min: smallest values that count, by metric: ``{"Top-1 Accuracy": 0.9}``.
            max: largest: ``{"Packed Size": "300 kB"}``. A model without the value is left out.

        Raises:
            InvalidValue: ``ask.*``, ``value.quantity``, ``metric.direction_unknown``.
        """
        from .comparisons import ask

        return ask.best(self, by, bounds=ask.Bounds(min, max), where=where)

    def effects(self, metric: str | None = None, *, listed: int | None = None) -> Table:
        """Return the matched-pair effect of every operation and parameter change on every metric, ranked.

        Args:
            metric: name of a single metric; all if not given.
            listed: how many of its pairs a row lists at most, spread evenly. Its numbers cover all pairs.

        Raises:
            NotFound: ``metric.unknown``.
        """
        from .comparisons import effects

        return effects.effects(self, metric, listed=listed)

    def coverage(self, parent: str, child: str) -> Table:
        """Return a row for each tensor: whether it changed, was skipped, or changed unexpectedly.

        If ``parent`` is the base of ``child``, the operation of ``child`` says which tensors should change; otherwise
        all may change. See ``analysis.coverage.coverage`` for the columns.

        Raises:
            NotFound: ``model.unknown``.
            InvalidValue: ``model.no_checkpoint``.
        """
        from .comparisons import coverage

        return coverage.between(self, parent, child=child)

    def behaviors(
        self,
        base: str,
        models: str | Sequence[str],
        dataset: str,
        metric: str = "correct",
        by: str | Sequence[str] | None = None,
    ) -> Behaviors:
        """Compare the predictions of models with those of a base, joined by instance id.

        Args:
            base: id of the model that the others are compared with.
            models: ids.
            dataset: name of a dataset on which all of them have outputs.
            metric: a per-instance metric, e.g. ``correct``, ``nll``, ``kl_divergence``, or one that was logged.
            by: the metadata columns of ``.groups``, at most two; the class if not given.

        Raises:
            NotFound: ``model.unknown``, ``dataset.unknown``, ``outputs.unknown``.
            InvalidValue: ``behaviors.*``, if outputs cannot be compared or the metric does not apply.
        """
        from .comparisons.behaviors import Behaviors
        from .comparisons.joining import joined

        frame, directions = joined(self, base, models=models, dataset=dataset)
        return Behaviors(frame, metric, by=by or (), directions=directions)

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
        """Compare the layers of models with those of a base, from their checkpoints.

        Args:
            base: id of the model that the others are compared with.
            models: ids.
            what: ``sparsity``, ``weights``, ``storage`` or ``activations``.
            network: for activations: a module into which the checkpoints fit, or a function from an id to one.
            data: for activations: batches of inputs, or of pairs of inputs and targets.
            alignment: for the other modes: names of tensors of the base → names of their counterparts in the models,
                where no rule finds them.

        Raises:
            NotFound: ``model.unknown``.
            InvalidValue: ``layers.what``, ``layers.sample``, ``layers.network``, ``layers.alignment``,
                ``model.no_checkpoint``, and ``model.*`` for a checkpoint that cannot be read.
            StoreError: ``artifact.*`` if a checkpoint is missing or has changed since it was logged.
        """
        ids = checks.texts(models, "Models")
        if what == "activations":
            if alignment:
                said = "Activations are compared by the names of modules: no alignment of tensors applies."
                raise InvalidValue("layers.alignment", said, hint="Leave it out, or compare the weights.")
            from .comparisons.layers.activations import Sample, compare_activations

            sample = Sample(network, data)
            networks = {id: sample.loaded(id, self.load_checkpoint(id)) for id in (base, *ids)}
            return compare_activations(base, networks, data=sample.data)
        return self._comparisons.layers(base, ids, what=what, alignment=alignment)

    def tensor(self, base: str, model: str, *, name: str, alignment: Mapping[str, str] | None = None) -> TensorView:
        """Compare one tensor of a model with the base's: cells at any zoom, channels, codebook, singular values.

        Args:
            base: id of the base.
            model: id; the id of the base shows the base alone.
            name: module and parameter with a dot between, as in the table of ``layers``.
            alignment: as for ``layers``.

        Raises:
            NotFound: ``model.unknown``, ``layers.no_tensor``.
            InvalidValue: ``model.no_checkpoint``, ``layers.no_numbers``, and ``model.*`` for an unreadable checkpoint.
            StoreError: ``artifact.*``.
        """
        return self._tensors.view(base, model, name=name, alignment=alignment)

    def reality(self, models: str | Sequence[str] | None = None) -> Table:
        """Return what each model claims and what it costs, against its root, and why the two differ.

        Columns: ``model, root, sparsity, bits`` (nominal, per weight), ``stored_bytes, gzip_bytes, packed_bytes,
        macs, peak_memory_bytes``, then ``latency_s, latency_iqr_s, latency_device`` and the same of ``onnx_latency``,
        ``onnx_bytes, integer_products, onnx_integer_products``; ``stored_ratio, packed_ratio, macs_ratio,
        latency_ratio, onnx_latency_ratio`` (root ÷ model: above 1 is smaller or faster); ``claim`` (how much of it the
        numbers show), ``agrees`` (null where nothing is claimed or measured), ``causes``, ``reason``, and ``missing``.

        Args:
            models: ids; all if not given.

        Raises:
            NotFound: ``model.unknown``.
        """
        from .comparisons.reality import reality

        ids = self.models()["id"].to_pylist() if models is None else checks.texts(models, "Models")
        return Table(reality(self, ids))

    def gate(self, model: str, *, base: str | None = None, rules: object = None) -> GateReport:
        """Hold a model against the rules of a release; it has ``outcome, passed, table, markdown(), junit()``.

        A rule passes or fails where an interval lies on one side of its bound. Everything else is ``undecided``: too
        few instances, no data, outputs on other data or stale ones, values measured under unlike conditions.

        Args:
            model: id.
            base: id of what it must not fall behind; the root of its lineage if not given.
            rules: path of a YAML file, a list of rules, or a mapping with ``rules`` and ``confidence``; see
                ``docs/guide/gate-a-release.md``. Those of ``keep_gate_rules`` if not given.

        Raises:
            NotFound: ``model.unknown``, ``dataset.unknown``, ``config.no_file``, ``gate.no_rules``.
            InvalidValue: ``gate.base`` if model and base are the same; ``config.*``, ``metric.*``, ``value.quantity``
                for a rule that cannot be read, with its line.
        """
        from .comparisons.gate.check import gate

        return gate(self, model, base=base, rules=rules)

    def keep_gate_rules(self, text: str) -> None:
        """Keep YAML rules of a gate in the place of those before; empty: none. Raises ``config.*`` as ``gate``."""
        from .comparisons.gate import rules

        if text.strip():
            rules.loads(text)
        super().keep_gate_rules(text.strip() and text)

    def ship(
        self,
        model: str,
        directory: str | Path,
        *,
        format: str = "packed",
        sample: int | None = None,
        task: Any = None,
        rules: object = None,
    ) -> Shipped:
        """Write a model in a format that a runtime loads, prove it, and log it as a child of the model.

        The files are read back by the format's own library and held against the model: its numbers, and its answers on
        a sample. Where they do not agree, the files are removed and nothing is logged.

        Args:
            model: id.
            directory: for the files; it must not exist, or be empty.
            format: ``packed``, ``safetensors`` and others; see ``shipping.FORMATS``.
            sample: on how many examples it is run, 256 if not given; 0 compares the numbers alone.
            task: a ``recipes.Task`` that says how to build and run the model; that of the project if not given.
            rules: of a release, as ``gate`` takes them; the model card gives their verdict.

        Raises:
            NotFound: ``model.unknown``.
            InvalidValue: ``ship.cannot_hold`` naming the nearest format that can, ``ship.no_network``,
                ``ship.not_proved``, ``model.no_checkpoint``, ``config.*``.
            Conflict: ``ship.directory`` for a directory with files in it.
            Untrusted: ``task.untrusted`` if the project's task was not allowed on this machine.
            MissingExtra: what the format needs is not installed.
        """
        from .shipping.ship import How, ship

        return ship(self, model, directory=directory, how=How(format, sample, task, rules))

    def pack(self, path: str | Path) -> int:
        """Write the whole project to one file, ``x.ccz``, and return its size in bytes.

        Equal projects make equal bytes. The file has every record and every stored file; logs of jobs are left out.

        Raises:
            InvalidValue: ``output.not_written``.
            StoreError: ``artifact.*`` if a stored file is missing or has changed.
        """
        from .store.archive import pack

        return pack(self, Path(path))

    def merge(self, other: str | Path | Store, *, on_conflict: Decision = "refuse") -> MergeReport:
        """Bring in what another copy of this project, or another project, has: all of it, or nothing.

        Models are the same if id, base, operation, replicate and tensors are. Models, weights, values, outputs, notes,
        tags, datasets, views, and what was done are brought in. Equal data under another name is the same data; other
        data under the same name comes in as ``name (2)``. Jobs stay where they are.

        Args:
            other: a project, its directory, or an archive.
            on_conflict: ``refuse``; a rule for all: ``ours``, ``theirs``, or ``both`` (of models and notes); choices by
                the titles of conflicts, ``{"note cnn": "both", "*": "ours"}``; or a function from a conflict to one.

        Returns:
            What came in, what differed and how it was decided, and what has another name now.

        Raises:
            MergeRefusedError: ``merge.conflict`` with ``conflicts``, if one is not decided.
            Conflict: ``merge.cycle``.
        """
        from .store.merging.merge import merge
        from .store.merging.opened import opened

        with opened(other) as found:
            return merge(self, found, on_conflict=on_conflict)

    def show(self, models: Sequence[str] = (), *, page: str = "overview", height: int = 720) -> NotebookPage:
        """Show a page in a notebook (see `report.notebook.PAGES`), with these models selected.

        It is a snapshot that needs no server, and can show what differs between the given models only.
        """
        from .report.notebook import show

        return show(self, models, page=page, height=height)

    @cached_property
    def _comparisons(self) -> LayerComparisons:
        from .comparisons.layers.compare import LayerComparisons

        return LayerComparisons(self)

    @cached_property
    def _tensors(self) -> Tensors:
        from .comparisons.layers.tensor import Tensors

        return Tensors(self)
