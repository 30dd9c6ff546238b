"""``compress-compare frontier``."""

from __future__ import annotations

import click

from .. import project as projects
from .output import cell, echo_json, json_option


@click.command()
@click.argument("project")
@click.option("--x", required=True, help="The metric that orders the models, best first.")
@click.option("--y", required=True, help="The other metric.")
@json_option
def frontier(project: str, x: str, y: str, as_json: bool) -> None:
    """List the Pareto-optimal models of PROJECT by two metrics."""
    with projects.open(project, create=False) as opened:
        ids = opened.frontier(x, y)
    if as_json:
        echo_json({"x": x, "y": y, "ids": ids})
        return
    for id in ids:
        click.echo(cell(id))
