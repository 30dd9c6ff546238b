"""``compress-compare export``."""

from __future__ import annotations

from pathlib import Path

import click

from .. import exporters
from .. import project as projects
from . import files


@click.command()
@click.argument("project")
@click.option("-o", "--output", required=True, help="The file to write; its ending decides the format.")
@click.option(
    "--format", "format_", help="The format, if the ending does not decide it; see the command plugins for more."
)
def export(project: str, output: str, format_: str | None) -> None:
    """Write all models of PROJECT with their metrics to a file: .json (experiments), .csv or .parquet (a table)."""
    path = Path(output)
    exporter = exporters.choose(path, format_)
    with projects.open(project, create=False) as opened:
        files.write(path, exporter.write(opened))
        click.echo(f"Wrote {len(opened):,} models to {output}.")
