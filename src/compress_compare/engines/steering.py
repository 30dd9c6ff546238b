"""Searches as jobs: after each batch of models it is worked out afresh, from what the project holds, what comes next.

Nothing is kept beside the jobs and the models, so that a search that was stopped or whose server ended goes on by being
queued again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import Conflict
from ..plans.search import CandidateSearch
from ..recipes.plan import RecipePlan, plan
from ..recipes.recipe import Recipe
from ..recipes.serial import from_data, to_data
from ..store import jobs
from ..store.store import Store
from .queue import Queue
from .space import SearchQuestion, Space, candidates

KIND = "search"


@dataclass(frozen=True)
class Turn:
    """What comes next of a search.

    Args:
        plan: the models to make; ``None`` if it has ended.
        share: how far it is, from 0 to 1.
        message: how many models were made, and why it ended.
    """

    plan: RecipePlan | None
    share: float
    message: str


def submit(queue: Queue, recipe: Recipe, *, asked: SearchQuestion) -> str:
    """Queue a search among the models of a recipe that is not trusted; returns the id of the job.

    Raises:
        ConfigError, Conflict: as `Queue.submit_recipe`; ``search.done`` if all of its models are there.
        NotFound: ``metric.unknown``.
        InvalidValue: ``search.*``, ``value.quantity``.
        MissingExtra: if Optuna is not installed.
        Untrusted: ``task.untrusted``.
    """
    planned, recorded = queue.plan_recipe(recipe)
    content = to_data(recorded)
    request = {
        "kind": "prepare",
        "project": str(queue.directory),
        "task": content["task"],
        "recipe": content,
        "search": asdict(asked),
    }
    queue.check(request)
    space = Space(planned, recorded)
    with Store.open(queue.directory, create=False) as project:
        candidates(space, asked, metrics={metric.name: metric for metric in project.metrics()})
    if not planned.remaining:
        raise Conflict("search.done", "All models of this recipe exist.", hint="Give it more values to try.")
    title = f"search among {len(space.models)} models from {recorded.base}"
    with queue.database.write(counter="jobs") as connection:
        (job,) = jobs.create(connection, [jobs.Draft(KIND, request, title)], owner=queue.owner)
    return job


def turn(queue: Queue, id: str, *, request: str, batch: int) -> Turn:
    """What a search that is prepared makes next.

    Args:
        queue: of the project.
        id: of the job.
        request: of the job, as JSON.
        batch: models to ask for at a time.

    Raises:
        ConfigError, Conflict, NotFound, InvalidValue, MissingExtra: as `submit`.
    """
    content = json.loads(request)
    recipe, asked = from_data(content["recipe"]), SearchQuestion(**content["search"])
    planned = plan(recipe, queue.known())
    tried = [part.model for part in reversed(queue.part_jobs(id)) if part.model is not None]
    if any(model.id == recipe.base and not model.done for model in planned.models):
        if recipe.base in tried:
            raise Conflict("job.base_failed", f"The model {recipe.base[:80]!r}, which all start from, was not made.")
        # metrics are defined and data is logged with the base
        alone = Recipe(recipe.task, recipe.base, recipe.made_by)
        return Turn(plan(alone, queue.known()), 0.0, f"making {recipe.base}")
    space = Space(planned, recipe)
    with Store.open(queue.directory, create=False) as project:
        chosen = candidates(space, asked, metrics={metric.name: metric for metric in project.metrics()})
        rows = {row["id"]: row for row in project.models().to_pylist()}
    still = _told(chosen, space, rows=rows, tried=tried)
    made = sum(id in rows for id in tried)
    found = f"{made} models made, {len(chosen.frontier())} on the frontier"
    if stopped := _stopped(chosen, asked, made=made, still=still):
        return Turn(None, 1.0, f"{found}: {stopped}")
    places = chosen.ask(min(batch, asked.models - made))
    part = space.recipe_of([space.models[place].id for place in places])
    return Turn(plan(part, queue.known()), made / asked.models, found)


def _told(chosen: CandidateSearch, space: Space, *, rows: Mapping[str, Mapping[str, Any]], tried: Sequence[str]) -> int:
    """Tell what the project holds, then what this search tried; returns for how many of these nothing has changed."""
    places = {model.id: place for place, model in enumerate(space.models)}
    own = set(tried)
    for id, place in places.items():
        if id in rows and id not in own:
            chosen.tell(place, rows[id])
    before, still = set(chosen.frontier()), 0
    for id in tried:
        if id in places:
            chosen.tell(places[id], rows.get(id, {}))
        after = set(chosen.frontier())
        still = 0 if after != before else still + 1
        before = after
    return still


def _stopped(chosen: CandidateSearch, asked: SearchQuestion, *, made: int, still: int) -> str:
    if not chosen.left:
        return "all models of the recipe were tried"
    if made >= asked.models:
        return "as many as were allowed"
    return f"the frontier stayed as it is for {still} models" if still >= asked.patience else ""
