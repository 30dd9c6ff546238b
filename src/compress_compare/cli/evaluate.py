"""``compress-compare evaluate``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from .. import project as projects
from ..engines import measuring
from ..engines.local import LocalEngine
from ..errors import Conflict, InvalidValue
from ..records import Job
from .output import echo_json, job_line, json_option, stdout_to_stderr
from .progress import StepProgress
from .trust import asking, trust_option


@click.command()
@click.argument("project")
@click.option("--models", metavar="MODEL", multiple=True, help="Only these; may be repeated. Default: all with a task.")
@click.option(
    "--metrics", metavar="NAME", multiple=True, help="Only these; may be repeated. Default: all, and the answers."
)
@trust_option
@json_option
def evaluate(project: str, models: tuple[str, ...], metrics: tuple[str, ...], *, trust: bool, as_json: bool) -> None:
    """Measure what the task of PROJECT measures and its models lack; what was measured before stays."""
    with projects.open(project, create=False) as opened:
        place, ids = opened.path, models or with_task(opened, opened.models()["id"].to_pylist())
    if not ids:
        hint = "Run a recipe of the task once, or log_task(ROOT, 'package.module:function')."
        raise Conflict("config.no_task", "No model of the project has a task that could measure it.", hint=hint)
    jobs = measured(place, ids, metrics=metrics, trust=trust)
    if as_json:
        echo_json({"jobs": [{"id": job.id, "state": job.state, "message": job.message} for job in jobs]})
    else:
        for job in jobs:
            click.echo(job_line(job))
    if any(job.state != "done" for job in jobs):
        sys.exit(1)


def with_task(opened: projects.Project, ids: Sequence[str]) -> list[str]:
    """Those models whose root has a task."""
    known: dict[str, bool] = {}
    found = []
    for id in ids:
        root = opened.model(id).lineage[0].model
        if known.setdefault(root, opened.task_of(root) is not None):
            found.append(id)
    return found


def measured(place: Path, ids: Sequence[str], *, metrics: Sequence[str] = (), trust: bool = False) -> list[Job]:
    """Evaluate models in a worker, asking before a task is run that was not allowed yet.

    Raises:
        InvalidValue: ``evaluate.metrics`` for names that the task has not.
    """

    def done() -> list[Job]:
        with StepProgress(sys.stderr) as progress:
            return measuring.measure(place, ids, engine=LocalEngine(1), metrics=metrics, progress=progress)

    with stdout_to_stderr():
        jobs = asking(place, done, trust=trust)
    for error in (job.error for job in jobs if job.error is not None and job.error["code"] == "evaluate.metrics"):
        raise InvalidValue(error["code"], error["title"], hint=error["hint"])
    return jobs
