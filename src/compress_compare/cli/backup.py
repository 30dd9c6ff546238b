"""``compress-compare backup``."""

from __future__ import annotations

from pathlib import Path

import click

from .. import project as projects
from .output import echo_json, json_option


@click.command()
@click.argument("project")
@click.argument("directory")
@json_option
def backup(project: str, directory: str, *, as_json: bool) -> None:
    """Copy PROJECT as it is at this moment to a new DIRECTORY, while others may read and write it."""
    with projects.open(project, create=False, read_only=True) as opened:
        made = opened.backup(Path(directory))
    if as_json:
        echo_json({"path": str(made.path), "num_files": made.num_files, "num_bytes": made.num_bytes})
        return
    click.echo(f"{made.num_files:,} files copied to {made.path}, {made.num_bytes:,} bytes with the database.")
