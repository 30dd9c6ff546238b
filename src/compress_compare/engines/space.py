"""What a search is among: the models of a recipe as choices, its objectives, and its budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import operations
from ..analysis.quantities.reading import quantity
from ..errors import InvalidValue, NotFound
from ..plans.search import CandidateSearch, Limit, Objective
from ..recipes.plan import Planned, RecipePlan
from ..recipes.recipe import Recipe, Step
from ..records import Metric


@dataclass(frozen=True)
class SearchQuestion:
    """What is searched for.

    Args:
        objectives: names of metrics with a direction.
        budgets: metric → the most of it, or the least where higher is better, with or without a unit.
        models: how many new models may be made.
        patience: the search ends when the frontier stayed as it is for so many models.
        batch: models that are asked for at a time, one per worker.
        seed: of all that is random.
    """

    objectives: Sequence[str]
    budgets: Mapping[str, str | float]
    models: int = 40
    patience: int = 12
    batch: int = 2
    seed: int = 0


class Space:
    """The models of a plan below its base, as choices and as recipes."""

    def __init__(self, planned: RecipePlan, recipe: Recipe) -> None:
        self.recipe = recipe
        self.models = [model for model in planned.models if model.base is not None and model.id != recipe.base]
        self._by_id = {model.id: model for model in self.models}

    def choices(self) -> list[dict[str, Any]]:
        """The parameters of the operations of each model; which operations these are, where that does not tell."""
        paths = [self._operations(model) for model in self.models]
        found = [{name: value for _, parameters in path for name, value in parameters.items()} for path in paths]
        if len({repr(sorted(one.items())) for one in found}) == len(found):
            return found
        names = [" > ".join(operation for operation, _ in path) for path in paths]
        return [{"operations": name, **one} for name, one in zip(names, found, strict=True)]

    def recipe_of(self, ids: Sequence[str]) -> Recipe:
        """The recipe of some models, and of those that they start from."""
        children: dict[str, dict[str, None]] = {}
        for id in ids:
            for step in self._path(self._by_id[id]):
                assert step.base is not None  # noqa: S101
                children.setdefault(step.base, {})[step.id] = None

        def steps(base: str) -> tuple[Step, ...]:
            return tuple(self._step(self._by_id[id], steps(id)) for id in children.get(base, ()))

        return Recipe(self.recipe.task, self.recipe.base, self.recipe.made_by, steps(self.recipe.base))

    def _step(self, model: Planned, then: tuple[Step, ...]) -> Step:
        assert model.operation is not None  # noqa: S101
        return Step(operations.from_record(model.operation), then, model.id, model.references, model.place)

    def _operations(self, model: Planned) -> list[tuple[str, dict[str, Any]]]:
        """The operations that make a model, a second one of a name with a number, and what their parameters are."""
        found: list[tuple[str, dict[str, Any]]] = []
        names: list[str] = []
        for step in self._path(model):
            assert step.operation is not None  # noqa: S101
            names.append(step.operation.name)
            count = names.count(names[-1])
            label = f"{names[-1]} {count}" if count > 1 else names[-1]
            found.append((label, {f"{label}: {key}": value for key, value in step.operation.parameters.items()}))
        return found

    def _path(self, model: Planned) -> list[Planned]:
        path = [model]
        while path[0].base in self._by_id:
            path.insert(0, self._by_id[str(path[0].base)])
        return path


def candidates(space: Space, asked: SearchQuestion, *, metrics: Mapping[str, Metric]) -> CandidateSearch:
    """The models of a space for an optimizer that knows none of them yet.

    Raises:
        NotFound: ``metric.unknown``.
        InvalidValue: ``search.*``, ``value.quantity``.
        MissingExtra: if Optuna is not installed.
    """
    return CandidateSearch(
        space.choices(),
        objectives=[_objective(metrics, name) for name in asked.objectives],
        limits=[_limit(metrics, name, bound) for name, bound in asked.budgets.items()],
        seed=asked.seed,
    )


def _objective(metrics: Mapping[str, Metric], name: str) -> Objective:
    return Objective(name, _direction(metrics, name))


def _limit(metrics: Mapping[str, Metric], name: str, bound: str | float) -> Limit:
    higher = _direction(metrics, name)
    return Limit(name, quantity(bound, unit=metrics[name].unit), is_upper=not higher)


def _direction(metrics: Mapping[str, Metric], name: str) -> bool:
    found = metrics.get(name)
    if found is None:
        hint = f"The project has: {', '.join(sorted(metrics)[:8])}."
        raise NotFound("metric.unknown", f"There is no metric {name[:80]!r}.", hint=hint)
    if found.higher_is_better is None:
        title = f"It is not said whether higher {name[:80]!r} is better."
        raise InvalidValue("search.objectives", title, hint="Define the metric with higher_is_better.")
    return found.higher_is_better
