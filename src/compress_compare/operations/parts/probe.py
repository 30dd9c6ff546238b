"""The law of all operations, checked on an input: what ran runs, and what must be equal is. Needs torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import InvalidValue
from ..types import unsuitable
from .data import batches, few, forward, numbers_of
from .fitness import copied

TOLERANCE = 1e-3
"""Largest difference of outputs that count as equal, in units of the largest output; for 16-bit models ten times it."""

_TRIES = 3
"""Other weights that the original is run with, to see which sizes of its answer depend on them."""


@dataclass(frozen=True)
class Probe:
    """An input, and what the model answered to it before the operation.

    Args:
        inputs: as the model takes them.
        before: the tensors of numbers in its answer.
    """

    inputs: Any
    before: tuple[Tensor, ...]

    @property
    def device(self) -> torch.device:
        """Where the model ran."""
        return self.before[0].device if self.before else torch.device("cpu")


def probed(name: str, model: nn.Module, *, data: Any) -> Probe | None:
    """The answer of a model to the first two samples of the data, or to an example that it brings along.

    Nothing where there is no data and no example, or where the model cannot be run on it: who needs it says so.
    """
    inputs = next(iter(data), (None,))[0] if data is not None and not hasattr(data, "__next__") else None
    inputs = getattr(model, "dummy_inputs", None) if inputs is None else inputs
    if inputs is None:
        return None
    inputs = next(batches(model, [(inputs, None)]))[0]
    for tried in (few(inputs), inputs):
        try:
            return Probe(tried, answer(name, model, inputs=tried))
        except Exception:  # noqa: S112 - whatever the model says to it, this is no input to try it on
            continue
    return None


def check(name: str, probe: Probe, *, model: nn.Module, original: nn.Module, equal: bool) -> None:
    """Run the result of an operation on what the original ran on.

    Args:
        name: of the operation.
        probe: made before it.
        model: the result.
        original: what it was made from.
        equal: whether the operation promises the same outputs.

    Raises:
        InvalidValue: ``operation.not_applicable`` when it cannot be run, answers in another shape, gives numbers that
            are not finite where they were, or others than were promised.
    """
    try:
        after = answer(name, model, inputs=probe.inputs)
    except Exception as error:  # models run code of their own, which may raise anything
        hint = "Leave out with ignore the module that the message names, or those that the model reads by itself."
        raise unsuitable(name, "the result cannot be run.", detail=_said(error), hint=hint) from error
    if [one.shape for one in after] != [one.shape for one in probe.before]:
        if not equal and _is_open(name, probe, after=after, original=original):
            return
        detail = (
            f"{_shapes(probe.before)}, now {_shapes(after)}{_first_other(name, probe, model=model, original=original)}."
        )
        hint = "Leave out with ignore the module that is named, or those behind it."
        raise unsuitable(name, "the result answers in another shape.", detail=detail, hint=hint)
    for one, other in zip(probe.before, after, strict=True):
        if bool(torch.isfinite(one).all()) and not bool(torch.isfinite(other).all()):
            hint = "Use more bits or a lower amount, or leave out with ignore what is sensitive."
            first = _first_other(name, probe, model=model, original=original).removeprefix("; ")
            title = "the result answers with numbers that are not finite."
            raise unsuitable(name, title, detail=f"{first[:1].upper()}{first[1:]}." if first else "", hint=hint)
        if equal and not _close(one, other):
            largest = float((one.double() - other.double()).abs().max())
            detail = f"The largest difference is {largest:.3g}, of outputs up to {float(one.abs().max()):.3g}."
            title = "the outputs did not stay the same, so that nothing was changed."
            hint = "Go on without it: other operations take the model as it is."
            raise unsuitable(name, title, detail=detail, hint=hint)


def _first_other(name: str, probe: Probe, *, model: nn.Module, original: nn.Module) -> str:
    """Where the outputs of a module first have another shape, or are no longer finite: words to end a sentence with."""
    before = dict(_outputs(name, copied(name, original).to(probe.device), inputs=probe.inputs))
    for path, found in _outputs(name, model, inputs=probe.inputs):
        if path and before.get(path, found) != found:
            return f"; the first module whose outputs are others in this is {path!r}"
    return ""


def _outputs(name: str, model: nn.Module, *, inputs: Any) -> list[tuple[str, list[tuple[tuple[int, ...], bool]]]]:
    """Shapes of the outputs of the modules, and whether they are finite, in the order in which they are done."""
    found: list[tuple[str, list[tuple[tuple[int, ...], bool]]]] = []
    names = {module: path for path, module in model.named_modules()}

    def note(module: nn.Module, *given: Any) -> None:
        tensors = numbers_of(given[-1])  # its outputs
        found.append((names[module], [(tuple(one.shape), bool(torch.isfinite(one).all())) for one in tensors]))

    with ExitStack() as hooks:
        for module in names:
            hooks.callback(module.register_forward_hook(note).remove)
        answer(name, model, inputs=inputs)
    return found


def _is_open(name: str, probe: Probe, *, after: tuple[Tensor, ...], original: nn.Module) -> bool:
    """Whether answers differ in size only where those of the original do with other weights, as the length of speech.

    Such a size depends on what the model computes, and no operation can promise it.
    """
    sizes = [tuple(one.shape) for one in probe.before]
    free: set[tuple[int, int]] = set()
    for seed in range(_TRIES):
        tried = copied(name, original)
        generator = torch.Generator().manual_seed(seed)
        for parameter in tried.parameters():
            if parameter.is_floating_point():
                noise = torch.rand(parameter.shape, generator=generator).to(parameter)
                parameter.data.mul_(0.5 + noise)
        try:
            found = [tuple(one.shape) for one in answer(name, tried.to(probe.device), inputs=probe.inputs)]
        except Exception:  # noqa: S112 - models run code of their own, which may raise anything
            continue
        free |= _different(sizes, found) or set()
    differs = _different(sizes, [tuple(one.shape) for one in after])
    return differs is not None and differs <= free


def _different(sizes: Sequence[tuple[int, ...]], found: Sequence[tuple[int, ...]]) -> set[tuple[int, int]] | None:
    """(tensor, dimension) of what has another size, or nothing where there are more tensors or dimensions."""
    if [len(size) for size in sizes] != [len(size) for size in found]:
        return None
    pairs = enumerate(zip(sizes, found, strict=True))
    return {(k, d) for k, (one, other) in pairs for d, size in enumerate(one) if size != other[d]}


def _said(error: Exception) -> str:
    if isinstance(error, InvalidValue):
        return error.detail or error.title
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:200]


def answer(name: str, model: nn.Module, *, inputs: Any) -> tuple[Tensor, ...]:
    """The tensors of numbers that a model answers with in evaluation mode, without gradients.

    Raises:
        InvalidValue: ``data.forward`` when the model refuses the inputs.
    """
    with _evaluating(model), torch.no_grad():
        return tuple(tensor.clone() for tensor in numbers_of(forward(model, inputs, operation=name)))


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    for module, _ in modes:
        module.training = False
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _close(one: Tensor, other: Tensor) -> bool:
    if not one.numel():
        return True
    wide, more = one.double(), other.double()
    slack = TOLERANCE * (10 if one.element_size() < 4 else 1)
    return bool((wide - more).abs().max() <= slack * wide.abs().max().clamp(min=1e-12))


def _shapes(tensors: tuple[Tensor, ...]) -> str:
    return ", ".join(str(list(tensor.shape)) for tensor in tensors[:4])
