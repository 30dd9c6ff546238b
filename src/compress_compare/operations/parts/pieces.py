"""An operation on a model that is never whole in memory: one module after the other. Needs torch.

The model is a module without values (on the meta device): it says which weights are chosen and what each belongs to.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import InvalidValue
from ...schemes import scheme
from ..base import BaseOperation
from ..targets import Weight, select
from ..types import Context
from .application import named, private_random_state
from .fitness import check_parameter
from .masking import Choice

_COUNTED = 1 << 20


@dataclass(frozen=True)
class Piece:
    """Modules that are changed together, since they share a weight.

    Args:
        modules: by path in the model.
        weights: names of the chosen weights, each once, as ``select`` names them.
        beside: names of the small parameters that go along, such as the bias of a layer that is replaced.
    """

    modules: Mapping[str, nn.Module]
    weights: tuple[str, ...]
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Changed:
    """What an operation made of a piece.

    Args:
        tensors: by name; of tied weights, under the name that ``select`` gives it.
        gone: names that no longer exist.
        schemes: how the tensors are stored, of those that are not simply dense.
        refused: why the operation left the piece as it is; empty where it did not.
    """

    tensors: Mapping[str, Tensor]
    gone: tuple[str, ...] = ()
    schemes: Mapping[str, scheme.TensorScheme] | None = None
    refused: str = ""


def pieces(operation: BaseOperation, model: nn.Module, *, there: frozenset[str]) -> list[Piece]:
    """What an operation changes in a model, in the order in which it would.

    Args:
        operation: with ``targets`` and ``ignore``.
        model: may be without values.
        there: names of the parameters that have values; others are left out.

    Raises:
        InvalidValue: those of ``select``.
    """
    patterns = {key: getattr(operation, key) for key in ("targets", "ignore")}
    chosen = [weight for weight in select(operation.name, model, **patterns) if weight.name in there]
    holders: dict[int, dict[str, nn.Module]] = {}
    for path, module in model.named_modules():
        for parameter in module.parameters(recurse=False):
            holders.setdefault(id(parameter), {})[path] = module
    groups: list[tuple[dict[str, nn.Module], list[Weight]]] = []
    for weight in chosen:
        held = holders[id(weight.parameter)]
        same = [group for group in groups if group[0].keys() & held.keys()]
        merged = {path: module for group in same for path, module in group[0].items()} | held
        groups = [group for group in groups if group not in same]
        groups.append((merged, [each for group in same for each in group[1]] + [weight]))
    order = {path: number for number, path in enumerate(dict(model.named_modules()))}
    return [
        Piece(
            dict(sorted(modules.items(), key=lambda item: order[item[0]])),
            tuple(w.name for w in weights),
            () if operation.keeps_shapes else _small(modules, there),
        )
        for modules, weights in groups
    ]


@contextmanager
def applying(operation: BaseOperation, model: nn.Module, *, raised: Sequence[BaseException]) -> Iterator[None]:
    """Around the pieces of one operation: one random state, and refusals in place of errors that nobody foresaw."""
    with private_random_state(model, getattr(operation, "seed", None)), named(operation.name, [model], raised=raised):
        yield


def changed(
    operation: BaseOperation,
    piece: Piece,
    *,
    tensors: Mapping[str, Tensor],
    context: Context,
    known: Mapping[str, scheme.TensorScheme],
) -> Changed:
    """Apply an operation to a piece.

    Args:
        operation: to apply; one without ``targets`` leaves out what it cannot do, as it does with a whole model.
        piece: of a model.
        tensors: the values of its parameters; may be changed in place.
        context: progress.
        known: how the tensors were stored before.

    Raises:
        InvalidValue: those of the operation, ``weights.not_finite``.
    """
    for name in piece.weights:
        check_parameter(operation.name, name, parameter=nn.Parameter(tensors[name], requires_grad=False))
    given = {name: tensors[name] for name in (*piece.weights, *piece.beside)}
    inherited = {name: known[name] for name in given if name in known}
    if operation.lowers == "non-zero weights" and operation.keeps_shapes:
        zeros = {name: _zeros(values) for name, values in given.items()}
        before = None
    else:
        zeros = {}
        before = _part(piece, {name: values.clone() for name, values in given.items()}) if inherited else None
    exact = {**operation.parameters, "ignore": (), "targets": piece.weights if _chooses(operation) else ()}
    try:
        after = type(operation).from_parameters(exact).apply(_part(piece, given), context)
    except InvalidValue as error:
        if error.code != "operation.not_applicable" or _chooses(operation):
            raise
        return Changed(given, (), inherited, error.title)
    if before is not None:
        scheme.attach(before, inherited)
        scheme.settle(before, after)
    return _changed(after, given, zeros=zeros, inherited=inherited)


def zeroed(
    choose: Choice, name: str, *, values: Tensor, known: Mapping[str, scheme.TensorScheme]
) -> dict[str, scheme.TensorScheme]:
    """Zero the weights of a tensor that are chosen, in place, and return its entry, if it has one."""
    before = _zeros(values)
    values.masked_fill_(choose(values.reshape(-1)).reshape(values.shape), 0)
    inherited = {name: known[name]} if name in known else {}
    return _marked({name: values}, zeros={name: before}, inherited=inherited)


def place(root: nn.Module, path: str, *, module: nn.Module) -> None:
    """Put a module at a dotted path below another one, with empty modules where there are none on the way."""
    *above, last = path.split(".")
    for name in above:
        if name not in root._modules:
            root.add_module(name, nn.Module())
        root = root.get_submodule(name)
    root.add_module(last, module)


def _changed(
    after: nn.Module,
    given: Mapping[str, Tensor],
    *,
    zeros: Mapping[str, int],
    inherited: Mapping[str, scheme.TensorScheme],
) -> Changed:
    made = {name: parameter.detach() for name, parameter in after.named_parameters()}
    gone = tuple(name for name in given if name not in made)
    return Changed(made, gone, _marked(made, zeros=zeros, inherited=inherited) if zeros else scheme.of(after))


def _marked(
    made: Mapping[str, Tensor], *, zeros: Mapping[str, int], inherited: Mapping[str, scheme.TensorScheme]
) -> dict[str, scheme.TensorScheme]:
    """The entries of tensors of which weights became zero and nothing else happened."""
    marked = {
        name: replace(inherited.get(name, scheme.TensorScheme()), pruned=True)
        for name, before in zeros.items()
        if _zeros(made[name]) > before
    }
    return {**inherited, **marked}


def _zeros(values: Tensor) -> int:
    return values.numel() - sum(int(part.count_nonzero()) for part in torch.split(values.reshape(-1), _COUNTED))


def _chooses(operation: BaseOperation) -> bool:
    return bool(getattr(operation, "targets", ()))


def _small(modules: Mapping[str, nn.Module], there: frozenset[str]) -> tuple[str, ...]:
    names = (
        f"{path}.{name}" if path else name
        for path, module in modules.items()
        for name, parameter in module.named_parameters(recurse=False)
        if parameter.ndim < 2
    )
    return tuple(name for name in names if name in there)


def _part(piece: Piece, tensors: Mapping[str, Tensor]) -> nn.Module:
    """The modules of a piece at their places in an otherwise empty model, with these values and nothing else."""
    values: dict[int, nn.Parameter] = {}
    for path, module in piece.modules.items():
        for name, parameter in module._parameters.items():
            full = f"{path}.{name}" if path else name
            if parameter is not None and full in tensors:
                values[id(parameter)] = nn.Parameter(tensors[full], requires_grad=False)
    root = nn.Module()
    for path, module in piece.modules.items():
        mine = copy.copy(module)
        own: dict[str, Any] = {
            name: None if parameter is None else values.get(id(parameter), parameter)
            for name, parameter in module._parameters.items()
        }
        mine._parameters = {name: p for name, p in own.items() if p is None or not p.is_meta}
        mine._buffers, mine._modules = {}, {}
        if not path:
            root = mine
        else:
            place(root, path, module=mine)
    return root
