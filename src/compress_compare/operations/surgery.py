"""Which layers can lose output channels together, and cutting these out, by Torch-Pruning's dependency graph.

Needs torch and torch-pruning. Fang et al.: DepGraph, toward any structural pruning. CVPR 2023, arXiv 2301.12900.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from ..errors import MissingExtra, UserError
from ..schemes.channels import Kept
from .parts.data import forward, tensors_of
from .parts.fitness import copied
from .types import unsuitable

Removed = Mapping[str, Sequence[int]]
"""Output channels to cut, by the name of the first layer of a group."""
_ANALYZED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
_UNTRACED = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
VISITS, VISITS_MORE = 20, 1_000
"""Steps of a walk through a group, for each node of the graph and in all, that are more than one that ends takes."""
VISITS_OF_ONE = 64
"""Steps through one node that are more than a walk that ends takes: one for each way that channels come to it."""
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


@dataclass(frozen=True)
class Group:
    """Layers whose output channels go together, by a residual sum for instance.

    Args:
        layers: names of the convolutions and linear layers that produce the channels.
        width: how many channels there are.
    """

    layers: tuple[str, ...]
    width: int


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
    training = _needs_training(model, inputs)
    try:
        graph = _Graph(copied(operation, model), inputs, training=training)
    except _UNTRACED as error:
        reason = f"{type(error).__name__}: {error}".split("\n")[0][:200]
        title = "Torch-Pruning cannot follow how the layers of the model depend on each other."
        hint = "Prune weights instead, with magnitude prune or nm prune."
        raise unsuitable(operation, title, detail=reason, hint=hint) from error
    found, skipped = _candidates(graph)
    if not _agrees(model, inputs, found, training=training):
        alone = [group for group in found if _agrees(model, inputs, [group], training=training)]
        skipped |= {
            name: "its channels cannot be cut without changing what others compute"
            for group in found
            if group not in alone
            for name in group.layers
        }
        found = alone
    return Prunable(tuple(found), skipped)


def cut(model: nn.Module, inputs: Any, *, removed: Removed) -> Kept:
    """Cut channels out of ``model`` in place, with everything that depends on them; whether it trains is kept.

    Returns:
        For every tensor that became smaller, by dimension, the indices that are left.
    """
    trained = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    graph = _Graph(model, inputs, training=_needs_training(model, inputs))
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


class _Endless(RuntimeError):
    """Torch-Pruning's walk through a group does not end."""


class _Counted(list[Any]):
    """The dependencies of a node, which tell their graph when they are walked through."""

    def __init__(self, items: Iterable[Any], graph: _Graph) -> None:
        super().__init__(items)
        self._graph, self._walk, self._visits = graph, 0, 0

    def __iter__(self) -> Iterator[Any]:
        if self._walk != self._graph.walks:
            self._walk, self._visits = self._graph.walks, 0
        self._visits += 1
        if self._visits > VISITS_OF_ONE:
            raise _Endless
        self._graph.visit()
        return super().__iter__()


class _Graph:
    """Torch-Pruning's graph of a model, which it changes; quiet, and with modules by name."""

    def __init__(self, model: nn.Module, inputs: Any, *, training: bool = False) -> None:
        try:
            import torch_pruning
        except ModuleNotFoundError as error:
            raise MissingExtra("torch-pruning", purpose="Removing channels", extra="torch") from error
        self.model = model
        self.names = {module: name for name, module in model.named_modules()}
        self.types = torch_pruning.ops.OPTYPE
        self.visits = self.walks = 0
        self.graph = torch_pruning.DependencyGraph()
        for parameter in model.parameters():
            parameter.requires_grad_(parameter.is_floating_point())
        run = _run_in_training if training else _run
        with warnings.catch_warnings(), torch.enable_grad():
            warnings.simplefilter("ignore")
            self.graph.build_dependency(
                model, example_inputs=inputs, forward_fn=run, output_transform=tensors_of, verbose=False
            )
        for node in self.graph.module2node.values():
            node.dependencies = _Counted(node.dependencies, self)

    def visit(self) -> None:
        """Count a step of the walk through a group.

        Raises:
            _Endless: beyond what a walk that ends takes.
        """
        self.visits += 1
        if self.visits > VISITS * len(self.graph.module2node) + VISITS_MORE:
            raise _Endless

    def group(self, name: str, indices: list[int]) -> Any:
        """What goes with output channels of a layer.

        Raises:
            _Endless: if the channels come back to where they were in ever new orders.
        """
        self.visits = 0
        self.walks += 1
        layer = self.model.get_submodule(name)
        return self.graph.get_pruning_group(layer, self.graph.get_pruner_of_module(layer).prune_out_channels, indices)

    def consumes(self, dependency: Any) -> bool:
        """Whether a dependency cuts inputs of a layer that mixes channels."""
        module = dependency.target.module
        mixes = isinstance(module, (*_ANALYZED, *_TRANSPOSED)) and dependency.target.type != self.types.DEPTHWISE_CONV
        return mixes and dependency.handler == self.graph.get_pruner_of_module(module).prune_in_channels


