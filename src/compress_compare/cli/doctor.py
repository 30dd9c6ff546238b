"""``compress-compare doctor``."""

from __future__ import annotations

from dataclasses import asdict

import click

from .. import project as projects
from . import versions
from .output import echo_json, echo_table, json_option


@click.command()
@click.argument("project", required=False)
@json_option
def doctor(project: str | None, as_json: bool) -> None:
    """Say what is installed here and what is too old, and whether PROJECT can be read whole."""
    found = versions.check()
    damaged = None
    if project is not None:
        with projects.open(project, create=False) as opened:
            damaged = opened.damage()
    if as_json:
        echo_json({"versions": [asdict(one) for one in found], "project": project, "damage": damaged})
        return
    echo_table(["", "found", "at least", "", ""], [(o.name, o.found, o.needed, o.status, o.reason) for o in found])
    if damaged is not None:
        click.echo()
        click.echo(f"{project}: {'nothing is damaged' if not damaged else f'{len(damaged):,} files are damaged'}")
        for line in damaged:
            click.echo(f"  {line}")
