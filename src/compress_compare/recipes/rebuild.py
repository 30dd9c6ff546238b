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
from ..readers.layouts import unpacked
from ..readers.raw import raw, serialized
from ..schemes import scheme
from .task import Task

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..readers.weights import Weights

SHIP = "ship"
"""The operation of a model that was written out and read back: its network is that of its base."""


@dataclass(frozen=True)
class RebuiltWeights:
    """What is stored of a model.

    Args:
        tensors: by name, as they are stored.
        schemes: how each is meant to be packed.
        checkpoint: opens it, so that the numbers in use can be taken where codes do not fit the network.
    """

    tensors: Mapping[str, Tensor]
    schemes: Mapping[str, Mapping[str, Any]]
    checkpoint: Callable[[], Weights] | None = None


def in_use(weights: Weights) -> dict[str, Tensor]:
    """The numbers in use of a checkpoint as tensors by name, tied ones under all their names."""
    from safetensors.torch import load

    logical = unpacked(weights)
    state = dict(load(serialized({name: raw(stored) for name, stored in logical.tensors.items()})))
    return state | {alias: state[name] for alias, name in logical.tied.items()}


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
    why = _load(filled, stored.tensors)
    if why and (stored.checkpoint is None or _load(filled, in_use(stored.checkpoint()))):
        raise InvalidValue(
            "config.other_network",
            f"The weights of {id[:80]!r} do not fit the network of the task.",
            detail=why,
            hint="Use the task that the model was made with.",
        )
    scheme.detach(filled)
    if stored.schemes:
        scheme.attach(filled, scheme.from_json(stored.schemes))
    return filled


def _load(model: nn.Module, tensors: Mapping[str, Tensor]) -> str:
    """Load tensors into a model, and say why they do not fit; empty where they do."""
    try:
        model.load_state_dict(dict(tensors))
    except (RuntimeError, KeyError) as error:
        return str(error).split("\n")[min(1, str(error).count("\n"))].strip()[:200]
    return ""
