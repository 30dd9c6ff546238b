"""``compress-compare ls``."""

from __future__ import annotations

import json

import click

from .. import project as projects
from ..comparisons import ask
from .output import echo_json, echo_models, json_option

FIXED = ("id", "base", "operation", "parameters")


@click.command()
@click.argument("project")
@click.option("--where", help="Only models that meet this, e.g. 'Packed Size < 300 kB and operation contains prune'.")
@click.option("--sort", multiple=True, help="Sort by this column, from the largest with a - before it; repeatable.")
@click.option("--columns", multiple=True, help="Print this column instead of the primary metrics; repeatable.")
@click.option("--limit", type=click.IntRange(1), help="Print at most this number of models.")
@json_option
def ls(
    project: str,
    where: str | None,
    *,
    sort: tuple[str, ...],
    columns: tuple[str, ...],
    limit: int | None,
    as_json: bool,
) -> None:
    """List the models of PROJECT with their primary metrics."""
    with projects.open(project, create=False) as opened:
        known = ask.columns(opened)
        primary = [name for name, metric in known.metrics.items() if metric.primary]
        names = ["id", *map(known.named, columns)] if columns else [*FIXED, *primary]
        rows = ask.find(opened, where, sort=sort, limit=limit).to_pylist()
    if as_json:
        for row in rows:
            row["parameters"] = json.loads(row["parameters"])
        echo_json({"models": rows})
        return
    echo_models(rows, list(dict.fromkeys(names)), metrics=known.metrics)
