"""``compress-compare search``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from .. import project as projects
from ..engines import searching
from ..engines.base import Limits
from ..engines.space import SearchQuestion
from ..errors import InvalidValue
from ..recipes import load
from .output import cell, echo_json, echo_table, json_option, stdout_to_stderr
from .progress import StepProgress
from .run import ENGINES, made_engine, place_of
from .trust import asking, trust_option


@click.command()
@click.argument("recipe")
@click.option("--project", help="Project for the models; default: runs/NAME, after the name of the recipe.")
@click.option("--objective", multiple=True, required=True, help="A metric that is to be good; may be repeated.")
@click.option("--budget", multiple=True, help="METRIC=BOUND that models must keep to, e.g. 'Packed Size=300 kB'.")
@click.option("--models", type=click.IntRange(1), default=40, show_default=True, help="New models to make at most.")
@click.option(
    "--patience", type=click.IntRange(1), default=12, show_default=True, help="End after so many without a change."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of all that is random.")
@click.option("--engine", type=click.Choice(ENGINES), default="local", show_default=True, help="What makes the models.")
@click.option("--workers", type=click.IntRange(1, 256), default=2, show_default=True, help="Models made at once.")
@click.option("--memory", type=click.FloatRange(0.1), metavar="GB", help="Memory of one worker; default: no limit.")
@click.option("--address", help="Address of a Ray cluster; default: a cluster on this machine alone.")
@trust_option
@json_option
def search(recipe: str, project: str | None, **options: Any) -> None:
    """Make those models of the file RECIPE that an optimizer asks for, until their frontier stays as it is."""
    wanted = load(Path(recipe))
    location = place_of(project, recipe)
    projects.open(location).close()
    asked = SearchQuestion(
        options["objective"],
        dict(_bound(text) for text in options["budget"]),
        models=options["models"],
        patience=options["patience"],
        batch=options["workers"],
        seed=options["seed"],
    )
    limits = Limits(memory=None if options["memory"] is None else round(options["memory"] * 1e9))
    ray = {"address": options["address"], "cpus": 1, "gpus": 0}

    def done() -> searching.SearchReport:
        with StepProgress(sys.stderr) as progress:
            return searching.search(
                location,
                wanted,
                asked=asked,
                engine=lambda: made_engine(options["engine"], options["workers"], limits=limits, ray=ray),
                progress=progress,
            )

    with stdout_to_stderr():
        report = asking(location, done, trust=options["trust"])
    _show(report, location, options)
    if report.failed:
        sys.exit(1)


def _bound(text: str) -> tuple[str, str]:
    name, separator, bound = text.rpartition("=")
    if not separator or not name.strip() or not bound.strip():
        raise InvalidValue("search.budget", f"{text[:60]!r} is not a budget.", hint='Write: "Packed Size=300 kB"')
    return name.strip(), bound.strip()


def _show(report: searching.SearchReport, location: Path, options: dict[str, Any]) -> None:
    objectives = list(options["objective"])
    with projects.open(location, create=False) as opened:
        rows = {row["id"]: row for row in opened.models().to_pylist()}
    values = [{"id": id, **{name: rows[id].get(name) for name in objectives}} for id in report.frontier]
    if options["as_json"]:
        echo_json(
            {
                "frontier": values,
                "made": list(report.made),
                "failed": list(report.failed),
                "candidates": report.candidates,
                "stopped": report.stopped,
            }
        )
        return
    echo_table(["model", *objectives], [[row["id"], *(row[name] for name in objectives)] for row in values])
    for id in report.failed:
        click.echo(f"{cell(id)} was not made.", err=True)
    click.echo(f"{len(report.made)} of {report.candidates} models made, in {location}: {report.stopped}.")
