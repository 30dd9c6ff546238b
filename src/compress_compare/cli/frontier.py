"""``compress-compare frontier``."""

from __future__ import annotations

import click

from .. import project as projects
from ..comparisons import ask
from ..comparisons import frontier as comparisons
from .best import bounds_options, given
from .output import echo_json, echo_models, json_option


@click.command()
@click.argument("project")
@click.option("--x", required=True, help="The metric that orders the models, best first.")
@click.option("--y", required=True, help="The other metric.")
@bounds_options[0]
@bounds_options[1]
@bounds_options[2]
@json_option
def frontier(project: str, x: str, *, y: str, low: tuple[str, ...], high: tuple[str, ...], **options: object) -> None:
    """List the Pareto-optimal models of PROJECT by two metrics."""
    bounds, where = given(low, high), options["where"]
    with projects.open(project, create=False) as opened:
        known = ask.columns(opened)
        condition = where if isinstance(where, str) else None
        (x, y), found, notes = comparisons.told(opened, x, y=y, bounds=bounds, where=condition)
    for note in notes:
        click.echo(f"note: {note}", err=True)
    rows = found.to_pylist()
    if options["as_json"]:
        values = [{"id": row["id"], x: row[x], y: row[y]} for row in rows]
        echo_json({"x": x, "y": y, "ids": [row["id"] for row in rows], "models": values})
        return
    if not rows:
        click.echo(f"No model has both {x} and {y} within the bounds.", err=True)
        return
    bounded = [known.named(each) for each in (*(bounds.low or {}), *(bounds.high or {}))]
    echo_models(rows, list(dict.fromkeys(["id", x, y, *bounded])), metrics=known.metrics)
