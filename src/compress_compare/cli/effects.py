"""``compress-compare effects``."""

from __future__ import annotations

import click

from .. import project as projects
from .output import echo_json, echo_table, json_option


@click.command()
@click.argument("project")
@click.option("--metric", help="A single metric; default: all.")
@json_option
def effects(project: str, metric: str | None, as_json: bool) -> None:
    """List the effect of each operation and parameter change on each metric, from matched pairs of PROJECT."""
    with projects.open(project, create=False) as opened:
        rows = opened.effects(metric).to_pylist()
    if as_json:
        echo_json({"effects": rows})
        return
    names = [
        "operation",
        "parameter",
        "condition",
        "metric",
        "pairs",
        "mean",
        "median",
        "skewed",
        "ci_low",
        "ci_high",
        "interval",
    ]
    echo_table(names, [[row[name] for name in names] for row in rows])
