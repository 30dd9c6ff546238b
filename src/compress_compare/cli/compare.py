"""``compress-compare compare``."""

from __future__ import annotations

import click

from .. import project as projects
from .output import echo_json, echo_table, json_option


@click.command()
@click.argument("project")
@click.argument("models", nargs=-1, required=True)
@json_option
def compare(project: str, models: tuple[str, ...], as_json: bool) -> None:
    """Show what differs between MODELS of PROJECT, and compare their primary metrics."""
    with projects.open(project, create=False) as opened:
        selection = opened.selection(models)
        metrics = [metric.name for metric in opened.metrics() if metric.primary]
        table = opened.models()
    if as_json:
        echo_json(selection.as_dict())
        return
    by_id = {row["id"]: row for row in table.to_pylist()}
    names = [name for name in metrics if name in table.column_names]
    header = ["model", *(variable.name for variable in selection.variables), *names]
    rows = [[id, *map(_text, values), *(by_id[id][name] for name in names)] for id, values in selection.rows.items()]
    echo_table(header, rows)


def _text(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
