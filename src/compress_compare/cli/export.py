"""``compress-compare export``."""

from __future__ import annotations

from pathlib import Path

import click

from .. import exporters
from .. import project as projects
from . import files


@click.command()
@click.argument("project")
@click.option("-o", "--output", required=True, help="The file to write; its ending tells the format.")
@click.option("--format", "format_", type=click.Choice(list(exporters.EXPORTERS)), help="If the ending does not tell.")
def export(project: str, output: str, format_: str | None) -> None:
    """Write all models of PROJECT with their metrics to a file: .json (experiments), .csv or .parquet (a table)."""
    path = Path(output)
    write = exporters.EXPORTERS[format_ or exporters.format_of(path)]
    with projects.open(project, create=False) as opened:
        files.write(path, write(opened))
        click.echo(f"Wrote {len(opened):,} models to {output}.")
