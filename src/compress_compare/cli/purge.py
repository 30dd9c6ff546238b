"""``compress-compare purge``."""

from __future__ import annotations

from dataclasses import asdict

import click

from .. import project as projects
from .output import echo_json, json_option


@click.command()
@click.argument("project")
@json_option
def purge(project: str, as_json: bool) -> None:
    """Remove files of PROJECT that nothing names, which killed processes have left."""
    with projects.open(project, create=False) as opened:
        removed = opened.purge()
    if as_json:
        echo_json(asdict(removed))
        return
    click.echo(f"{removed.count:,} files removed, {removed.num_bytes:,} bytes.")