def _run(model: nn.Module, inputs: Any) -> Any:
    return forward(model, inputs, operation="tracing")


def _run_in_training(model: nn.Module, inputs: Any) -> Any:
    """Run all that runs in training mode, with norms that measure nothing."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        for module, _ in modes:
            module.training = not isinstance(module, _NormBase)
        return _run(model, inputs)
    finally:
        for module, mode in modes:
            module.training = mode


def _needs_training(model: nn.Module, inputs: Any) -> bool:
    """Whether more layers run in training mode, as the auxiliary heads of GoogLeNet, and none fewer."""
    layers = {id(layer) for layer in model.modules() if isinstance(layer, _ANALYZED)}
    ran: list[set[int]] = [set(), set()]
    for run, seen in zip((_run, _run_in_training), ran, strict=True):
        with torch.random.fork_rng(devices=[]), torch.no_grad(), ExitStack() as hooks:
            for layer in model.modules():
                if id(layer) in layers:
                    hooks.callback(layer.register_forward_pre_hook(lambda layer, *_, to=seen: to.add(id(layer))).remove)
            try:
                run(model, inputs)
            except UserError:
                return False
        if seen == layers:
            break
    return ran[0] < ran[1]


def _candidates(graph: _Graph) -> tuple[list[Group], dict[str, str]]:
    found: list[Group] = []
    skipped: dict[str, str] = {}
    seen: set[str] = set()
    for name, layer in graph.model.named_modules():
        if not isinstance(layer, _ANALYZED) or name in seen or getattr(layer, "groups", 1) > 1:
            continue
        if layer not in graph.graph.module2node:
            skipped[name] = "it does not take part in the forward pass"
            continue
        width = layer.weight.shape[0]
        try:
            group, reason = _group(graph, name, width)
        except _Endless:
            skipped[name] = "its channels meet themselves in ever new orders, as by rotary embeddings or repeated heads"
            continue
        except _UNTRACED:  # Torch-Pruning lost count of them
            skipped[name] = "its channels are cut and joined in a way that cannot be followed"
            continue
        seen |= set(group.layers)
        if reason:
            skipped |= dict.fromkeys(group.layers, reason)
        elif width > 1:
            found.append(group)
    return found, skipped


def _group(graph: _Graph, name: str, width: int) -> tuple[Group, str]:
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
        if isinstance(module, _ANALYZED) and not graph.consumes(dependency) and getattr(module, "groups", 1) == 1:
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


def _tensors_of(graph: _Graph, group: Any) -> Iterator[tuple[str, int, int, set[int]]]:
    """Name, dimension, size and what goes, of every tensor that a group is about to cut."""
    for dependency, indices in group:
        module = dependency.target.module
        if module not in graph.names:
            continue
        consumes, transposed = graph.consumes(dependency), isinstance(module, _TRANSPOSED)
        for name, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
            dim = int(consumes != transposed) if tensor.ndim > 1 else 0
            if tensor.ndim and not (consumes and name != "weight"):
                path = graph.names[module]
                yield (f"{path}.{name}" if path else name), dim, tensor.shape[dim], set(indices)


def _agrees(model: nn.Module, inputs: Any, groups: Sequence[Group], *, training: bool) -> bool:
    """Whether cutting channels of these groups is the same as multiplying them by zero where they are used."""
    whole, smaller = (copied("tracing", model).double().eval() for _ in range(2))
    inputs = _double(inputs)
    try:
        graph = _Graph(smaller, inputs, training=training)
        for found in groups:
            half = found.width // 2
            group = graph.group(found.layers[0], [0, half] if found.width > 3 else [half])
            for dependency, indices in group:
                if graph.consumes(dependency):
                    _ignore(whole.get_submodule(graph.names[dependency.target.module]), indices)
            group.prune()
        with torch.no_grad():
            if training:
                _run_in_training(smaller, inputs)
            pairs = zip(tensors_of(_run(whole, inputs)), tensors_of(_run(smaller, inputs)), strict=True)
            return all(one.shape == other.shape and torch.allclose(one, other) for one, other in pairs)
    except (UserError, RuntimeError, ValueError, IndexError, AttributeError):
        return False


def _ignore(layer: Any, indices: Sequence[int]) -> None:
    weight = layer.weight.data if isinstance(layer, _TRANSPOSED) else layer.weight.data.transpose(0, 1)
    weight[list(indices)] = 0


def _double(inputs: Any) -> Any:
    if isinstance(inputs, Tensor):
        return inputs.double() if inputs.is_floating_point() else inputs
    if isinstance(inputs, Mapping):
        return {key: _double(value) for key, value in inputs.items()}
    return tuple(_double(value) for value in inputs) if isinstance(inputs, tuple | list) else inputs
