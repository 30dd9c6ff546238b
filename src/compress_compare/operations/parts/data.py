"""Batches and losses: how an operation runs a model on data. Needs torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import InvalidValue
from .caches import renew
from .devices import device_of
from .raised import place_in

if TYPE_CHECKING:
    from ..types import Batches, Loss


def check_batches(name: str, data: object) -> None:
    """Refuse data that is missing, is empty, can be gone through only once, or does not come in pairs.

    Raises:
        InvalidValue: ``data.missing``, ``data.once``, ``data.empty`` or ``data.batch``.
    """
    if data is None:
        raise InvalidValue("data.missing", f"{name} needs data.", hint="Pass data=, batches of (inputs, targets).")
    if not hasattr(data, "__iter__"):
        raise InvalidValue("data.batch", f"{name}: data must be batches of (inputs, targets), not {_kind(data)}.")
    if hasattr(data, "__next__"):
        hint = "Pass a list or a DataLoader instead of an iterator."
        raise InvalidValue("data.once", f"{name}: the data can be gone through only once.", hint=hint)
    with torch.random.fork_rng(devices=[]):
        first = next(iter(data), None)
    if first is None:
        raise InvalidValue("data.empty", f"{name}: the data has no batch.")
    if not isinstance(first, tuple | list) or len(first) != 2:
        raise InvalidValue(
            "data.batch",
            f"{name}: every batch must be a pair (inputs, targets).",
            detail=f"The first is {_kind(first)}.",
        )


def batches(model: nn.Module, data: Batches) -> Iterator[tuple[Any, Any]]:
    """One pass over the data, each batch on the device of the model."""
    device = device_of(model)
    for inputs, targets in data:
        yield _to(inputs, device), _to(targets, device)


def unpadded(model: nn.Module, data: Batches) -> Iterator[tuple[Any, Any]]:
    """One pass over the data with padding cut off: what has the same length is run together, without a mask.

    Padding is what a mapping's ``attention_mask`` [batch, places] says, where it leaves one run of places of each
    sample. Whatever tensor of the batch starts with the same two dimensions is cut with it.
    """
    for inputs, targets in batches(model, data):
        runs = _runs(inputs)
        if runs is None:
            yield inputs, targets
            continue
        shape = tuple(inputs["attention_mask"].shape)
        for length in sorted({end - start for start, end in runs}):
            chosen = [(sample, *run) for sample, run in enumerate(runs) if run[1] - run[0] == length]
            if length:
                yield (
                    {key: _cut(value, chosen, shape) for key, value in inputs.items()},
                    _cut(targets, chosen, shape),
                )


IGNORED = -100
"""The target of a place that counts for nothing, as in ``torch.nn.functional.cross_entropy``."""


def without_padding(inputs: Any, targets: Any) -> Any:
    """Targets with −100 in the places that the ``attention_mask`` of the inputs leaves out, if it has their shape."""
    mask: Any = inputs.get("attention_mask") if isinstance(inputs, Mapping) else None
    fits = isinstance(mask, Tensor) and isinstance(targets, Tensor) and mask.shape == targets.shape
    if not fits or targets.is_floating_point():
        return targets
    return targets.masked_fill(mask.to(targets.device) == 0, IGNORED)


def _runs(inputs: Any) -> list[tuple[int, int]] | None:
    """The places of each sample that are not padding, or nothing where no place is or the mask has holes."""
    mask = inputs.get("attention_mask") if isinstance(inputs, Mapping) else None
    first = inputs.get("input_ids", inputs.get("inputs_embeds")) if isinstance(inputs, Mapping) else None
    if not isinstance(mask, Tensor) or mask.ndim != 2 or not isinstance(first, Tensor) or first.shape[:2] != mask.shape:
        return None
    kept = mask.bool()
    if bool(kept.all()):
        return None
    counts, starts = kept.sum(1).tolist(), kept.int().argmax(1).tolist()
    runs = [(int(start), int(start + count)) for start, count in zip(starts, counts, strict=True)]
    whole = all(bool(row[start:end].all()) for row, (start, end) in zip(kept, runs, strict=True))
    return runs if whole else None


def _cut(value: Any, chosen: list[tuple[int, int, int]], shape: tuple[int, ...]) -> Any:
    """The chosen samples of a tensor, each from one place to another if it has the places of the mask."""
    if not isinstance(value, Tensor) or value.shape[:1] != shape[:1]:
        return value
    if tuple(value.shape[:2]) != shape:
        return value[[sample for sample, _, _ in chosen]]
    return torch.stack([value[sample, start:end] for sample, start, end in chosen])


def few(inputs: Any) -> Any:
    """The first two samples of a batch: enough to follow a forward pass."""
    if isinstance(inputs, Tensor):
        return inputs[:2] if inputs.ndim else inputs
    if isinstance(inputs, Mapping):
        return {key: few(value) for key, value in inputs.items()}
    return tuple(few(value) for value in inputs) if isinstance(inputs, tuple | list) else inputs


def example(model: nn.Module, data: Batches, *, operation: str) -> Any:
    """The first two samples of the data, or the whole first batch where the model does not run on two of it.

    Raises:
        InvalidValue: ``data.forward`` when it runs on neither.
    """
    model.eval()
    whole = next(batches(model, data))[0]
    with torch.no_grad():
        for inputs in (few(whole), whole):
            try:
                forward(model, inputs, operation=operation)
            except InvalidValue:
                if inputs is whole:
                    raise
                continue
            return inputs
    return whole


_SAID = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What models and losses raise about what they are given."""


