"""``compress-compare report``."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from .. import project as projects
from . import files


@click.command()
@click.argument("project")
@click.argument("named", metavar="[MODELS]...", nargs=-1)
@click.option("--models", multiple=True, help="Models to report on, separated by commas; default: the frontier.")
@click.option("--base", help="The model that the others are compared with; default: the root of the first.")
@click.option("-o", "--output", default="report.html", show_default=True, help="The file to write.")
def report(project: str, named: tuple[str, ...], models: tuple[str, ...], base: str | None, output: str) -> None:
    """Write a report on models of PROJECT: one HTML file that needs no server and no network."""
    from ..report import report as made

    with projects.open(project, create=False) as opened:
        ids = list(_ids(opened, (*models, *named)))
        text = made(opened, ids, base=base, now=datetime.datetime.now(datetime.UTC).date())
    files.write(Path(output), text.encode())
    click.echo(f"Wrote {output} ({len(text.encode()) / 1e6:.1f} MB).")


def _ids(project: projects.Project, given: Iterable[str]) -> Iterator[str]:
    """Each of ``given`` is an id, or several with commas between."""
    for text in given:
        yield from [text] if text in project else filter(None, map(str.strip, text.split(",")))
