"""Whether the weights of a model are numbers that can be worked on, and made so where that is plain. Needs torch."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from ...errors import InvalidValue
from ..types import unsuitable

_PACKED = tuple(f"torch.{part}nn.{kind}quantized" for part in ("ao.", "") for kind in ("", "intrinsic."))


def check_model(name: str, model: object) -> None:
    """Refuse what is no module, and modules whose weights have no values or are no ordinary tensors.

    Raises:
        InvalidValue: ``model.type``, ``weights.not_finite``, ``operation.not_applicable`` naming the weight or module.
    """
    if not isinstance(model, nn.Module):
        raise InvalidValue("model.type", f"{name}: a model is a torch.nn.Module, not a {type(model).__name__}.")
    for path, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            hint = "Apply the operation to the module that it was made from, then script or trace the result."
            which = repr(path) if path else "the model"
            raise unsuitable(name, f"{which} is TorchScript, whose layers cannot be changed.", hint=hint)
        if type(module).__module__.startswith(_PACKED):
            hint = f"Apply {name} before that conversion."
            title = f"{path or 'the model'!r} has weights packed by torch.ao.quantization ({type(module).__name__})."
            raise unsuitable(name, title, hint=hint)
    for path, parameter in model.named_parameters():
        check_parameter(name, path, parameter=parameter)


def check_parameter(name: str, path: str, *, parameter: nn.Parameter) -> None:
    """Refuse a weight as ``check_model`` does."""
    if isinstance(parameter, nn.UninitializedParameter):
        raise unsuitable(name, f"the weight {path!r} has no shape yet.", hint="Run the model once on a batch.")
    if parameter.is_meta:
        hint = "Load the checkpoint first: what is on the meta device has shapes but no values."
        raise unsuitable(name, f"the weight {path!r} has no values.", hint=hint)
    if parameter.layout != torch.strided:
        kind = str(parameter.layout).removeprefix("torch.")
        hint = "Make it dense first: module.weight = torch.nn.Parameter(module.weight.to_dense())."
        raise unsuitable(name, f"the weight {path!r} is stored as {kind}.", hint=hint)
    if hasattr(parameter, "__tensor_flatten__"):
        made = type(parameter.data)
        whose = f"{made.__name__} of {made.__module__.split('.')[0]}"
        hint = f"Apply {name} before the quantization that made it."
        raise unsuitable(name, f"the weight {path!r} is a {whose}, not an ordinary tensor.", hint=hint)
    if not (parameter.is_floating_point() or parameter.is_complex()):
        return
    values = parameter.detach()
    if _surely_finite(values):
        return
    wide = values.float() if values.element_size() < 2 else values  # torch cannot say it of eight bits
    wrong = values.numel() - int(torch.isfinite(wide).sum())
    if wrong:
        raise InvalidValue(
            "weights.not_finite",
            f"{name}: the weight {path!r} is not finite.",
            detail=f"{wrong:,} of its {parameter.numel():,} values are NaN or infinite.",
            hint="Repair the checkpoint, or go back to the model it was made from.",
        )


def _surely_finite(values: Tensor) -> bool:
    """Whether the extremes say it at once; NaN is the extreme of what it stands among."""
    if not values.numel() or not values.is_floating_point() or values.element_size() < 2:
        return False
    found = values.aminmax()
    return bool(torch.isfinite(found.min) & torch.isfinite(found.max))


def copied(name: str, model: nn.Module, *, shared: Iterable[Tensor] = ()) -> nn.Module:
    """A copy that shares nothing with the model; weights that hooks compute anew are copied as they are now.

    Args:
        name: of the operation.
        model: stays as it is.
        shared: tensors of the model that the copy gets as they are.

    Raises:
        InvalidValue: ``operation.not_applicable`` when something in the model cannot be copied.
    """
    memo: dict[int, Any] = {id(tensor): tensor.detach().clone() for tensor in _computed(model)}
    memo |= {id(tensor): tensor for tensor in shared}
    try:
        return copy.deepcopy(model, memo)
    except Exception as error:  # what a model holds besides its tensors may refuse in any way
        raise unsuitable(
            name,
            "the model cannot be copied.",
            detail=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:200],
            hint="Drop what cannot be copied from it: open files, locks, generators, tensors that are not leaves.",
        ) from error


def beside(name: str, model: nn.Module, *, weight: Tensor) -> nn.Module:
    """A copy that shares all tensors with the model but those of the modules that hold one weight."""
    apart = {
        id(tensor)
        for module in model.modules()
        if any(parameter is weight for parameter in module.parameters(recurse=False))
        for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False))
    }
    return copied(name, model, shared=[t for t in (*model.parameters(), *model.buffers()) if id(t) not in apart])


def _computed(model: nn.Module) -> Iterator[Tensor]:
    """Tensors that are plain attributes of modules and come from a computation."""
    for module in model.modules():
        for value in vars(module).values():
            if isinstance(value, Tensor) and not value.is_leaf:
                yield value


def finish_pruning(model: nn.Module) -> dict[str, Tensor]:
    """Apply the masks of ``torch.nn.utils.prune`` that are pending in a model for good.

    Returns:
        By the name of the weight, where it is zero by its mask.
    """
    masks: dict[str, Tensor] = {}
    for path, module in list(model.named_modules()):
        for hook in list(module._forward_pre_hooks.values()):
            if isinstance(hook, prune.BasePruningMethod):
                attribute = hook._tensor_name
                masks[f"{path}.{attribute}" if path else attribute] = getattr(module, f"{attribute}_mask") == 0
                prune.remove(module, attribute)  # type: ignore[no-untyped-call]
    return masks
