"""``compress-compare effects``."""

from __future__ import annotations

import click

from .. import project as projects
from ..analysis.quantities.metrics import metrics_of
from ..analysis.quantities.writing import written_difference
from .output import echo_json, echo_table, json_option

CHANGES = ("mean", "median", "ci_low", "ci_high")
"""Columns that are changes of the row's metric, in whose format they are printed."""


@click.command()
@click.argument("project")
@click.option("--metric", help="A single metric; default: all.")
@json_option
def effects(project: str, metric: str | None, as_json: bool) -> None:
    """List the effect of each operation and parameter change on each metric, from matched pairs of PROJECT."""
    with projects.open(project, create=False) as opened:
        rows = opened.effects(metric).to_pylist()
        metrics = metrics_of({row["metric"] for row in rows}, opened.metrics())
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
    for row in rows:
        row |= {name: written_difference(row[name], metrics[row["metric"]]) for name in CHANGES}
    echo_table(names, [[row[name] for name in names] for row in rows], numbers=CHANGES)
