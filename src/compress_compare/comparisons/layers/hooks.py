"""Running a base and models side by side on batches, and comparing what every module puts out.

Nothing is kept beyond a batch. A module is compared twice: given its own inputs (cumulative), and given what the
base's module was fed with (local), which tells who made an error from who received it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

import numpy as np
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from ...analysis.layers.activations import Activation
from ...evaluation.forward import observing
from ...operations.parts.data import forward, unpadded
from ...operations.parts.devices import placed
from .repairs import repairs

Call = tuple[tuple[Any, ...], dict[str, Any], Tensor]


class Note(Protocol):
    """Is told of outputs."""

    def __call__(self, network: nn.Module, name: str, *, output: Tensor) -> None:
        """Take in what a module of a network put out."""


PURPOSE = "Comparing activations"


def activations(
    base: nn.Module,
    models: Mapping[str, nn.Module],
    *,
    data: Iterable[Any],
    note: Note | None = None,
    device: str | None = None,
) -> dict[str, dict[str, Activation]]:
    """Compare models with their base on batches. Places that an ``attention_mask`` calls padding are left out.

    Args:
        base: the base.
        models: by id; modules are matched by name.
        data: batches: inputs, or pairs of inputs and targets, of which the targets are not looked at.
        note: called for each output of a module with the network, the module's name and the tensor.
        device: where the models run: ``auto`` for an accelerator if there is one, a name, or none for where they are.

    Returns:
        For each model, by name of module in the order of registration. A module that puts out no tensor, or is never
        called, is not there.

    Raises:
        InvalidValue: ``data.forward`` where a network refuses a batch.
    """
    found: dict[str, dict[str, Activation]] = {id: {} for id in models}
    with ExitStack() as stack:
        for network in (base, *models.values()):
            stack.enter_context(observing(network))
            stack.enter_context(placed(network, device))
        pairs = ((batch[0] if isinstance(batch, tuple | list) else batch, None) for batch in data)
        first = None
        for inputs, _ in unpadded(base, pairs):
            first = inputs if first is None else first
            calls = _run(base, inputs, note)
            for id, model in models.items():
                _compare(found[id], calls, model, inputs=inputs, note=note)
        for id, model in models.items():
            if first is not None:
                _repair(found[id], base, model, inputs=first)
    order = {id: [name for name, _ in model.named_modules()] for id, model in models.items()}
    return {id: {name: found[id][name] for name in order[id] if name in found[id]} for id in models}


def _compare(
    found: dict[str, Activation], calls: Mapping[str, list[Call]], model: nn.Module, *, inputs: Any, note: Note | None
) -> None:
    for name, own in _run(model, inputs, note).items():
        activation = found.setdefault(name, Activation())
        theirs = calls.get(name, [])
        for index, (_, _, output) in enumerate(own):
            activation.add(_array(theirs[index][2]) if index < len(theirs) else None, _array(output))
    for name, module in model.named_modules():
        for args, kwargs, output in calls.get(name, []):
            again = _called(module, args, kwargs)
            if again is not None:
                found.setdefault(name, Activation()).add_local(_array(output), _array(again))


def _repair(found: Mapping[str, Activation], base: nn.Module, model: nn.Module, *, inputs: Any) -> None:
    errors = {name: one.local.relative_error if one.local else None for name, one in found.items()}
    for name, share in repairs(base, model, inputs=inputs, run=_last, errors=errors).items():
        if name in found:
            found[name].repair = share


def _last(network: nn.Module, inputs: Any) -> Tensor | None:
    """What a network puts out."""
    return _tensor(forward(network, inputs, operation=PURPOSE))


def _run(model: nn.Module, inputs: Any, note: Note | None = None) -> dict[str, list[Call]]:
    """The inputs and the output of every call of every module, by its name."""
    calls: dict[str, list[Call]] = defaultdict(list)
    with _recording(model, calls):
        forward(model, inputs, operation=PURPOSE)
    if note is not None:
        for name, made in calls.items():
            for _, _, output in made:
                note(model, name, output=output)
    return calls


@contextmanager
def _recording(model: nn.Module, calls: dict[str, list[Call]]) -> Iterator[None]:
    """Copies, and those of the inputs before the module runs, since modules may work in place."""

    def hooks_for(name: str) -> tuple[Any, Any]:
        given: list[tuple[Any, Any]] = []

        def _before(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            given.append((_copied(args), _copied(kwargs)))

        def _after(_: nn.Module, __: object, ___: object, output: Any) -> None:
            args, kwargs = given.pop()
            tensor = _tensor(output)
            if tensor is not None:
                calls[name].append((args, kwargs, tensor.detach().clone()))

        return _before, _after

    handles: list[RemovableHandle] = []
    for name, module in model.named_modules():
        before, after = hooks_for(name)
        handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
        handles.append(module.register_forward_hook(after, with_kwargs=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _called(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor | None:
    """What a module makes of inputs; ``None`` where they do not fit it, as where channels were pruned before it."""
    try:
        return _tensor(module(*_copied(args), **_copied(kwargs)))
    except (RuntimeError, ValueError, TypeError, IndexError):
        return None


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, tuple | list) and type(value) in (tuple, list):
        return type(value)(_copied(item) for item in value)
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()}
    return value


def _tensor(output: Any) -> Tensor | None:
    """The output, or the first tensor in it."""
    if isinstance(output, Tensor):
        return output if output.is_floating_point() else None
    if isinstance(output, Mapping):
        output = list(output.values())
    if isinstance(output, tuple | list):
        return next((item for item in output if isinstance(item, Tensor) and item.is_floating_point()), None)
    return None


def _array(tensor: Tensor) -> np.ndarray:
    wide = tensor if tensor.dtype.itemsize >= 4 else tensor.float()
    return wide.numpy(force=True)
