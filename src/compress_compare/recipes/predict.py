"""How large each model of a plan will be when packed, before anything is run. Needs torch.

Sizes follow from shapes and operations alone as long as no operation needs data to decide what it stores: those are
applied to the untrained network, and training is stood in for by moving every weight that is not zero.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn

from .. import records
from ..evaluation.size import packed_size
from ..operations import BaseOperation
from ..schemes import scheme
from .plan import RecipePlan


def packed_sizes(
    plan: RecipePlan, network: nn.Module, *, operations: Callable[[records.Operation], BaseOperation]
) -> dict[str, int | None]:
    """Id → predicted bytes; ``None`` where the operation does not say it.

    Args:
        plan: of which models.
        network: what the base is made from.
        operations: record → operation.
    """
    made: dict[str, nn.Module | None] = {}
    for planned in plan.models:
        base = network if planned.base is None or planned.base not in made else made[planned.base]
        operation = operations(planned.operation) if planned.operation is not None else None
        made[planned.id] = base if base is None or operation is None else _stand_in(operation, base)
    return {id: None if model is None else int(packed_size(model).value) for id, model in made.items()}


def _stand_in(operation: BaseOperation, base: nn.Module) -> nn.Module | None:
    if operation.data_requirement == "none" and not operation.roles:
        return operation(base)
    if not operation.keeps_shapes or operation.lowers not in ("training loss", ""):
        return None
    return base if operation.data_requirement == "calibration" else _trained(operation, base)


def _trained(operation: BaseOperation, base: nn.Module) -> nn.Module:
    """The network with every weight moved; zeros stay where the operation keeps them."""
    moved = copy.deepcopy(base)
    scheme.detach(moved)
    lost = 0.0 if getattr(operation, "keep_zeros", True) else 1.0
    with torch.no_grad():
        for parameter in moved.parameters():
            if parameter.is_floating_point() and parameter.requires_grad:
                parameter.mul_(1.5).add_((parameter == 0).to(parameter.dtype) * lost)
    scheme.settle(base, moved)
    return moved
