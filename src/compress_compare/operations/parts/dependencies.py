"""Torch-Pruning's graph of how the layers of a model depend on each other. Needs torch and torch-pruning.

Fang et al.: DepGraph, toward any structural pruning. CVPR 2023, arXiv 2301.12900.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import cache
from traceback import walk_tb
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from ...errors import MissingExtra, UserError
from .data import forward, numbers_of

ANALYZED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
UNTRACED = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
VISITS, VISITS_MORE = 20, 1_000
"""Steps of a walk through a group, for each node of the graph and in all, that are more than one that ends takes."""
VISITS_OF_ONE = 64
"""Steps through one node that are more than a walk that ends takes: one for each way that channels come to it."""
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


class Endless(RuntimeError):
    """Torch-Pruning's walk through a group does not end."""


class _Counted(list[Any]):
    """The dependencies of a node, which tell their graph when they are walked through."""

    def __init__(self, items: Iterable[Any], graph: ChannelGraph) -> None:
        super().__init__(items)
        self._graph, self._walk, self._visits = graph, 0, 0

    def __iter__(self) -> Iterator[Any]:
        if self._walk != self._graph.walks:
            self._walk, self._visits = self._graph.walks, 0
        self._visits += 1
        if self._visits > VISITS_OF_ONE:
            raise Endless
        self._graph.visit()
        return super().__iter__()


class ChannelGraph:
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
        self.ran = _ran(model, inputs, run=run_in_training if training else run_once)
        self.graph = torch_pruning.DependencyGraph()
        self.graph.get_pruner_of_module = cache(self.graph.get_pruner_of_module)  # asked a million times
        for parameter in model.parameters():
            parameter.requires_grad_(parameter.is_floating_point() or parameter.is_complex())
        build = self.graph._build_dependency

        def built(nodes: Any) -> None:
            build(nodes)
            self._pass_on(nodes.values())

        self.graph._build_dependency = built
        with warnings.catch_warnings(), torch.enable_grad():
            warnings.simplefilter("ignore")
            self.graph.build_dependency(
                model,
                example_inputs=inputs,
                forward_fn=run_in_training if training else run_once,
                output_transform=numbers_of,
                verbose=False,
            )
        for node in self.graph.module2node.values():
            node.dependencies = _Counted(node.dependencies, self)

    def _pass_on(self, nodes: Iterable[Any]) -> None:
        """Let what joins channels of unknown number, as of rotary embeddings, pass them on as a sum does.

        Torch-Pruning 1.6 fails on these, where it means to leave their channels in the order they have.
        """
        from torch_pruning.dependency import constants, shape_infer

        shape_infer.init_shape_information(self.graph)
        for node in nodes:
            dim = getattr(node.grad_fn, "_saved_dim", 1)
            if node.type != self.types.CONCAT or (dim != 1 and dim < constants.MAX_VALID_DIM):
                continue
            if any(shape_infer.infer_channels_between(self.graph, each, node) is None for each in node.inputs):
                node.type = self.types.ELEMENTWISE

    def visit(self) -> None:
        """Count a step of the walk through a group.

        Raises:
            Endless: beyond what a walk that ends takes.
        """
        self.visits += 1
        if self.visits > VISITS * len(self.graph.module2node) + VISITS_MORE:
            raise Endless

    def group(self, name: str, indices: list[int]) -> Any:
        """What goes with output channels of a layer.

        Raises:
            Endless: if the channels come back to where they were in ever new orders.
        """
        self.visits = 0
        self.walks += 1
        layer = self.model.get_submodule(name)
        return self.graph.get_pruning_group(layer, self.graph.get_pruner_of_module(layer).prune_out_channels, indices)

    def consumes(self, dependency: Any) -> bool:
        """Whether a dependency cuts inputs of a layer that mixes channels."""
        module = dependency.target.module
        mixes = isinstance(module, (*ANALYZED, *TRANSPOSED)) and dependency.target.type != self.types.DEPTHWISE_CONV
        return mixes and dependency.handler == self.graph.get_pruner_of_module(module).prune_in_channels


def run_once(model: nn.Module, inputs: Any) -> Any:
    """Run a model on a batch.

    Raises:
        InvalidValue: ``data.forward``.
    """
    return forward(model, inputs, operation="tracing")


def run_in_training(model: nn.Module, inputs: Any) -> Any:
    """Run all that runs in training mode, with norms that measure nothing."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        for module, _ in modes:
            module.training = not isinstance(module, _NormBase)
        return run_once(model, inputs)
    finally:
        for module, mode in modes:
            module.training = mode


def needs_training(model: nn.Module, inputs: Any) -> bool:
    """Whether more layers run in training mode, as the auxiliary heads of GoogLeNet, and none fewer."""
    layers = {id(layer) for layer in model.modules() if isinstance(layer, ANALYZED)}
    ran: list[set[int]] = []
    try:
        for run in (run_once, run_in_training):
            ran.append(_ran(model, inputs, run=run))
            if ran[-1] == layers:
                break
    except UserError:
        return False
    return len(ran) > 1 and ran[0] < ran[1]


def _ran(model: nn.Module, inputs: Any, *, run: Callable[[nn.Module, Any], Any]) -> set[int]:
    """Which layers take part in a run, by their identity."""
    seen: set[int] = set()
    with torch.random.fork_rng(devices=[]), torch.no_grad(), ExitStack() as hooks:
        for layer in model.modules():
            if isinstance(layer, ANALYZED):
                hooks.callback(layer.register_forward_pre_hook(lambda layer, *_: seen.add(id(layer))).remove)
        run(model, inputs)
    return seen


def place_of(error: BaseException, model: nn.Module) -> str:
    """The module in whose outputs Torch-Pruning lost its way, as far as the exception tells; else nothing."""
    names: dict[object, str] = {module: name for name, module in model.named_modules() if name}
    frames = [frame.f_locals for frame, _ in walk_tb(error.__traceback__)]
    nodes = [each for found in reversed(frames) for each in found.values() if hasattr(each, "grad_fn")]
    waiting, seen = [each for each in nodes if hasattr(each, "inputs")], set[int]()  # nearest first
    while waiting:
        node = waiting.pop(0)
        if node.module in names:
            return names[node.module]
        waiting += [each for each in node.inputs if id(each) not in seen]
        seen |= {id(each) for each in node.inputs}
    return ""
