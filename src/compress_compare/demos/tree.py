"""A tree of experiments that is declared once and grown step by step: what is there stays, what is missing is made."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import nn

from ..errors import Conflict
from ..operations import BaseOperation
from ..operations.types import Batches
from ..schemes import scheme
from ..store.store import Store

Progress = Callable[[int, int, str], None]
"""(index of the step that begins, number of steps, what it is) → nothing; at the end the index is the number."""


@dataclass(frozen=True)
class Node:
    """One model to make: ``operation`` applied to the model ``base``, or to the untrained network for a root.

    Args:
        id: of the model.
        base: id of the model it is made from.
        operation: how.
        references: ids of the further models that the operation needs, by role.
    """

    id: str
    base: str | None
    operation: BaseOperation
    references: Mapping[str, str] = field(default_factory=dict)


class Bench(Protocol):
    """What a tree is grown with."""

    @property
    def data(self) -> Batches:
        """Training data, for the operations that need some."""

    def create(self) -> nn.Module:
        """The untrained network, the same at every call."""

    def log(self, project: Store, node: Node, *, model: nn.Module) -> None:
        """Log the model with all that is measured about it."""


def grow(project: Store, nodes: Sequence[Node], *, bench: Bench, progress: Progress | None = None) -> None:
    """Make and log every node that the project lacks, in the order given, on one torch thread.

    A node is logged in one transaction, so that after an interruption the same call continues where it stopped.

    Args:
        project: where to.
        nodes: every model stands before those that are made with it.
        bench: network, data and measurements.
        progress: called when a step begins and at the end.

    Raises:
        Conflict: ``demo.other_tree`` if the project has a model of the same id that was made differently.
    """
    report = progress or _silent
    missing = _missing(project, nodes)
    models = _Models({node.id: node for node in nodes}, bench, project, done={n.id for n in nodes} - missing)
    with _one_thread():
        for index, node in enumerate(nodes):
            if node.id in missing:
                report(index, len(nodes), f"{node.id}: {node.operation.name}")
                model = models.get(node.id)
                with project.batch():
                    bench.log(project, node, model=model)
    report(len(nodes), len(nodes), f"{len(nodes)} models, {len(missing)} of them new")


def _missing(project: Store, nodes: Sequence[Node]) -> set[str]:
    table = project.models()
    known = set(table["id"].to_pylist())
    for node in nodes:
        if node.id in known:
            _check_same(project, node)
    return {node.id for node in nodes} - known


def _check_same(project: Store, node: Node) -> None:
    found = project.model(node.id)
    if (found.base, found.operation) != (node.base, node.operation.record()):
        raise Conflict(
            "demo.other_tree",
            f"The project {project.name!r} has another model named {node.id!r}.",
            detail=f"It was made from {found.base} by {found.operation}; expected {node.operation.record()}.",
            hint="Choose another path.",
        )


@dataclass
class _Models:
    """Modules by id: in memory, or made when first asked for."""

    nodes: dict[str, Node]
    bench: Bench
    project: Store
    done: set[str]

    def __post_init__(self) -> None:
        self._made: dict[str, nn.Module] = {}

    def get(self, id: str) -> nn.Module:
        """The model ``id``. If it was logged by an earlier run, it comes out the same as then."""
        if id not in self._made:
            node = self.nodes[id]
            base = self.bench.create() if node.base is None else self.get(node.base)
            self._made[id] = self._restored(node, base) if self._is_trained(node) else self._applied(node, base)
        return self._made[id]

    def _is_trained(self, node: Node) -> bool:
        return node.id in self.done and node.operation.data_requirement == "finetune"

    def _applied(self, node: Node, base: nn.Module) -> nn.Module:
        """Operations without training take no time and are deterministic: they are simply applied again."""
        needs_data = node.operation.data_requirement != "none"
        references = {role: self.get(id) for role, id in node.references.items()}
        return node.operation(base, data=self.bench.data if needs_data else None, references=references)

    def _restored(self, node: Node, base: nn.Module) -> nn.Module:
        model = copy.deepcopy(base)
        model.load_state_dict(self.project.load_checkpoint(node.id))
        scheme.detach(model)
        scheme.settle(base, model)
        return model


@contextmanager
def _one_thread() -> Iterator[None]:
    """Small networks are faster on one thread, and the same sums come out everywhere."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _silent(_index: int, _total: int, _description: str) -> None:
    """Progress that nobody watches."""