def tensors_of(value: Any) -> list[Tensor]:
    """All floating-point tensors in what a model gives: tensors, sequences, mappings and dataclasses of them."""
    return [tensor for tensor in _leaves(value) if tensor.is_floating_point()]


def numbers_of(value: Any) -> list[Tensor]:
    """As `tensors_of`, and complex tensors as pairs of real numbers, [..., 2]."""
    found = [torch.view_as_real(one.resolve_conj()) if one.is_complex() else one for one in _leaves(value)]
    return [tensor for tensor in found if tensor.is_floating_point()]


def _leaves(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if is_dataclass(value) and not isinstance(value, Mapping):
        value = vars(value)
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple | list) else ()
    return [tensor for item in items for tensor in _leaves(item)]


def forward(model: nn.Module, inputs: Any, *, operation: str) -> Any:
    """Call the model: a tuple holds positional arguments, a mapping keyword arguments, all else is the one argument.

    Raises:
        InvalidValue: ``data.forward`` when the model refuses the batch, naming the operation and the shapes.
    """
    if torch.is_grad_enabled():  # what is remembered belongs to a graph that is gone, or is a constant
        renew(model)
    try:
        if isinstance(inputs, tuple | list):
            return model(*inputs)
        if isinstance(inputs, Mapping):
            return model(**inputs)
        return model(inputs)
    except _SAID as error:
        where = place_in(model, error)
        raise _refused(
            operation, "the model cannot be run on a batch", value=inputs, error=error, where=where
        ) from error


def loss_of(model: nn.Module, batch: tuple[Any, Any], *, loss: Loss, operation: str) -> Tensor:
    """The loss of one batch, a finite scalar.

    Raises:
        InvalidValue: ``data.forward`` when the model or the loss refuses the batch, ``loss.not_finite``.
    """
    inputs, targets = batch
    if loss is cross_entropy:
        targets = without_padding(inputs, targets)
    outputs = forward(model, inputs, operation=operation)
    try:
        value = loss(outputs, targets)
    except _SAID as error:
        raise _refused(operation, "the loss cannot be computed", value=targets, error=error) from error
    if not bool(torch.isfinite(value)):
        raise InvalidValue(
            "loss.not_finite",
            f"{operation}: the loss became {value.item()}.",
            hint="Lower the learning rate, or look for extreme values in the data.",
        )
    return value


def cross_entropy(outputs: Any, targets: Tensor) -> Tensor:
    """Mean cross entropy in nats. Targets are class indices.

    ``outputs`` are logits, or have them as ``.logits`` or ``["logits"]``: [N, C] for [N] targets, [N, T, C] for
    [N, T], [N, C, H, W] for [N, H, W]. Targets of −100 are left out.

    Raises:
        TypeError: when there are no logits.
    """
    logits = logits_of(outputs)
    if logits.ndim == 3:
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    return F.cross_entropy(logits, targets)


def logits_of(outputs: Any) -> Tensor:
    """The logits in what a model answers: the answer itself, or its attribute or entry ``logits``.

    Raises:
        TypeError: when there are none.
    """
    found = outputs.get("logits") if isinstance(outputs, Mapping) else getattr(outputs, "logits", outputs)
    if not isinstance(found, Tensor):
        title = f"the model answers with {_kind(outputs)}, in which there are no logits"
        raise TypeError(f"{title}; let it answer with a tensor, or with a mapping that has logits")
    return found


def _to(value: Any, device: torch.device) -> Any:
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, tuple | list):
        return tuple(_to(item, device) for item in value)
    if isinstance(value, Mapping):
        return {key: _to(item, device) for key, item in value.items()}
    return value


def _refused(name: str, what: str, *, value: Any, error: Exception, where: str = "") -> InvalidValue:
    shape = f"shape {list(value.shape)}, {value.dtype}" if isinstance(value, Tensor) else _kind(value)
    detail = where + str(error).split("\n")[0][:200]
    return InvalidValue("data.forward", f"{name}: {what} ({shape}).", detail=detail)


def _kind(value: object) -> str:
    length = f" of {len(value)}" if isinstance(value, tuple | list) else ""
    return f"a {type(value).__name__}{length}"
