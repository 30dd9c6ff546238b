"""All models as of one revision, read from the project once and shared by every request until the next write."""

from __future__ import annotations

import gzip
import json
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from ..analysis.lineage import Graph
from ..comparisons import effects
from ..store.reading import Columns
from ..store.store import Store
from . import arrow
from .wire.models import ModelPage, model_row
from .wire.project import OperationUse
from .wire.selection import EffectsAnswer, effect

NODE_COLUMNS = ("id", "base", "operation", "parameters", "step", "tags", "references", "replicate")
"""The columns before those of the metrics."""

Kind = Literal["double", "single", "errors"]
"""A stream: all about the models with their metrics as float64 or as float32, or only the standard errors."""

GZIP_LEVEL = 5
"""Of 10,000 models with 20 metrics, higher levels save under 1% and take twice the time."""

ANSWERS_BYTES = 20_000_000
"""Of answers of one kind that are kept, besides the latest one."""


class KeptAnswers:
    """Answers as JSON, for whoever asks the same before something is written; those asked for last are kept."""

    def __init__(self) -> None:
        self._found: OrderedDict[Hashable, bytes] = OrderedDict()
        self._num_bytes = 0
        self._lock = threading.Lock()

    def get(self, asked: Hashable, make: Callable[[], bytes]) -> bytes:
        """What was made before for the same question, or is made now."""
        with self._lock:
            if asked not in self._found:
                self._found[asked] = make()
                self._num_bytes += len(self._found[asked])
            self._found.move_to_end(asked)
            while len(self._found) > 1 and self._num_bytes > ANSWERS_BYTES:
                self._num_bytes -= len(self._found.popitem(last=False)[1])
            return self._found[asked]


class Snapshot:
    """The models at one revision.

    Args:
        revision: of the project.
        table: one row per model in the order of logging: `NODE_COLUMNS`, then one float64 column per metric.
        project: for what few ask for.
    """

    def __init__(self, revision: int, table: pa.Table, *, project: Store) -> None:
        self.revision = revision
        self.table = table
        self._project = project
        self._made: dict[str, bytes] = {}
        self._lock = threading.RLock()
        self._effects, self._pages = KeptAnswers(), KeptAnswers()

    @property
    def num_models(self) -> int:
        """How many there are."""
        return int(self.table.num_rows)

    def etag(self, kind: Kind) -> str:
        """Names this state of a stream."""
        return f'"{kind}-{self.revision}"'

    def stream(self, kind: Kind) -> bytes:
        """All models as an Arrow IPC stream, their metrics in the precision asked for, or their standard errors."""
        return self._once(f"{kind}", lambda: arrow.stream(self._table_of(kind)))

    def packed(self, kind: Kind) -> bytes:
        """The same, compressed by gzip."""
        return self._once(f"{kind}.gz", lambda: gzip.compress(self.stream(kind), GZIP_LEVEL, mtime=0))

    def _table_of(self, kind: Kind) -> pa.Table:
        if kind == "errors":
            return self._project.standard_errors().arrow
        return self.table if kind == "double" else arrow.single(self.table)

    def _once(self, name: str, make: Callable[[], bytes]) -> bytes:
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            return self._made[name]

    def effects(self, metric: str | None, *, listed: int | None) -> bytes:
        """The effects on a metric, or on all, as JSON; what was asked for before is there until something is written.

        Raises:
            NotFound: ``metric.unknown``.
        """

        def make() -> bytes:
            found = effects.of_measured(self._project, self._measured, metric=metric, listed=listed).to_pylist()
            return EffectsAnswer(effects=[effect(row) for row in found]).model_dump_json(by_alias=True).encode()

        return self._effects.get((metric, listed), make)

    @cached_property
    def _measured(self) -> tuple[Graph, Columns, Columns]:
        return self._project.measured_graph()

    @cached_property
    def graph(self) -> Graph:
        """The provenance graph: reading it takes longer than asking it what differs."""
        return self._project.graph()

    @cached_property
    def tags(self) -> list[str]:
        """All tags in use, sorted."""
        return sorted(pc.unique(pc.list_flatten(self.table["tags"])).to_pylist())

    @cached_property
    def operations(self) -> list[OperationUse]:
        """The operations in use with their parameters and counts, in the order of first use."""
        counts: Counter[str] = Counter()
        parameters: dict[str, dict[str, None]] = {}
        for name, text in zip(self.table["operation"].to_pylist(), self.table["parameters"].to_pylist(), strict=True):
            if name is not None:
                counts[name] += 1
                parameters.setdefault(name, {}).update(dict.fromkeys(json.loads(text)))
        return [
            OperationUse(name=name, parameters=list(parameters[name]), count=count) for name, count in counts.items()
        ]

    def page(self, limit: int, offset: int) -> bytes:
        """The `limit` models after the first `offset`, a `ModelPage` as JSON."""

        def make() -> bytes:
            rows = self.table.slice(offset, limit).to_pylist() if offset < self.num_models else []
            metrics = self.table.column_names[len(NODE_COLUMNS) :]
            models = [model_row(row, metrics) for row in rows]
            page = ModelPage(models=models, total=self.num_models, revision=self.revision)
            return page.model_dump_json(by_alias=True).encode()

        return self._pages.get((limit, offset), make)


class Snapshots:
    """Keeps the snapshot of the latest revision of a project."""

    def __init__(self, project: Store) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._latest: Snapshot | None = None

    def latest(self) -> Snapshot:
        """The models as they are now.

        The revision is read before the models: after a write in between they are newer than that, and are read again.
        """
        found = self._latest
        if found is not None and found.revision == self._project.revision():  # no request waits for another one
            return found
        with self._lock:
            revision = self._project.revision()
            if self._latest is None or self._latest.revision != revision:
                self._latest = Snapshot(revision, _table(self._project), project=self._project)
            return self._latest


def _table(project: Store) -> pa.Table:
    """The overview with the names of replicates before the metrics."""
    table, named = project.overview().arrow, project.replicates()
    names = pa.array(
        [named.get(id) for id in table["id"].to_pylist()] if named else [None] * table.num_rows, pa.string()
    )
    return table.add_column(len(NODE_COLUMNS) - 1, "replicate", names)
