"""Compression operations: functions on PyTorch modules, usable without a project.

``magnitude_prune(model, amount=0.5)`` is ``MagnitudePrune(amount=0.5)(model)``. Importing this package does not
import torch.
"""

from .. import records
from . import registry
from .base import Context, Operation, operation
from .magnitude_prune import MagnitudePrune

OPERATIONS: dict[str, type[Operation]] = {
    "magnitude prune": MagnitudePrune,
}
"""Every operation of this package by name. Other packages add theirs as entry points: see :func:`available`."""

magnitude_prune = registry.function(MagnitudePrune)


def available() -> dict[str, type[Operation]]:
    """Name → class of every operation, built in or from entry points in the group ``compress_compare.operations``."""
    return registry.table(OPERATIONS)


def get(name: str) -> type[Operation]:
    """The class of an operation by its name, with spaces or underscores; see :func:`registry.lookup`."""
    return registry.lookup(name, available())


def from_record(record: records.Operation) -> Operation:
    """The operation that a record describes; see :func:`registry.from_record`."""
    return registry.from_record(record, available())


__all__ = [
    "OPERATIONS",
    "Context",
    "MagnitudePrune",
    "Operation",
    "available",
    "from_record",
    "get",
    "magnitude_prune",
    "operation",
]
