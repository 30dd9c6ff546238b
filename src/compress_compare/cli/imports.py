"""``compress-compare import``."""

from __future__ import annotations

import click

from .. import importers
from .. import project as projects


@click.command("import", epilog=f"Built in: {', '.join(importers.IMPORTERS)}. Others: see the command plugins.")
@click.argument("source")
@click.argument("path")
@click.argument("project")
@click.option(
    "--higher-is-better", "higher", multiple=True, metavar="METRIC", help="Higher values of this metric are better."
)
@click.option(
    "--lower-is-better", "lower", multiple=True, metavar="METRIC", help="Lower values of this metric are better."
)
def import_(source: str, path: str, project: str, higher: tuple[str, ...], lower: tuple[str, ...]) -> None:
    """Import the experiments in PATH, a file, folder or URL, written by SOURCE, into PROJECT."""
    read = importers.load(source, path)
    importers.direct(read, higher=higher, lower=lower)
    with projects.open(project) as opened:
        report = importers.write(read, opened)
    for warning in report.warnings:
        click.echo(f"warning: {warning}", err=True)
    answers = report.num_datasets or report.num_outputs
    more = f", {report.num_datasets:,} datasets and {report.num_outputs:,} sets of outputs" if answers else ""
    click.echo(f"Imported {report.num_models:,} models{more} into {project}.")
