"""``compress-compare compare``."""

from __future__ import annotations

import click

from .. import project as projects
from ..analysis.quantities.writing import written
from ..comparisons import ask
from .output import echo_json, echo_table, json_option


@click.command()
@click.argument("project")
@click.argument("models", nargs=-1, required=True)
@json_option
def compare(project: str, models: tuple[str, ...], as_json: bool) -> None:
    """Show what differs between MODELS of PROJECT, and compare their primary metrics."""
    with projects.open(project, create=False) as opened:
        selection = opened.selection(models)
        known = ask.columns(opened)
    if as_json:
        echo_json(selection.as_dict())
        return
    by_id = {row["id"]: row for row in known.table.to_pylist()}
    primary = {name: metric for name, metric in known.metrics.items() if metric.primary}
    header = ["model", *(variable.name for variable in selection.variables), *primary]
    rows = [
        [id, *map(_text, values), *(written(by_id[id][name], metric) for name, metric in primary.items())]
        for id, values in selection.rows.items()
    ]
    echo_table(header, rows, numbers=primary)


def _text(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
