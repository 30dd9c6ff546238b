"""Runs an operation on a copy of a model, with everything around it left as it was. Needs torch."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import nn

from ...errors import InvalidValue
from ...schemes import scheme
from ..types import Context, DataRequirement, Given, unsuitable
from .data import check_batches, cross_entropy


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

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Return the changed model."""


def run(operation: Applicable, model: nn.Module, *, given: Given) -> nn.Module:
    """Apply ``operation`` to a copy of ``model``; see :meth:`BaseOperation.__call__`."""
    _check_model(operation.name, model)
    context = _context(operation, given)
    modes = {name: module.training for name, module in model.named_modules()}
    with _private_random_state(model, getattr(operation, "seed", None)):
        child = _copy(operation.name, model)
        scheme.detach(child)
        child = operation.apply(child, context)
    for name, module in child.named_modules():
        module.training = modes.get(name, module.training)
    scheme.settle(model, child)
    context.progress(1.0, "done")
    return child


def _check_model(name: str, model: object) -> None:
    if not isinstance(model, nn.Module):
        raise InvalidValue("model.type", f"{name}: a model is a torch.nn.Module, not a {type(model).__name__}.")
    for path, parameter in model.named_parameters():
        if isinstance(parameter, nn.UninitializedParameter):
            raise unsuitable(name, f"the weight {path!r} has no shape yet.", hint="Run the model once on a batch.")
        if not (parameter.is_floating_point() or parameter.is_complex()):
            continue
        wrong = parameter.numel() - int(torch.isfinite(parameter.detach()).sum())
        if wrong:
            raise InvalidValue(
                "weights.not_finite",
                f"{name}: the weight {path!r} is not finite.",
                detail=f"{wrong:,} of its {parameter.numel():,} values are NaN or infinite.",
                hint="Repair the checkpoint, or go back to the model it was made from.",
            )


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
    )


def _silent(_share: float, _text: str) -> None:
    """Progress that nobody watches."""


def _copy(name: str, model: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(model)
    except (RuntimeError, TypeError) as error:
        raise unsuitable(
            name,
            "the model cannot be copied.",
            detail=str(error).split("\n")[0][:200],
            hint="Make pruning permanent (torch.nn.utils.prune.remove) and drop tensors that are not leaves.",
        ) from error


@contextmanager
def _private_random_state(model: nn.Module, seed: int | None) -> Iterator[None]:
    """Inside, torch draws from ``seed`` and may take gradients; outside, nothing has happened."""
    devices = sorted({tensor.device.index or 0 for tensor in _tensors(model) if tensor.device.type == "cuda"})
    generators = [torch.default_generator, *(torch.cuda.default_generators[device] for device in devices)]
    with torch.random.fork_rng(devices=devices), torch.inference_mode(False), torch.enable_grad():
        for generator in generators:  # torch.manual_seed would reseed devices that the model is not on
            generator.manual_seed(seed or 0)
        yield


def _tensors(model: nn.Module) -> Iterator[Any]:
    yield from model.parameters()
    yield from model.buffers()
