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
    """Give the space of deleted models of PROJECT back, and of files that killed processes have left.

    Deleted models cannot be restored any more.
    """
    with projects.open(project, create=False) as opened:
        removed = opened.purge()
    if as_json:
        echo_json(asdict(removed))
        return
    if removed.models:
        click.echo(f"{removed.models:,} deleted models removed for good.")
    click.echo(f"{removed.count:,} files removed, {removed.num_bytes:,} bytes.")
