"""Where answers of comparisons of activations are kept: one Arrow file for each set of checkpoints."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import pyarrow as pa

from ..records import LoggedCheckpoint
from . import location
from .objects import Objects


class KeptActivations:
    """The answers of one project."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def keep(self, compared: Sequence[LoggedCheckpoint], *, examples: int, table: pa.Table) -> None:
        """Keep the answer for these checkpoints, the base's first, on so many examples."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        self._objects.keep(_name(compared, examples), sink.getvalue().to_pybytes())

    def kept(self, compared: Sequence[LoggedCheckpoint], *, examples: int) -> pa.Table | None:
        """The answer for these checkpoints, or ``None``."""
        content = self._objects.kept(_name(compared, examples))
        return None if content is None else pa.ipc.open_stream(content).read_all()


def _name(compared: Sequence[LoggedCheckpoint], examples: int) -> str:
    """Other weights or another number of examples have another name."""
    content = [[one.model, [file.sha256 for file in one.checkpoint.files]] for one in compared]
    return f"{location.ACTIVATIONS}/{hashlib.sha256(json.dumps([content, examples]).encode()).hexdigest()}.arrow"
