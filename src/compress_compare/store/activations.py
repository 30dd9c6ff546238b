"""Where answers of comparisons of activations are kept: one Arrow file for each set of checkpoints."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from ..records import LoggedCheckpoint
from . import location
from .files import write_atomically


class KeptActivations:
    """The answers of one project."""

    def __init__(self, directory: Path) -> None:
        self._folder = directory / location.ACTIVATIONS

    def keep(self, compared: Sequence[LoggedCheckpoint], *, examples: int, table: pa.Table) -> None:
        """Keep the answer for these checkpoints, the base's first, on so many examples."""
        path = self._path(compared, examples)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        write_atomically(path, sink.getvalue().to_pybytes())

    def kept(self, compared: Sequence[LoggedCheckpoint], *, examples: int) -> pa.Table | None:
        """The answer for these checkpoints, or ``None``."""
        path = self._path(compared, examples)
        return pa.ipc.open_stream(path.read_bytes()).read_all() if path.exists() else None

    def _path(self, compared: Sequence[LoggedCheckpoint], examples: int) -> Path:
        """Other weights or another number of examples have another place."""
        content = [[one.model, [file.sha256 for file in one.checkpoint.files]] for one in compared]
        name = hashlib.sha256(json.dumps([content, examples]).encode()).hexdigest()
        return self._folder / f"{name}.arrow"
