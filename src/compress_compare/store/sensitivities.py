"""Where sensitivities of layers are kept: one Arrow file for each checkpoint and metric."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import pyarrow as pa

from ..records import LoggedCheckpoint
from . import location
from .objects import Objects

METRIC = b"metric"


class KeptSensitivities:
    """The sensitivities of one project. They follow the weights: a renamed model keeps its own."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def keep(self, checkpoint: LoggedCheckpoint, *, metric: str, table: pa.Table) -> None:
        """Keep what is known of this checkpoint, in the place of what was."""
        table = table.replace_schema_metadata({METRIC: metric.encode()})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        self._objects.keep(_name(checkpoint, metric), sink.getvalue().to_pybytes())

    def kept(self, checkpoint: LoggedCheckpoint, *, metric: str) -> pa.Table | None:
        """What is known of this checkpoint, or ``None``."""
        content = self._objects.kept(_name(checkpoint, metric))
        return None if content is None else pa.ipc.open_stream(content).read_all()

    def metrics(self, checkpoint: LoggedCheckpoint, *, among: Sequence[str]) -> list[str]:
        """Of these metrics, those that are kept for this checkpoint."""
        kept = set(self._objects.kept_names(location.SENSITIVITIES)) if among else set()
        return [metric for metric in among if _name(checkpoint, metric) in kept]


def _name(checkpoint: LoggedCheckpoint, metric: str) -> str:
    content = [[file.sha256 for file in checkpoint.checkpoint.files], metric]
    return f"{location.SENSITIVITIES}/{hashlib.sha256(json.dumps(content).encode()).hexdigest()}.arrow"
