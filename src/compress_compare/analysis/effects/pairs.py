"""Natural experiments: pairs of models of one root whose lineages differ in exactly one step or one parameter.

Lineages are the nodes of a prefix tree. What a node becomes when one of its steps is taken out is either its parent or,
for an earlier step, what the parent becomes, followed by the node's own last step. The same holds for a step with
another parameter. So one walk over the tree finds all pairs.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations, pairwise, product
from typing import NamedTuple

from ...records import JSON
from ..lineage import Graph
from ..selection.distinct import StepKey, canonical_step
from ..selection.values import sort_key

MAX_ALL_VALUES = 32
"""Of a parameter with more values than this only neighboring ones are compared."""

Pairs = list[tuple[int, int]]
"""Positions in the graph: (without the step, with it), or (lower value, higher value)."""


class Removal(NamedTuple):
    """What pairs differ in: a step, standing after another one. Indices into ``Tree.steps``."""

    step: int
    before: int


class ParameterChange(NamedTuple):
    """What pairs differ in: one parameter of one step, e.g. ``0.5 → 0.75``."""

    operation: str
    parameter: str
    condition: str


class Tree:
    """The lineages of all models as a prefix tree; models of equal lineage share a node. Parents come before children.

    Args:
        graph: the models. Seeds count: a model is paired with the one of the same seed.
    """

    def __init__(self, graph: Graph) -> None:
        self.steps: list[StepKey] = []
        self.parents: list[int] = []
        self.last_steps: list[int] = []
        self.models: list[list[int]] = []
        self.children: dict[tuple[int, int], int] = {}
        node_of: dict[int, int] = {}
        step_of = self._step_of(graph)
        for position in sorted(range(len(graph)), key=graph.depths.__getitem__):
            parent = graph.parents[position]
            if parent < 0:
                node_of[position] = self._new_node(-1, step_of[position])
            else:
                place = (node_of[parent], step_of[position])
                if place not in self.children:
                    self.children[place] = self._new_node(*place)
                node_of[position] = self.children[place]
            self.models[node_of[position]].append(position)

    def _step_of(self, graph: Graph) -> list[int]:
        steps: dict[str, int] = {}
        known: dict[int, int] = {}
        for operation in graph.operations:
            if id(operation) not in known:
                step = canonical_step(operation, without=())
                known[id(operation)] = steps.setdefault(step.key, len(steps))
                if len(steps) > len(self.steps):
                    self.steps.append(step)
        return [known[id(operation)] for operation in graph.operations]

    def _new_node(self, parent: int, step: int) -> int:
        self.parents.append(parent)
        self.last_steps.append(step)
        self.models.append([])
        return len(self.parents) - 1

    def pairs(self, low: int, high: int) -> Pairs:
        """All pairs of a model of one node and a model of another."""
        return list(product(self.models[low], self.models[high]))


def removals(tree: Tree) -> dict[Removal, Pairs]:
    """Pairs of models whose lineages are equal once one step of the second is taken out."""
    found: dict[Removal, Pairs] = defaultdict(list)
    shorter: list[dict[int, Removal]] = []
    for node, (parent, step) in enumerate(zip(tree.parents, tree.last_steps, strict=True)):
        here: dict[int, Removal] = {}
        if parent >= 0:
            here[parent] = Removal(step, tree.last_steps[parent])
            for other, removal in shorter[parent].items():
                child = tree.children.get((other, step))
                if child is not None:
                    here.setdefault(child, removal)
        shorter.append(here)
        for other, removal in here.items():
            found[removal] += tree.pairs(other, node)
    return found


def changes(tree: Tree) -> dict[ParameterChange, Pairs]:
    """Pairs of models whose lineages differ in one parameter of one step."""
    found: dict[ParameterChange, Pairs] = defaultdict(list)
    lower_steps = _lower_steps(tree.steps)
    lower: list[dict[int, ParameterChange]] = []
    for node, (parent, step) in enumerate(zip(tree.parents, tree.last_steps, strict=True)):
        here: dict[int, ParameterChange] = {}
        if parent >= 0:
            steps = [(parent, other, change) for other, change in lower_steps[step]]
            steps += [(other, step, change) for other, change in lower[parent].items()]
            for before, last, change in steps:
                child = tree.children.get((before, last))
                if child is not None:
                    here[child] = change
        lower.append(here)
        for other, change in here.items():
            found[change] += tree.pairs(other, node)
    return found


def _lower_steps(steps: Sequence[StepKey]) -> list[list[tuple[int, ParameterChange]]]:
    """For each step those that have a lower value in exactly one parameter."""
    names: dict[str, set[str]] = defaultdict(set)
    for step in steps:
        names[step.operation] |= step.parameters.keys()
    groups: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for index, step in enumerate(steps):
        for name in names[step.operation]:
            others = json.dumps({key: value for key, value in step.parameters.items() if key != name}, sort_keys=True)
            groups[step.operation, name, others].append(index)
    lower: list[list[tuple[int, ParameterChange]]] = [[] for _ in steps]
    for (operation, name, _), group in sorted(groups.items()):
        group.sort(key=lambda index: sort_key(steps[index].parameters.get(name)))
        for low, high in combinations(group, 2) if len(group) <= MAX_ALL_VALUES else pairwise(group):
            values = [text(steps[index].parameters.get(name)) for index in (low, high)]
            lower[high].append((low, ParameterChange(operation, name, " → ".join(values))))
    return lower


def text(value: JSON) -> str:
    """A parameter's value as text; strings that look like another kind of value are quoted."""
    if value is None:
        return "none"
    if isinstance(value, str) and sort_key(value)[0] != sort_key("")[0]:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value not in ("none", "true", "false"):
        return value
    return json.dumps(value, ensure_ascii=False)
