"""Which layers can lose output channels together, and cutting these out, by Torch-Pruning's dependency graph.

Needs torch and torch-pruning. Fang et al.: DepGraph, toward any structural pruning. CVPR 2023, arXiv 2301.12900.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InvalidValue, UserError
from ..schemes.channels import Kept
from .parts.data import forward, numbers_of
from .parts.dependencies import (
    ANALYZED,
    TRANSPOSED,
    UNTRACED,
    ChannelGraph,
    Endless,
    needs_training,
    place_of,
    run_in_training,
    run_once,
)
from .parts.fitness import copied
from .types import unsuitable

Removed = Mapping[str, Sequence[int]]
"""Output channels to cut, by the name of the first layer of a group."""
CHANGES_OTHERS = "its channels cannot be cut without changing what others compute"
_SAID = 3
NOT_RUN = "it does not take part in the forward pass"
DETACHED = "its outputs reach the answer only as whole numbers or without gradients, where they cannot be followed"
COMPLEX = "its numbers are complex, which no operation on weights takes"


@dataclass(frozen=True)
class Group:
    """Layers whose output channels go together, by a residual sum for instance.

    Args:
        layers: names of the convolutions and linear layers that produce the channels.
        width: how many channels there are.
    """

    layers: tuple[str, ...]
    width: int

    @property
    def samples(self) -> tuple[list[int], list[int]]:
        """Channels to try cutting: few that stand apart, and many in a row, which other orders tell from each other."""
        half = self.width // 2
        return [0, half] if self.width > 3 else [half], list(range(half)) or [0]


@dataclass(frozen=True)
class Prunable:
    """The groups of a model, and why other layers are left alone, by the name of the layer."""

    groups: tuple[Group, ...]
    skipped: Mapping[str, str]


def prunable(model: nn.Module, inputs: Any, *, operation: str) -> Prunable:
    """Find the groups, and keep those for which cutting channels is the same as ignoring them.

    That is tried on copies in double precision: the outputs after cutting channels must be those of the whole network
    whose consumers have zeros for them. It fails, and the layers are left alone, where the code of the model depends on
    a width, where a norm measures across channels, or where channels meet others in a way that the graph cannot see.

    Args:
        model: in any mode.
        inputs: one batch.
        operation: name for error messages.

    Raises:
        InvalidValue: ``data.forward``, ``operation.not_applicable`` where the graph cannot be made.
        MissingExtra: without torch-pruning.
    """
    with torch.no_grad():  # what a model remembers of this can be copied
        forward(model, inputs, operation=operation)
    training = needs_training(model, inputs)
    try:
        graph = ChannelGraph(copied(operation, model), inputs, training=training)
    except UNTRACED as error:
        place = place_of(error, model)
        where = f" behind {place!r}" if place else ""
        title = f"Torch-Pruning cannot follow how the layers of the model depend on each other{where}."
        reason = f"{type(error).__name__}: {error}".split("\n")[0][:200]
        hint = "Prune weights instead, with magnitude prune or nm prune."
        raise unsuitable(operation, title, detail=reason, hint=hint) from error
    found, skipped = _candidates(graph)
    by_name = {group.layers[0]: group for group in found}
    for sample in range(2):
        tried = {name: group.samples[sample] for name, group in by_name.items()}
        kept = sound(model, inputs, removed=tried)
        for name in tried.keys() - kept.keys():
            skipped |= dict.fromkeys(by_name.pop(name).layers, CHANGES_OTHERS)
    return Prunable(tuple(by_name.values()), skipped)


def sound(model: nn.Module, inputs: Any, *, removed: Removed) -> Removed:
    """Those channels that can be cut without changing what others compute; those of a group all or none.

    Args:
        model: stays as it is.
        inputs: one batch.
        removed: what is to be cut.
    """
    if not removed:
        return removed
    trial = _Trial(model, inputs)
    if trial.agrees(removed):
        return removed
    alone = {name: indices for name, indices in removed.items() if trial.agrees({name: indices})}
    if trial.agrees(alone):
        return alone
    together: dict[str, Sequence[int]] = {}
    for name, indices in alone.items():
        if trial.agrees(together | {name: indices}):
            together[name] = indices
    return together


def no_layer(title: str, model: nn.Module, *, operation: str, chosen: Collection[str], found: Prunable) -> InvalidValue:
    """The refusal of a model in which no chosen layer can lose channels, with the reasons of the first few.

    Args:
        title: the sentence that says so.
        model: the whole of it.
        operation: its name.
        chosen: names of the modules whose weights are selected.
        found: what can be cut, and why other layers cannot.
    """
    groups = {name: group for group in found.groups for name in group.layers}
    reasons: dict[str, list[str]] = {}
    for name in (name for name, _ in model.named_modules() if name in chosen):
        if name in groups:
            others = next(other for other in groups[name].layers if other not in chosen)
            reason = f"it loses channels together with {others}, which is not selected"
        else:
            reason = found.skipped.get(name) or _not_analyzed(model.get_submodule(name))
        reasons.setdefault(reason, []).append(name or "the model itself")
    said = [f"{_listed(names)}: {reason}" for reason, names in reasons.items()]
    detail = "; ".join(said[:_SAID]) + (f"; and {len(said) - _SAID} more reasons" if len(said) > _SAID else "")
    hint = "Choose other layers with targets, or prune weights instead, with magnitude prune or nm prune."
    return unsuitable(operation, title, detail=f"{detail}.", hint=hint)


def _not_analyzed(module: nn.Module) -> str:
    if getattr(module, "groups", 1) != 1:
        return "its groups go with the channels that it reads"
    return f"Torch-Pruning does not cut what is of the class {type(module).__name__}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def cut(model: nn.Module, inputs: Any, *, removed: Removed) -> Kept:
    """Cut channels out of ``model`` in place, with everything that depends on them; whether it trains is kept.

    Returns:
        For every tensor that became smaller, by dimension, the indices that are left.
    """
    trained = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    graph = ChannelGraph(model, inputs, training=needs_training(model, inputs))
    kept: Kept = {}
    for name, indices in removed.items():
        if len(indices):
            group = graph.group(name, list(indices))
            for tensor, dim, size, gone in _tensors_of(graph, group):
                left = kept.setdefault(tensor, {}).get(dim, list(range(size)))
                kept[tensor][dim] = [index for place, index in enumerate(left) if place not in gone]
            group.prune()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(trained[name])
        parameter.grad = None
    return kept


def _candidates(graph: ChannelGraph) -> tuple[list[Group], dict[str, str]]:
    found: list[Group] = []
    skipped: dict[str, str] = {}
    seen: set[str] = set()
    for name, layer in graph.model.named_modules():
        if not isinstance(layer, ANALYZED) or name in seen or getattr(layer, "groups", 1) > 1:
            continue
        if layer.weight.is_complex():
            skipped[name] = COMPLEX
            continue
        if layer not in graph.graph.module2node:
            skipped[name] = NOT_RUN if id(layer) not in graph.ran else DETACHED
            continue
        width = layer.weight.shape[0]
        try:
            group, reason = _group(graph, name, width)
        except Endless:
            skipped[name] = "its channels meet themselves in ever new orders, as by rotary embeddings or repeated heads"
            continue
        except UNTRACED:  # Torch-Pruning lost count of them
            skipped[name] = "its channels are cut and joined in a way that cannot be followed"
            continue
        seen |= set(group.layers)
        if reason:
            skipped |= dict.fromkeys(group.layers, reason)
        elif width > 1:
            found.append(group)
    return found, skipped


def _group(graph: ChannelGraph, name: str, width: int) -> tuple[Group, str]:
    """The group of a layer, and why it cannot be cut, if it cannot."""
    held = _holders(graph.model)
    whole = graph.group(name, list(range(width)))
    used = any(graph.consumes(dependency) for dependency, _ in whole)
    layers, reason = [name], "" if used else "its outputs are those of the model"
    for dependency, indices in whole:
        module, kind = dependency.target.module, dependency.target.type
        if kind == graph.types.PARAMETER:
            reason = reason or "its channels meet a parameter outside any layer"
        elif isinstance(module, nn.Module) and any(held[id(p)] > 1 for p in module.parameters(recurse=False)):
            reason = reason or "its channels reach weights that several layers share"
        elif isinstance(getattr(module, "weight", None), Tensor) and "weight" not in module._parameters:
            reason = reason or "its channels reach a weight that is computed from others"
        elif isinstance(module, ANALYZED) and not graph.consumes(dependency) and module.weight.is_complex():
            reason = reason or "its channels are joined with those of a layer of complex numbers"
        if isinstance(module, ANALYZED) and not graph.consumes(dependency) and getattr(module, "groups", 1) == 1:
            if len(indices) != width or module.weight.shape[0] != width:
                reason = reason or "its channels meet only a part of those of another layer"
            if graph.names[module] not in layers:
                layers.append(graph.names[module])
    return Group(tuple(layers), width), reason


def _holders(model: nn.Module) -> dict[int, int]:
    """How many modules hold each parameter."""
    counts: dict[int, int] = {}
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            counts[id(parameter)] = counts.get(id(parameter), 0) + 1
    return counts


def _tensors_of(graph: ChannelGraph, group: Any) -> Iterator[tuple[str, int, int, set[int]]]:
    """Name, dimension, size and what goes, of every tensor that a group is about to cut."""
    for dependency, indices in group:
        module = dependency.target.module
        if module not in graph.names:
            continue
        consumes, transposed = graph.consumes(dependency), isinstance(module, TRANSPOSED)
        for name, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
            dim = int(consumes != transposed) if tensor.ndim > 1 else 0
            if tensor.ndim and not (consumes and name != "weight"):
                path = graph.names[module]
                yield (f"{path}.{name}" if path else name), dim, tensor.shape[dim], set(indices)


class _Trial:
    """Cuts channels on copies, in double precision where the model runs in it, else in its own."""

    def __init__(self, model: nn.Module, inputs: Any) -> None:
        self.model, self.inputs, self.wide = model, inputs, True
        self.training = needs_training(model, inputs)
        try:
            with torch.no_grad():
                run_once(self._copy(), _double(inputs))
        except (UserError, *UNTRACED):
            self.wide = False

    def agrees(self, removed: Removed) -> bool:
        """Whether cutting channels is the same as multiplying them by zero where they are used."""
        whole, smaller = self._copy(), self._copy()
        inputs = _double(self.inputs) if self.wide else self.inputs
        try:
            graph = ChannelGraph(smaller, inputs, training=self.training)
            for name, indices in removed.items():
                group = graph.group(name, list(indices))
                for dependency, consumed in group:
                    if graph.consumes(dependency):
                        _ignore(whole.get_submodule(graph.names[dependency.target.module]), consumed)
                group.prune()
            with torch.no_grad():
                if self.training:
                    run_in_training(smaller, inputs)
                pairs = zip(numbers_of(run_once(whole, inputs)), numbers_of(run_once(smaller, inputs)), strict=True)
                return all(one.shape == other.shape and self._close(one, other) for one, other in pairs)
        except (UserError, *UNTRACED):
            return False

    def _copy(self) -> nn.Module:
        model = copied("tracing", self.model).eval()
        if self.wide:
            model = model.double()
            for tensor in (*model.parameters(), *model.buffers()):
                tensor.data = tensor.data.to(torch.complex128) if tensor.is_complex() else tensor.data
        return model

    def _close(self, one: Tensor, other: Tensor) -> bool:
        if self.wide:
            return torch.allclose(one, other)
        largest = float(one.abs().max()) if one.numel() else 0.0
        slack = 1e-4 if one.element_size() > 2 else 1e-2
        return torch.allclose(one, other, rtol=0, atol=slack * largest)


def _ignore(layer: Any, indices: Sequence[int]) -> None:
    weight = layer.weight.data if isinstance(layer, TRANSPOSED) else layer.weight.data.transpose(0, 1)
    weight[list(indices)] = 0


def _double(inputs: Any) -> Any:
    if isinstance(inputs, Tensor):
        wide = (
            torch.complex128 if inputs.is_complex() else torch.float64 if inputs.is_floating_point() else inputs.dtype
        )
        return inputs.to(wide)
    if isinstance(inputs, Mapping):
        return {key: _double(value) for key, value in inputs.items()}
    return tuple(_double(value) for value in inputs) if isinstance(inputs, tuple | list) else inputs
