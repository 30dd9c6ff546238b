"""``compress-compare doctor``."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from .. import project as projects
from . import versions
from .output import echo_json, echo_table, json_option


@click.command()
@click.argument("project", required=False)
@click.option("--repair", is_flag=True, help="Repair damaged files from copies.")
@click.option("--from", "places", multiple=True, metavar="PATH", help="A file or folder to search for copies.")
@json_option
def doctor(project: str | None, repair: bool, places: tuple[str, ...], as_json: bool) -> None:
    """List the installed versions and those that are too old, and check whether every file of PROJECT is intact.

    Ends with exit code 1 if something is damaged.
    """
    if repair and project is None:
        raise click.UsageError("--repair needs a PROJECT.")
    found = versions.check()
    damaged, healed, left, readers = None, list[str](), None, None
    if project is not None:
        with projects.open(project, create=False) as opened:
            if repair:
                healed = opened.repair(places)
            damaged, left, readers = opened.damage(), opened.garbage(), opened.readers()
    if as_json:
        versions_found = [asdict(one) for one in found]
        rest = None if left is None else asdict(left)
        echo_json(
            {
                "versions": versions_found,
                "project": project,
                "readers": readers,
                "damage": damaged,
                "repaired": healed,
                "garbage": rest,
            }
        )
    else:
        _show(found, project, damaged=damaged, healed=healed)
        if readers is not None:
            click.echo(f"{project}: {readers}")
        if left is not None and left.count:
            click.echo(f"{project}: {left.count:,} files ({left.num_bytes:,} bytes) belong to nothing.")
            click.echo(f"  Remove them with: compress-compare purge {project}")
    if damaged:
        sys.exit(1)


def _show(
    found: list[versions.VersionFinding], project: str | None, *, damaged: list[str] | None, healed: list[str]
) -> None:
    echo_table(["", "found", "at least", "", ""], [(o.name, o.found, o.needed, o.status, o.reason) for o in found])
    if damaged is not None:
        click.echo()
        for name in healed:
            click.echo(f"{project}: put right: {name}")
        click.echo(f"{project}: {'nothing is damaged' if not damaged else f'{len(damaged):,} files are damaged'}")
        for line in damaged:
            click.echo(f"  {line}")
