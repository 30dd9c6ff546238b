"""``compress-compare ls``."""

from __future__ import annotations

import json

import click

from .. import project as projects
from .output import echo_json, echo_table, json_option


@click.command()
@click.argument("project")
@json_option
def ls(project: str, as_json: bool) -> None:
    """List the models of PROJECT with their primary metrics."""
    with projects.open(project, create=False) as opened:
        rows = opened.models().to_pylist()
        primary = [metric.name for metric in opened.metrics() if metric.primary]
    if as_json:
        for row in rows:
            row["parameters"] = json.loads(row["parameters"])
        echo_json({"models": rows})
        return
    fixed = ["id", "base", "operation", "parameters"]
    names = [name for name in primary if rows and name in rows[0]]
    echo_table([*fixed, *names], [[row[name] for name in (*fixed, *names)] for row in rows])
