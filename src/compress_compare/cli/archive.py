"""``compress-compare pack``, ``unpack`` and ``merge``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from .. import project as projects
from ..errors import InvalidValue
from ..store.merging.conflicts import CHOICES, REFUSE, MergeConflict, MergeRefusedError
from ..store.merging.merge import MergeReport, preview
from ..store.merging.opened import opened as opened_other
from .output import cell, echo_json, json_option


@click.command()
@click.argument("project")
@click.option("-o", "--output", help="The archive to write; default: the name of the project with .ccz.")
def pack(project: str, output: str | None) -> None:
    """Write all of PROJECT to one file. Equal projects make equal bytes."""
    with projects.open(project, create=False, read_only=True) as opened:
        path = Path(output or f"{opened.name}.ccz")
        size = opened.pack(path)
    click.echo(f"Wrote {size:,} bytes to {path}.")


@click.command()
@click.argument("archive")
@click.argument("project")
def unpack(archive: str, project: str) -> None:
    """Make PROJECT, a directory that is not there yet, of an ARCHIVE."""
    with projects.unpack(archive, project) as opened:
        click.echo(f"Unpacked {len(opened):,} models to {project}.")


@click.command()
@click.argument("project")
@click.argument("other")
@click.option(
    "--on-conflict",
    type=click.Choice((REFUSE, *CHOICES)),
    default=REFUSE,
    show_default=True,
    help="What stays where the two contradict each other.",
)
@click.option("--take", multiple=True, help="CONFLICT=CHOICE for one of them, e.g. 'note cnn=theirs'; repeatable.")
@click.option("--dry-run", is_flag=True, help="List the conflicts and change nothing.")
@json_option
def merge(project: str, other: str, *, on_conflict: str, take: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Bring what OTHER, a project or an archive, has into PROJECT: all of it, or nothing."""
    choices = {**dict(map(_pair, take)), "*": on_conflict}
    with projects.open(project, create=False) as opened:
        if dry_run:
            with opened_other(other) as theirs:
                _list(preview(opened, theirs).conflicts, as_json=as_json)
            return
        try:
            report = opened.merge(other, on_conflict=choices)
        except MergeRefusedError as error:
            for conflict in () if as_json else error.conflicts:
                click.echo(_line(conflict), err=True)
            raise
    if as_json:
        echo_json(report.as_dict())
    else:
        _show(report)


def _pair(text: str) -> tuple[str, str]:
    title, sign, choice = text.rpartition("=")
    if not sign or choice not in CHOICES:
        hint = f"Write it as 'note cnn=theirs'; choices: {', '.join(CHOICES)}."
        raise InvalidValue("merge.choice", f"{text[:80]!r} is not CONFLICT=CHOICE.", hint=hint)
    return title, choice


def _list(found: Sequence[MergeConflict], *, as_json: bool) -> None:
    if as_json:
        echo_json({"conflicts": [{"conflict": one.title, "ours": one.ours, "theirs": one.theirs} for one in found]})
        return
    for conflict in found:
        click.echo(_line(conflict))
    click.echo(f"{len(found)} conflicts.")


def _line(conflict: MergeConflict) -> str:
    return f"{cell(conflict.title)}: {cell(conflict.ours)} here, {cell(conflict.theirs)} there"


def _show(report: MergeReport) -> None:
    for kind, count in report.added.items():
        click.echo(f"{count:,} {kind.replace('_', ' ')} added")
    for conflict, choice in report.conflicts.items():
        click.echo(f"{choice}: {_line(conflict)}")
    for before, after in report.renamed.items():
        click.echo(f"{cell(before)} came in as {cell(after)}")
    if not report.added and not report.conflicts:
        click.echo("Nothing new.")
