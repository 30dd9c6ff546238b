"""The jobs of a project: starting, watching, cancelling and repeating work."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from ... import records
from ...engines.space import SearchQuestion
from ...engines.tasks import AskedTask
from ...page.wire import jobs as wire
from ...recipes import Planned
from ...shipping import registry as shipping
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["jobs"])

Id = Annotated[str, Query(description="The job's id.")]
Limit = Annotated[int, Query(ge=1, le=10_000, description="How many jobs, newest first.")]
Tail = Annotated[int, Query(ge=1, le=1_000_000, description="How many bytes of its end.")]


@router.get("/jobs")
@needs("read")
def jobs(here: Here, limit: Limit = 1000) -> wire.JobsAnswer:
    """The newest jobs, newest first."""
    return wire.JobsAnswer(jobs=[_job(job) for job in here.project.jobs()[:limit]])


@router.post("/jobs", status_code=201)
@needs("run")
def start(here: Here, ask: wire.JobAsk) -> wire.JobAnswer:
    """Queue work: operations, recipes, searches, measuring, comparing, shipping. Nothing named here is imported."""
    if isinstance(ask, wire.MeasureAsk):
        return _job(here.work.measure(ask.models))
    if isinstance(ask, wire.EvaluateAsk):
        return _job(here.work.evaluate(ask.models, metrics=ask.metrics))
    if isinstance(ask, wire.RecipeAsk):
        return _job(here.work.recipe(ask.recipe))
    if isinstance(ask, wire.SearchAsk):
        asked = SearchQuestion(ask.objectives, ask.budgets, models=ask.models, patience=ask.patience, seed=ask.seed)
        return _job(here.work.search(ask.recipe, asked))
    if isinstance(ask, wire.ShipAsk):
        return _job(here.work.ship(ask.model, ask.format, sample=ask.sample))
    if isinstance(ask, wire.ActivationsAsk):
        return _job(here.work.activations(ask.base, ask.models, examples=ask.examples))
    if isinstance(ask, wire.SensitivityAsk):
        return _job(here.work.sensitivity(ask.model, levels=ask.levels, metric=ask.metric))
    operation = records.Operation(ask.operation, **ask.parameters)
    return _job(here.work.apply(ask.model, operation, id=ask.id, references=ask.references))


@router.post("/jobs/plan")
@needs("read")
def plan(here: Here, ask: wire.PlanAsk) -> wire.PlanAnswer:
    """What `POST jobs` would make of the same body, or its error; what exists is `done`. Nothing is queued."""
    if isinstance(ask, wire.RecipeAsk):
        return wire.PlanAnswer(models=[_planned(model) for model in here.work.plan_recipe(ask.recipe).models])
    operation = records.Operation(ask.operation, **ask.parameters)
    planned = here.work.plan_operation(ask.model, operation, id=ask.id, references=ask.references)
    return wire.PlanAnswer(models=[_planned(planned)])


@router.post("/jobs/plan/sizes")
@needs("run")
def sizes(here: Here, ask: wire.RecipeText) -> wire.PlanSizes:
    """The packed size that each model of a recipe is predicted to have. Takes seconds: torch is loaded for it."""
    return wire.PlanSizes(sizes=here.work.sizes(ask.recipe))


@router.post("/jobs/cancel")
@needs("run")
def cancel(here: Here, ask: wire.JobIds) -> wire.JobsAnswer:
    """Cancel jobs that wait, and end those that run, each with its parts."""
    return wire.JobsAnswer(jobs=[_job(job) for job in here.work.cancel(ask.ids)])


@router.post("/jobs/retry")
@needs("run")
def retry(here: Here, id: Id) -> wire.JobAnswer:
    """Queue a job again that ended without success."""
    return _job(here.work.retry(id))


@router.get("/jobs/log")
@needs("read")
def log(here: Here, id: Id, limit: Tail = 64_000) -> wire.JobLog:
    """The end of what a job printed."""
    text, num_bytes = here.work.log(id, limit=limit)
    return wire.JobLog(text=text, num_bytes=num_bytes)


@router.get("/ship/formats")
@needs("read")
def ship_formats(here: Here) -> wire.ShipFormats:
    """The formats that models can be shipped in."""
    found = [wire.ShipFormat.model_validate(one, from_attributes=True) for one in shipping.available().values()]
    return wire.ShipFormats(formats=found, roots=here.work.roots())


@router.get("/tasks")
@needs("read")
def tasks(here: Here) -> wire.TasksAnswer:
    """What the project asks to run, and whether it may. Nothing named here is imported."""
    return wire.TasksAnswer(tasks=[_task(asked) for asked in here.work.tasks()])


@router.post("/tasks/trust")
@needs("admin")
def trust(here: Here, ask: wire.TaskAllow) -> wire.TasksAnswer:
    """Let a task run on this machine, for this project, from now on. It is told exactly as `GET tasks` shows it."""
    here.work.allow(records.TaskPath(ask.path, ask.options, tuple(ask.folders)))
    return tasks(here)


def _task(asked: AskedTask) -> wire.TaskAnswer:
    task = asked.task
    return wire.TaskAnswer(
        root=asked.root, allowed=asked.allowed, path=task.path, options=dict(task.options), folders=list(task.folders)
    )


def _job(job: records.Job) -> wire.JobAnswer:
    return wire.JobAnswer.model_validate(job, from_attributes=True)


def _planned(model: Planned) -> wire.PlannedModel:
    operation = model.operation
    return wire.PlannedModel(
        id=model.id,
        base=model.base,
        operation=None if operation is None else operation.name,
        parameters={} if operation is None else dict(operation.parameters),
        done=model.done,
        alike=list(model.alike),
    )
