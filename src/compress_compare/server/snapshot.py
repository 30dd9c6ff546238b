"""All models as of one revision, read from the project once and shared by every request until the next write."""

from __future__ import annotations

import json
import threading
from collections import Counter
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from ..project import Project
from . import arrow, wire

NODE_COLUMNS = ("id", "base", "operation", "parameters", "step", "tags", "references")
"""The columns before those of the metrics."""


class Snapshot:
    """The models at one revision.

    Args:
        revision: of the project.
        table: one row per model in the order of logging: `NODE_COLUMNS`, then one float64 column per metric.
    """

    def __init__(self, revision: int, table: pa.Table) -> None:
        self.revision = revision
        self.table = table

    @property
    def num_models(self) -> int:
        """How many there are."""
        return int(self.table.num_rows)

    @property
    def etag(self) -> str:
        """Names this state of the models."""
        return f'"models-{self.revision}"'

    @cached_property
    def stream(self) -> bytes:
        """All models as an Arrow IPC stream."""
        return arrow.stream(self.table)

    @cached_property
    def tags(self) -> list[str]:
        """All tags in use, sorted."""
        return sorted(pc.unique(pc.list_flatten(self.table["tags"])).to_pylist())

    @cached_property
    def operations(self) -> list[wire.OperationUse]:
        """The operations in use with their parameters and counts, in the order of first use."""
        counts: Counter[str] = Counter()
        parameters: dict[str, dict[str, None]] = {}
        for name, text in zip(self.table["operation"].to_pylist(), self.table["parameters"].to_pylist(), strict=True):
            if name is not None:
                counts[name] += 1
                parameters.setdefault(name, {}).update(dict.fromkeys(json.loads(text)))
        return [
            wire.OperationUse(name=name, parameters=list(parameters[name]), count=count)
            for name, count in counts.items()
        ]

    def page(self, limit: int, offset: int) -> wire.ModelPage:
        """The `limit` models after the first `offset`."""
        rows = self.table.slice(offset, limit).to_pylist() if offset < self.num_models else []
        metrics = self.table.column_names[len(NODE_COLUMNS) :]
        return wire.ModelPage(
            models=[wire.model_row(row, metrics) for row in rows], total=self.num_models, revision=self.revision
        )


class Snapshots:
    """Keeps the snapshot of the latest revision of a project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._latest: Snapshot | None = None

    def latest(self) -> Snapshot:
        """The models as they are now.

        The revision is read before the models: after a write in between they are newer than that, and are read again.
        """
        with self._lock:
            revision = self._project.revision()
            if self._latest is None or self._latest.revision != revision:
                self._latest = Snapshot(revision, self._project.overview().arrow)
            return self._latest
