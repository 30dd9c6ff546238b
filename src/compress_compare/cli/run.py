"""``compress-compare run``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from .. import project as projects
from ..engines import run as runs
from ..engines.base import Engine, Limits
from ..engines.local import LocalEngine
from ..engines.queue import describe
from ..errors import InvalidValue, NotFound
from ..recipes import RecipePlan, load
from ..store.address import is_server
from . import evaluate as evaluating
from .output import cell, echo_json, echo_table, job_line, json_option, stdout_to_stderr
from .progress import StepProgress
from .trust import asking, trust_option

ENGINES = ("local", "ray", "slurm")
HINTS = {
    "address": "Add: --engine ray",
    "cpus": "Add: --engine ray, or --engine slurm",
    "gpus": "Add: --engine ray, or --engine slurm",
    "partition": "Add: --engine slurm",
    "minutes": "Add: --engine slurm",
}


@click.command()
@click.argument("recipe")
@click.option("--project", help="Project for the models; default: runs/NAME, after the name of the recipe.")
@click.option(
    "--engine", type=click.Choice(ENGINES), default="local", show_default=True, help="The engine that runs the steps."
)
@click.option(
    "--workers", type=click.IntRange(1, 256), default=2, show_default=True, help="Number of steps that run at once."
)
@click.option("--memory", type=click.FloatRange(0.1), metavar="GB", help="Memory of one worker; default: no limit.")
@click.option(
    "--address", help="Address of a Ray cluster, e.g. 10.0.0.5:6379; default: a cluster on this machine alone."
)
@click.option("--cpus", type=click.FloatRange(0), default=1, show_default=True, help="Cores per step, on a cluster.")
@click.option(
    "--gpus", type=click.FloatRange(0), default=0, show_default=True, help="Accelerators per step, on a cluster."
)
@click.option("--partition", help="Partition of a SLURM cluster; default: its own choice.")
@click.option("--minutes", type=click.IntRange(1), help="Minutes that a SLURM cluster gives a step; default: a day.")
@click.option(
    "--plan", "only_plan", is_flag=True, help="List the models that would be made, with predicted sizes, and exit."
)
@click.option("--measure", is_flag=True, help="Also measure what the task gained since models were made.")
@trust_option
@json_option
def run(
    recipe: str,
    project: str | None,
    engine: str,
    workers: int,
    memory: float | None,
    address: str | None,
    cpus: float,
    gpus: float,
    partition: str | None,
    minutes: int | None,
    only_plan: bool,
    measure: bool,
    trust: bool,
    as_json: bool,
) -> None:
    """Make the models of the file RECIPE that the project lacks. Models of an interrupted run are reused."""
    wanted = load(Path(recipe))
    location = place_of(project, recipe)
    if only_plan:
        existing = _existing(location)
        with stdout_to_stderr():
            planned, sizes = asking(location, lambda: runs.plan_recipe(existing, wanted), trust=trust)
        _show_plan(planned, sizes, as_json=as_json)
        return
    projects.open(location).close()
    limits = Limits(memory=None if memory is None else round(memory * 1e9))

    def done() -> runs.RunReport:
        asked = {"address": address, "cpus": cpus, "gpus": gpus, "partition": partition, "minutes": minutes}
        made = made_engine(engine, workers, limits=limits, ray=asked)
        with StepProgress(sys.stderr) as progress:
            return runs.run_recipe(location, wanted, engine=made, progress=progress)

    with stdout_to_stderr():
        report = asking(location, done, trust=trust)
    there = [model.id for model in report.plan.models if model.done]
    again = evaluating.measured(location, there, trust=trust) if measure and there else []
    for job in again:
        click.echo(job_line(job), err=True)
    _show_report(report, location, as_json=as_json)
    if report.failed or any(job.state != "done" for job in again):
        sys.exit(1)


def place_of(project: str | None, recipe: str) -> Path:
    """The directory of the project that a recipe runs in; of one in a database, what this machine keeps of it."""
    if is_server(project):
        with projects.open(str(project), create=False) as opened:
            return opened.path
    return Path(project or f"runs/{Path(recipe).stem}")


def made_engine(name: str, workers: int, *, limits: Limits, ray: Mapping[str, Any]) -> Engine:
    """The engine of that name; ``ray`` has the options that are for clusters."""
    usual = {"address": None, "cpus": 1, "gpus": 0, "partition": None, "minutes": None}
    asked = {**usual, **ray}
    known = {"local": (), "ray": ("address", "cpus", "gpus"), "slurm": ("cpus", "gpus", "partition", "minutes")}[name]
    wrong = [option for option, value in asked.items() if value != usual[option] and option not in known]
    if wrong:
        raise InvalidValue("engine.option", f"--{wrong[0]} is not for --engine {name}.", hint=HINTS[wrong[0]])
    if name == "local":
        return LocalEngine(workers, limits)
    if name == "slurm":
        from ..engines.slurm import JobNeeds, SlurmEngine

        if asked["cpus"] % 1 or asked["gpus"] % 1:
            raise InvalidValue("engine.option", "SLURM gives whole cores and accelerators.")
        minutes = asked["minutes"] or JobNeeds.minutes
        needs = JobNeeds(int(asked["cpus"]), int(asked["gpus"]), minutes, partition=asked["partition"])
        return SlurmEngine(workers, limits, needs=needs)
    from ..engines.ray import Needs, RayEngine

    return RayEngine(workers, limits, address=asked["address"], needs=Needs(asked["cpus"], asked["gpus"]))


def _existing(location: Path) -> Path | None:
    try:
        projects.open(location, create=False).close()
    except NotFound:
        return None
    return location


def _show_plan(plan: RecipePlan, sizes: dict[str, int | None], *, as_json: bool) -> None:
    rows = [
        {
            "id": model.id,
            "base": model.base,
            "operation": describe(model.operation),
            "done": model.done,
            "predicted_packed_size": sizes[model.id],
        }
        for model in plan.models
    ]
    if as_json:
        echo_json({"models": rows, "remaining": len(plan.remaining)})
        return
    header = ["model", "base", "operation", "", "predicted bytes"]
    echo_table(
        header,
        [
            [r["id"], r["base"], r["operation"], "done" if r["done"] else "to do", r["predicted_packed_size"]]
            for r in rows
        ],
    )
    click.echo(f"{len(rows)} models, {len(plan.remaining)} to do.")


def _show_report(report: runs.RunReport, location: Path, *, as_json: bool) -> None:
    failed = [{"id": job.model, "reason": job.reason, "message": job.message, "job": job.id} for job in report.failed]
    if as_json:
        told = {"made": list(report.made), "failed": failed, "there_before": report.there, "state": report.job.state}
        echo_json(told)
        return
    for job in report.failed:
        click.echo(f"{cell(job.model)}: {cell(job.reason)}: {cell(job.message)}", err=True)
    click.echo(f"{len(report.made)} models made, {report.there} were there, {len(failed)} failed, in {location}.")
