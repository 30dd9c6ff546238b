"""Runs an operation on a copy of a model, with everything around it left as it was. Needs torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ...errors import InvalidValue, UserError
from ...schemes import scheme
from ..targets import spared
from ..types import Context, DataRequirement, Given, Progress, unsuitable
from . import probe
from .buffers import multiplied
from .caches import renew
from .data import check_batches, cross_entropy
from .devices import device_of, find_device
from .fitness import check_model, copied, finish_pruning
from .raised import module_of
from .reached import left_alone

Copy = Callable[[str, nn.Module], nn.Module]
"""(name of the operation, model) → a copy that the operation may change."""


class Applicable(Protocol):
    """What is run here: as much of an ``BaseOperation`` as that takes."""

    @property
    def name(self) -> str:
        """As people read it."""

    @property
    def data_requirement(self) -> DataRequirement:
        """What the operation needs data for."""

    @property
    def roles(self) -> tuple[str, ...]:
        """Further models that it needs."""

    @property
    def keeps_outputs(self) -> bool:
        """Whether the model computes the same afterwards."""

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Return the changed model."""


def run(operation: Applicable, model: nn.Module, *, given: Given, copy: Copy = copied) -> nn.Module:
    """Apply ``operation`` to a copy of ``model``; see :meth:`BaseOperation.__call__`. ``copy`` makes the copy."""
    check_model(operation.name, model)
    home, device = device_of(model), find_device(given.device)
    watched = Follower(given.progress)
    context = _context(operation, replace(given, progress=watched))
    modes = {name: module.training for name, module in model.named_modules()}
    seen = [model]
    with (
        private_random_state(model, getattr(operation, "seed", None), device=device),
        named(operation.name, seen, raised=watched.raised),
    ):
        child = copy(operation.name, model)
        if device is not None:
            child = child.to(device)
            context = _on(operation.name, context, device=device)
        seen.append(child)
        scheme.detach(child)
        masks = finish_pruning(child)
        if masks:
            watched(0.0, f"pending masks of torch.nn.utils.prune became zeros: {', '.join(masks)}")
        with torch.random.fork_rng(devices=_cuda_devices(child)):  # data that is shuffled must not move the seed
            probed = probe.probed(operation.name, child, data=given.data)
            _say_what_is_spared(operation, child, context, probed=probed)
        renew(child)
        child = operation.apply(child, context)
        renew(child)
        for name, module in child.named_modules():
            module.training = modes.get(name, module.training)
        if probed is not None:
            probe.check(operation.name, probed, model=child, original=model, equal=operation.keeps_outputs)
        if device is not None:
            child = child.to(home)
        scheme.settle(model, child)
        _mark(child, masks)
    context.progress(1.0, "done")
    return child


def _say_what_is_spared(
    operation: Applicable, model: nn.Module, context: Context, *, probed: probe.Probe | None
) -> None:
    if getattr(operation, "targets", None) != () or not hasattr(operation, "ignore") or operation.roles:
        return
    seen = (
        {} if probed is None else multiplied(model, lambda: probe.answer(operation.name, model, inputs=probed.inputs))
    )
    left_alone(context, spared(model) | seen)


def _mark(model: nn.Module, masks: Mapping[str, Tensor]) -> None:
    """Note as pruned what a mask zeroed and is still zero."""
    parameters, entries = dict(model.named_parameters()), scheme.of(model)
    for name, mask in masks.items():
        weight = parameters.get(name)
        mask = mask if weight is None else mask.to(weight.device)
        if weight is not None and weight.shape == mask.shape and mask.any() and not weight.detach()[mask].any():
            entry = entries.get(name, scheme.TensorScheme())
            scheme.attach(model, {name: replace(entry, pruned=True)})


def _context(operation: Applicable, given: Given) -> Context:
    if operation.data_requirement != "none":
        check_batches(operation.name, given.data)
    missing = [role for role in operation.roles if role not in given.references]
    if missing:
        raise InvalidValue(
            "reference.missing",
            f"{operation.name} needs a second model as its {missing[0]}.",
            hint=f"Pass references={{{missing[0]!r}: model}}.",
        )
    return Context(
        data=given.data if given.data is not None else (),
        loss=given.loss or cross_entropy,
        references=given.references,
        progress=given.progress or _silent,
        finished=given.finished,
    )


def _on(name: str, context: Context, *, device: torch.device) -> Context:
    """The other models that an operation is given, as copies on another device."""
    return replace(
        context, references={role: copied(name, each).to(device) for role, each in context.references.items()}
    )


def _silent(_share: float, _text: str) -> None:
    """Progress that nobody watches."""


class Follower:
    """Progress that remembers what the one who watches raised, to stop the operation."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress, self.raised = progress or _silent, list[BaseException]()

    def __call__(self, share: float, text: str) -> None:
        """Tell it."""
        try:
            self.progress(share, text)
        except BaseException as error:
            self.raised.append(error)
            raise


@contextmanager
def named(name: str, models: Sequence[nn.Module], *, raised: Sequence[BaseException]) -> Iterator[None]:
    """Turn an exception that nobody foresaw into a refusal that names the operation and the module it came from.

    Args:
        name: of the operation.
        models: whose modules it may come from.
        raised: what was raised on purpose, to stop the operation; it goes on as it is.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # models run code of their own, which may raise anything
        if any(error is each for each in raised):
            raise
        module = module_of(error, models)
        said = str(error).strip().splitlines()
        raise unsuitable(
            name,
            f"it failed{f' in the module {module!r}' if module else ' on this model'}.",
            detail=f"{type(error).__name__}: {said[0] if said else ''}"[:240],
            hint="Leave that module out with ignore, or choose others with targets.",
        ) from error


@contextmanager
def private_random_state(model: nn.Module, seed: int | None, *, device: torch.device | None = None) -> Iterator[None]:
    """Inside, torch draws from ``seed`` and may take gradients; outside, nothing has happened.

    Args:
        model: whose devices draw.
        seed: 0 if none.
        device: another one that the work is done on.
    """
    other = {device.index or 0} if device is not None and device.type == "cuda" else set()
    devices = sorted({*_cuda_devices(model), *other})
    generators = [torch.default_generator, *(torch.cuda.default_generators[device] for device in devices)]
    with torch.random.fork_rng(devices=devices), torch.inference_mode(False), torch.enable_grad():
        for generator in generators:  # torch.manual_seed would reseed devices that the model is not on
            generator.manual_seed(seed or 0)
        yield


def _cuda_devices(model: nn.Module) -> list[int]:
    return sorted({tensor.device.index or 0 for tensor in _tensors(model) if tensor.device.type == "cuda"})


def _tensors(model: nn.Module) -> Iterator[Any]:
    yield from model.parameters()
    yield from model.buffers()
