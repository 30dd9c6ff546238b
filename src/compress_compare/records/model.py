"""Models, datasets, and what belongs to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .change import Change, Origin
from .metric import MetricValue
from .operation import Operation


@dataclass(frozen=True)
class LineageStep:
    """One application of an operation, as a lineage lists it: the operation and the model it made."""

    model: str
    operation: Operation | None


@dataclass(frozen=True)
class Reference:
    """A second parent with a role, e.g. the teacher of a distillation. It is never part of the lineage."""

    role: str
    model: str


BESIDE_WEIGHTS = (".json", ".txt", ".model", ".yaml", ".yml", ".md")
"""Endings of files that a folder has beside its weights: they are kept, and take no part in the size of a model."""


@dataclass(frozen=True)
class Checkpoint:
    """The stored weights of a model.

    Args:
        format: ``safetensors``, ``torch``, ``huggingface``, ``onnx``, ``gguf`` or ``litert``.
        files: name, SHA-256 and size in bytes of every file.
    """

    format: str
    files: tuple[StoredFile, ...]

    @property
    def num_bytes(self) -> int:
        """Bytes of the files with weights: those of a tokenizer, a configuration or a card are not counted."""
        return sum(file.num_bytes for file in self.files if not file.name.lower().endswith(BESIDE_WEIGHTS))


@dataclass(frozen=True)
class LoggedCheckpoint:
    """The checkpoint of one model.

    Args:
        model: id of the model.
        checkpoint: its files.
        logged_at: when the model was logged, ISO 8601: a file that was not touched since is believed.
    """

    model: str
    checkpoint: Checkpoint
    logged_at: str


@dataclass(frozen=True)
class StoredFile:
    """A file in the artifact store: its name, SHA-256 and size in bytes."""

    name: str
    sha256: str
    num_bytes: int


@dataclass(frozen=True)
class Dataset:
    """Named evaluation data. The fingerprint is the SHA-256 of its content, independent of the order of instances.

    ``family`` is the name of the first version, for a version that came after it.
    """

    name: str
    fingerprint: str
    num_instances: int
    columns: tuple[str, ...]
    family: str | None = None
    version: int = 1


@dataclass(frozen=True)
class Model:
    """One node of the provenance graph with all that was logged about it."""

    id: str
    base: str | None
    operation: Operation | None
    step: int
    created_at: str
    lineage: tuple[LineageStep, ...] = ()
    references: tuple[Reference, ...] = ()
    metrics: Mapping[str, tuple[MetricValue, ...]] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    note: str = ""
    checkpoint: Checkpoint | None = None
    datasets: tuple[str, ...] = ()
    replicate: str | None = None
    archived_at: str | None = None
    origin: Origin | None = None
    corrections: tuple[Change, ...] = ()
