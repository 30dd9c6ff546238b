"""Brings a logged model back as a module: the task's network with the stored weights. Needs torch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import records
from ..errors import InvalidValue
from ..operations import BaseOperation
from ..operations.types import Given
from ..schemes import scheme
from .task import Task

if TYPE_CHECKING:
    from torch import Tensor, nn

SHIP = "ship"
"""The operation of a model that was written out and read back: its network is that of its base."""


@dataclass(frozen=True)
class RebuiltWeights:
    """What is stored of a model: its tensors by name, and how each is meant to be packed."""

    tensors: Mapping[str, Tensor]
    schemes: Mapping[str, Mapping[str, Any]]


def rebuild(
    task: Task,
    lineage: Sequence[records.LineageStep],
    *,
    weights: Callable[[str], RebuiltWeights],
    operations: Callable[[records.Operation], BaseOperation],
) -> nn.Module:
    """The last model of a lineage.

    An operation that changes the shapes of tensors is applied again, since only it can build such a network; what was
    made after it needs the stored weights alone.

    Args:
        task: makes the network that the root was trained from.
        lineage: from the root on.
        weights: id → what is stored.
        operations: record → operation.

    Raises:
        InvalidValue: ``config.other_network`` if the weights are not those of the task's network.
    """
    model = task.create()
    for index, step in enumerate(lineage):
        record = step.operation if step.operation is None or step.operation.name != SHIP else None
        operation = operations(record) if record is not None else None
        if operation is not None and not operation.keeps_shapes:
            base = _filled(model, lineage[index - 1].model, weights) if index else model
            model = apply(task, operation, model=base)
    return _filled(model, lineage[-1].model, weights)


def apply(task: Task, operation: BaseOperation, *, model: nn.Module, **more: Any) -> nn.Module:
    """Apply an operation with what it needs of the task.

    Args:
        task: has the batches.
        operation: to apply.
        model: stays as it is.
        more: what else the operation is given (``Given``).
    """
    batches = task.batches if operation.data_requirement != "none" else _probe(task)
    return operation.given(model, Given(data=batches, loss=task.loss, **more))


def _probe(task: Task) -> list[tuple[Any, None]] | None:
    """One instance of the task, on which an operation that needs no data checks that its result runs."""
    try:
        return [(task.instance(), None)]
    except InvalidValue:
        return None


def _filled(model: nn.Module, id: str, weights: Callable[[str], RebuiltWeights]) -> nn.Module:
    stored = weights(id)
    filled = copy.deepcopy(model)
    try:
        filled.load_state_dict(dict(stored.tensors))
    except (RuntimeError, KeyError) as error:
        raise InvalidValue(
            "config.other_network",
            f"The weights of {id[:80]!r} do not fit the network of the task.",
            detail=str(error).split("\n")[min(1, str(error).count("\n"))].strip()[:200],
            hint="Use the task that the model was made with.",
        ) from None
    scheme.detach(filled)
    if stored.schemes:
        scheme.attach(filled, scheme.from_json(stored.schemes))
    return filled
