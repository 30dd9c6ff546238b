"""Searches among the models of a recipe: makes those that an optimizer asks for, as ordinary models of the project.

What a search knows is what the project holds, so that an interrupted one goes on by being started again, and models
that other runs have made count as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..plans.search import CandidateSearch
from ..recipes.plan import RecipePlan, plan
from ..recipes.recipe import Recipe
from ..store.store import Store
from .base import Engine
from .queue import Queue
from .run import run_recipe
from .space import SearchQuestion, Space, candidates

Progress = Callable[[int, int, str], None]
"""Called with the number of models that were made, how many are allowed, and a message."""


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
    space = Space(planned, recipe)
    with Store.open(directory, create=False) as store:
        metrics = {metric.name: metric for metric in store.metrics()}
        chosen = candidates(space, asked, metrics=metrics)
        return _Run(store, space, asked, chosen, engine).run(progress)


@dataclass
class _Run:
    store: Store
    space: Space
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


def _planned(directory: Path, recipe: Recipe) -> RecipePlan:
    queue = Queue(directory)
    try:
        return plan(recipe, queue.known())
    finally:
        queue.close()
