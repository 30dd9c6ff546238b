"""``compress-compare sensitivity``."""

from __future__ import annotations

import sys
from typing import Any

import click

from .. import project as projects
from ..analysis.quantities.writing import MISSING, written, written_difference
from ..comparisons import sensitivity as comparisons
from ..engines import sensing
from ..engines.local import LocalEngine
from ..errors import NotFound
from ..recipes.levels import DEFAULT_LEVELS, levels
from ..records import Job
from .output import cell, echo_json, echo_table, job_line, json_option, stdout_to_stderr
from .progress import StepProgress
from .trust import asking, trust_option

metric_option = click.option("--metric", help="The metric; by default the first primary one that is no cost.")


@click.command()
@click.argument("project")
@click.argument("model")
@click.option(
    "--level",
    "level",
    multiple=True,
    help=f'An operation to try each layer with, may be repeated; by default "{DEFAULT_LEVELS[0]}".',
)
@click.option("--layer", multiple=True, help="Layers by name, class or re:expression; by default all weights.")
@metric_option
@click.option("--kept", is_flag=True, help="Show what is known already, and measure nothing.")
@trust_option
@json_option
def sensitivity(project: str, model: str, **options: Any) -> None:
    """Measure how much MODEL of PROJECT loses when one layer at a time is compressed, and keep it in the project."""
    with projects.open(project, create=False) as opened:
        if not options["kept"]:
            _measure(opened, model, options)
        found = comparisons.kept(opened, model, metric=options["metric"])
    if found is None:
        raise NotFound(
            "sensitivity.none", f"The layers of {model[:80]!r} were not measured yet.", hint="Leave --kept out."
        )
    if options["as_json"]:
        echo_json(document(found))
        return
    _show(found)


def document(found: comparisons.Sensitivity) -> dict[str, Any]:
    """What is known, as JSON data."""
    rows = [{**row, "parameters": comparisons.parameters(row)} for row in found.table.to_pylist()]
    return {"model": found.model, "metric": found.metric.name, "value": found.before, "layers": rows}


def _measure(opened: projects.Project, model: str, options: dict[str, Any]) -> None:
    asked = sensing.SensitivityQuestion(
        model, levels(options["level"] or DEFAULT_LEVELS), options["metric"], options["layer"]
    )

    def measured() -> Job:
        with StepProgress(sys.stderr) as progress:
            return sensing.sense(opened.path, asked, engine=LocalEngine(1), progress=progress)

    with stdout_to_stderr():
        job = asking(opened.path, measured, trust=options["trust"])
    click.echo(job_line(job), err=True)
    if job.state != "done":
        sys.exit(1)


def _show(found: comparisons.Sensitivity) -> None:
    rows = found.table.to_pylist()
    names = list(dict.fromkeys(level(row) for row in rows))
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    changes = {
        (row["layer"], level(row)): f"{written_difference(row['change'], found.metric)}{_interval(row, found)}"
        for row in rows
    }
    table = [[layer, *(changes.get((layer, name), MISSING) for name in names)] for layer in layers]
    echo_table(["layer", *names], table, numbers=names)
    click.echo(f"{found.metric.name} of {cell(found.model)} is {written(found.before, found.metric)}.")


def level(row: dict[str, Any]) -> str:
    """``quantize bits=4``."""
    given = comparisons.parameters(row)
    return " ".join([row["operation"], *(f"{name}={value}" for name, value in given.items())])


def _interval(row: dict[str, Any], found: comparisons.Sensitivity) -> str:
    if row["ci_low"] is None or row["ci_high"] is None:
        return ""
    low, high = (written_difference(row[name], found.metric).removesuffix(" pp") for name in ("ci_low", "ci_high"))
    return f" ({low} to {high})"
