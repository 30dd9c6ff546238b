"""Where sensitivities of layers are kept: one Arrow file for each checkpoint and metric."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from ..records import LoggedCheckpoint
from . import location
from .files import write_atomically

METRIC = b"metric"


class KeptSensitivities:
    """The sensitivities of one project. They follow the weights: a renamed model keeps its own."""

    def __init__(self, directory: Path) -> None:
        self._folder = directory / location.SENSITIVITIES

    def keep(self, checkpoint: LoggedCheckpoint, *, metric: str, table: pa.Table) -> None:
        """Keep what is known of this checkpoint, in the place of what was."""
        path = self._path(checkpoint, metric)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        table = table.replace_schema_metadata({METRIC: metric.encode()})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        write_atomically(path, sink.getvalue().to_pybytes())

    def kept(self, checkpoint: LoggedCheckpoint, *, metric: str) -> pa.Table | None:
        """What is known of this checkpoint, or ``None``."""
        path = self._path(checkpoint, metric)
        return pa.ipc.open_stream(path.read_bytes()).read_all() if path.exists() else None

    def metrics(self, checkpoint: LoggedCheckpoint, *, among: Sequence[str]) -> list[str]:
        """Of these metrics, those that are kept for this checkpoint."""
        return [metric for metric in among if self._path(checkpoint, metric).exists()]

    def _path(self, checkpoint: LoggedCheckpoint, metric: str) -> Path:
        content = [[file.sha256 for file in checkpoint.checkpoint.files], metric]
        return self._folder / f"{hashlib.sha256(json.dumps(content).encode()).hexdigest()}.arrow"
