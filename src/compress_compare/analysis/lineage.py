"""The provenance graph: which model was made from which, by what operation.

A `Graph` is immutable and knows nothing but ids, bases and operations. Models are numbered by their position in the
input; arrays of metrics elsewhere are aligned with that order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..errors import Conflict, NotFound
from ..records import LineageStep, Operation


@dataclass(frozen=True, eq=False)
class Graph:
    """The models of a project and the steps between them.

    Build it with `from_models` or `from_columns`; the fields are parallel, one entry per model.

    Args:
        ids: the models, in the order given.
        parents: position of each model's base, −1 for a root.
        operations: what was applied to the base (for a root: what made it), ``None`` where it is not known.
    """

    ids: tuple[str, ...]
    parents: tuple[int, ...]
    operations: tuple[Operation | None, ...]

    @classmethod
    def from_models(cls, models: Iterable[tuple[str, str | None, Operation | None]]) -> Graph:
        """Build the graph from (id, base, operation) triples in any order.

        Raises:
            Conflict: ``model.duplicate`` for an id given twice, ``model.cycle`` where bases run in a circle.
            NotFound: ``model.unknown`` for a base that is not among the ids.
        """
        rows = list(models)
        return cls.from_columns([row[0] for row in rows], [row[1] for row in rows], operations=[row[2] for row in rows])

    @classmethod
    def from_columns(
        cls, ids: Sequence[str], bases: Sequence[str | None], *, operations: Sequence[Operation | None]
    ) -> Graph:
        """Build the graph from parallel sequences; errors are those of `from_models`."""
        positions = {model: i for i, model in enumerate(ids)}
        if len(positions) != len(ids):
            raise Conflict("model.duplicate", "Two models have the same id.", detail=f"{_first_repeated(ids)!r}.")
        parents = tuple(-1 if base is None else _base_position(positions, ids[i], base) for i, base in enumerate(bases))
        graph = cls(tuple(ids), parents, tuple(operations))
        graph.__dict__["positions"] = positions
        graph.__dict__["depths"] = _depths(graph.ids, parents)
        return graph

    @cached_property
    def positions(self) -> dict[str, int]:
        """Position of each id."""
        return {model: i for i, model in enumerate(self.ids)}

    @cached_property
    def depths(self) -> tuple[int, ...]:
        """Number of steps from the root, 0 for a root."""
        return _depths(self.ids, self.parents)

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """The models without a base, in order."""
        return tuple(model for model, parent in zip(self.ids, self.parents, strict=True) if parent < 0)

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, model: object) -> bool:
        return model in self.positions

    def position(self, model: str) -> int:
        """The position of a model.

        Raises:
            NotFound: ``model.unknown``.
        """
        try:
            return self.positions[model]
        except (KeyError, TypeError):
            raise NotFound(
                "model.unknown",
                f"There is no model {model!r:.80} in this project.",
                hint="`compress-compare ls PROJECT` lists the models.",
            ) from None

    def base(self, model: str) -> str | None:
        """The model that this one was made from, ``None`` for a root."""
        parent = self.parents[self.position(model)]
        return None if parent < 0 else self.ids[parent]

    def operation(self, model: str) -> Operation | None:
        """The operation of the model's last step."""
        return self.operations[self.position(model)]

    def step(self, model: str) -> int:
        """How many steps the model is away from its root."""
        return self.depths[self.position(model)]

    def path(self, position: int) -> list[int]:
        """Positions from the root to the model at ``position``, both included."""
        path = []
        while position >= 0:
            path.append(position)
            position = self.parents[position]
        path.reverse()
        return path

    def lineage(self, model: str) -> tuple[LineageStep, ...]:
        """The steps from the root to the model, both included."""
        return tuple(LineageStep(self.ids[i], self.operations[i]) for i in self.path(self.position(model)))

    def root(self, model: str) -> str:
        """The root that the model descends from; itself for a root."""
        return self.ids[self.path(self.position(model))[0]]

    def ancestors(self, model: str) -> tuple[str, ...]:
        """All models between the root (first) and the base (last)."""
        return tuple(self.ids[i] for i in self.path(self.position(model))[:-1])

    def children(self, model: str) -> tuple[str, ...]:
        """The models made directly from this one, in order."""
        return tuple(self.ids[i] for i in self._children[self.position(model)])

    def descendants(self, model: str) -> tuple[str, ...]:
        """Everything made from this model, bases before what was made from them."""
        found = list(self._children[self.position(model)])
        for position in found:
            found.extend(self._children[position])
        return tuple(self.ids[i] for i in found)

    @cached_property
    def _children(self) -> list[list[int]]:
        children: list[list[int]] = [[] for _ in self.ids]
        for i, parent in enumerate(self.parents):
            if parent >= 0:
                children[parent].append(i)
        return children


def _base_position(positions: dict[str, int], model: str, base: str) -> int:
    try:
        return positions[base]
    except KeyError:
        raise NotFound(
            "model.unknown",
            f"The base {base!r:.80} of model {model!r:.80} does not exist.",
            hint="Log the base first, or leave the base out for a root.",
        ) from None


def _first_repeated(ids: Sequence[str]) -> str:
    seen: set[str] = set()
    for model in ids:
        if model in seen:
            return model
        seen.add(model)
    raise AssertionError("no id is repeated")


def _depths(ids: tuple[str, ...], parents: tuple[int, ...]) -> tuple[int, ...]:
    depths = [-1] * len(parents)
    for start in range(len(parents)):
        path = []
        position = start
        while position >= 0 and depths[position] == -1:
            depths[position] = -2
            path.append(position)
            position = parents[position]
        if position >= 0 and depths[position] == -2:
            raise Conflict("model.cycle", "A model cannot be its own ancestor.", detail=f"See {ids[position]!r:.80}.")
        depth = depths[position] if position >= 0 else -1
        for position in reversed(path):
            depth += 1
            depths[position] = depth
    return tuple(depths)
