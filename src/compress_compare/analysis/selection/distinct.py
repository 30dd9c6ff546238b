"""Distinct lineages: models whose steps are the same are replicates of one another and share a row of values.

Two steps are the same when operation and parameters are. 1 and 1.0 are one value, a parameter that is null is the same
as one that was not given, and ``seed`` does not count: models that differ in nothing else are replicates.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from ...records import JSON, Operation
from ..lineage import Graph

SEED = "seed"


@dataclass(frozen=True)
class StepKey:
    """What one step did, in comparable form.

    Args:
        operation: its name, empty where it is not known.
        parameters: values by name; mappings are flattened to dotted names, null is left out.
        key: text that is equal exactly when two steps are the same.
    """

    operation: str
    parameters: Mapping[str, JSON]
    key: str


@dataclass(frozen=True)
class Lineage:
    """A root and the steps after it, the same for all its replicates."""

    root: str
    start: StepKey
    steps: tuple[StepKey, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """Orders lineages the same way whatever the order of the input."""
        return (self.root, *(step.key for step in self.steps))


def canonical_step(operation: Operation | None, *, without: Container[str] = (SEED,)) -> StepKey:
    """The comparable form of an operation, without the parameters named in ``without``."""
    if operation is None:
        return StepKey("", {}, "")
    kept = {
        name: _canonical(value)
        for name, value in sorted(operation.parameters.items())
        if name not in without and value is not None
    }
    key = json.dumps([operation.name, kept], ensure_ascii=False, sort_keys=True)
    return StepKey(operation.name, dict(_flat("", kept)), key)


def distinct_lineages(graph: Graph, positions: Iterable[int]) -> tuple[list[Lineage], dict[int, int]]:
    """The distinct lineages of some models in canonical order, and for each position which of them it has."""
    steps: dict[int, StepKey] = {}
    operations: dict[int, StepKey] = {}
    paths = {position: graph.path(position) for position in positions}
    for path in paths.values():
        for node in path:
            if node not in steps:
                operation = graph.operations[node]
                if id(operation) not in operations:
                    operations[id(operation)] = canonical_step(operation)
                steps[node] = operations[id(operation)]
    names = _root_names(graph, {path[0] for path in paths.values()})
    lineages = {
        position: Lineage(names[path[0]], steps[path[0]], tuple(steps[node] for node in path[1:]))
        for position, path in paths.items()
    }
    unique = {lineage.key: lineage for lineage in lineages.values()}
    rows = {key: row for row, key in enumerate(sorted(unique))}
    return [unique[key] for key in rows], {position: rows[lineage.key] for position, lineage in lineages.items()}


def _root_names(graph: Graph, roots: set[int]) -> dict[int, str]:
    """The name of each root: its id, or for roots that are replicates the smallest of their ids.

    Roots are replicates only where the seed tells them apart: two of equal seed differ in something that was not
    logged, such as the architecture.
    """
    names = {root: graph.ids[root] for root in roots}
    if len(roots) < 2:
        return names
    groups: dict[str, list[int]] = {}
    for model in graph.roots:
        position = graph.positions[model]
        operation = graph.operations[position]
        if operation is not None and operation.parameters.get(SEED) is not None:
            groups.setdefault(canonical_step(operation).key, []).append(position)
    for group in groups.values():
        seeds = {json.dumps(_canonical(_seed(graph.operations[position]))) for position in group}
        if len(seeds) == len(group):
            smallest = min(graph.ids[position] for position in group)
            names |= {position: smallest for position in group if position in roots}
    return names


def _seed(operation: Operation | None) -> JSON:
    return None if operation is None else operation.parameters.get(SEED)


def _canonical(value: JSON) -> JSON:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, dict):
        return {name: _canonical(item) for name, item in sorted(value.items()) if item is not None}
    return value


def _flat(prefix: str, values: Mapping[str, JSON]) -> Iterable[tuple[str, JSON]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", value
