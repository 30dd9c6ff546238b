"""Searches among the models of a recipe: makes those that an optimizer asks for, as ordinary models of the project.

What a search knows is what the project holds, so that an interrupted one goes on by being started again, and models
that other runs have made count as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import operations
from ..analysis.quantities.reading import quantity
from ..errors import InvalidValue, NotFound
from ..plans.search import CandidateSearch, Limit, Objective
from ..recipes.plan import Planned, RecipePlan, plan
from ..recipes.recipe import Recipe, Step
from ..records import Metric
from ..store.store import Store
from .base import Engine
from .queue import Queue
from .run import run_recipe

Progress = Callable[[int, int, str], None]
"""Called with the number of models that were made, how many are allowed, and a message."""


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


@dataclass(frozen=True)
class SearchReport:
    """How a search ended.

    Args:
        made: ids of the new models, those on the way to candidates included.
        failed: ids of candidates that could not be made.
        frontier: ids of the models of the recipe that keep to the budgets and that no other one beats.
        candidates: how many models the recipe has.
        stopped: why it ended, in words.
    """

    made: tuple[str, ...]
    failed: tuple[str, ...]
    frontier: tuple[str, ...]
    candidates: int
    stopped: str


def search(
    directory: Path,
    recipe: Recipe,
    *,
    asked: SearchQuestion,
    engine: Callable[[], Engine],
    progress: Progress | None = None,
) -> SearchReport:
    """Search among the models of a recipe.

    Args:
        directory: of the project.
        recipe: whose models are the space, as ``run`` would make all of them.
        asked: what is searched for.
        engine: makes an engine; each batch has one of its own.
        progress: called after every batch.

    Raises:
        NotFound: ``metric.unknown``.
        InvalidValue: ``search.*``, ``value.quantity``.
        MissingExtra: if Optuna is not installed.
        ConfigError, Conflict: as ``run_recipe``.
    """
    planned = _planned(directory, recipe)
    if any(model.id == recipe.base and not model.done for model in planned.models):
        # metrics are defined and data is logged with the base
        run_recipe(directory, Recipe(recipe.task, recipe.base, recipe.made_by), engine=engine())
    space = _Space(planned, recipe)
    with Store.open(directory, create=False) as store:
        metrics = {metric.name: metric for metric in store.metrics()}
        chosen = CandidateSearch(
            [space.choices(model) for model in space.models],
            objectives=[_objective(metrics, name) for name in asked.objectives],
            limits=[_limit(metrics, name, bound) for name, bound in asked.budgets.items()],
            seed=asked.seed,
        )
        return _Run(store, space, asked, chosen, engine).run(progress)


@dataclass
class _Run:
    store: Store
    space: _Space
    asked: SearchQuestion
    chosen: CandidateSearch
    engine: Callable[[], Engine]
    made: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    def run(self, progress: Progress | None) -> SearchReport:
        """Make models until one of the reasons to stop is there."""
        self._learn()
        before, still = set(self.chosen.frontier()), 0
        stopped = "all models of the recipe are there"
        while self.chosen.left:
            if len(self.made) >= self.asked.models:
                stopped = f"{self.asked.models} models were made"
                break
            if still >= self.asked.patience:
                stopped = f"the frontier stayed as it is for {still} models"
                break
            room = min(self.asked.batch, self.asked.models - len(self.made))
            places = self.chosen.ask(room)
            new = self._make(places)
            after = set(self.chosen.frontier())
            still = 0 if after != before else still + max(len(new), 1)
            before = after
            if progress is not None:
                progress(len(self.made), self.asked.models, f"{len(after)} models on the frontier")
        frontier = tuple(self.space.models[place].id for place in self.chosen.frontier())
        return SearchReport(tuple(self.made), tuple(self.failed), frontier, len(self.space.models), stopped)

    def _make(self, places: Sequence[int]) -> list[str]:
        wanted = [self.space.models[place].id for place in places]
        report = run_recipe(self.store.path, self.space.recipe_of(wanted), engine=self.engine())
        self.made += report.made
        self.failed += [id for id in wanted if id not in self.store]
        self._learn()
        return list(report.made)

    def _learn(self) -> None:
        """Tell the optimizer of all models of the recipe that the project has by now."""
        rows = {row["id"]: row for row in self.store.models().to_pylist()}
        for place, model in enumerate(self.space.models):
            if model.id in rows and model.id not in self.known:
                self.known.add(model.id)
                self.chosen.tell(place, rows[model.id])


class _Space:
    """The models of a plan below its base, as choices and as recipes."""

    def __init__(self, planned: RecipePlan, recipe: Recipe) -> None:
        self.recipe = recipe
        self.models = [model for model in planned.models if model.base is not None and model.id != recipe.base]
        self._by_id = {model.id: model for model in self.models}

    def choices(self, model: Planned) -> dict[str, Any]:
        """Which operation comes at each depth, and its parameters; a choice is named by the operations before it."""
        found: dict[str, Any] = {}
        path = ""
        for step in self._path(model):
            assert step.operation is not None  # noqa: S101
            found[f"{path}?"] = step.operation.name
            path = f"{path}{step.operation.name}>"
            found |= {f"{path}{name}": value for name, value in step.operation.parameters.items()}
        return {**found, f"{path}?": "stop"}

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

    def _path(self, model: Planned) -> list[Planned]:
        path = [model]
        while path[0].base in self._by_id:
            path.insert(0, self._by_id[str(path[0].base)])
        return path


def _planned(directory: Path, recipe: Recipe) -> RecipePlan:
    queue = Queue(directory)
    try:
        return plan(recipe, queue.known())
    finally:
        queue.close()


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
