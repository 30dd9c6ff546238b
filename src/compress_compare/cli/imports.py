"""``compress-compare import``."""

from __future__ import annotations

from pathlib import Path

import click

from .. import importers
from .. import project as projects


@click.command("import")
@click.argument("source", type=click.Choice(list(importers.IMPORTERS)))
@click.argument("path")
@click.argument("project")
@click.option("--higher-is-better", "higher", multiple=True, metavar="METRIC", help="More of this metric is better.")
@click.option("--lower-is-better", "lower", multiple=True, metavar="METRIC", help="Less of this metric is better.")
def import_(source: str, path: str, project: str, higher: tuple[str, ...], lower: tuple[str, ...]) -> None:
    """Import the experiments in the file PATH, written by SOURCE, into PROJECT."""
    read = importers.load(source, Path(path))
    importers.direct(read, higher=higher, lower=lower)
    with projects.open(project) as opened:
        report = importers.write(read, opened)
    for warning in report.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"Imported {report.num_models:,} models into {project}.")
