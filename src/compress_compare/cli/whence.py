"""``compress-compare whence``."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import click

from .. import project as projects
from ..comparisons import whence as comparisons
from ..errors import InvalidValue, NotFound
from ..records import Operation
from .output import cell, echo_json, json_option


@click.command()
@click.argument("file")
@click.option("--in", "within", multiple=True, help="A project to look in; repeatable. Default: those in . and runs/.")
@json_option
def whence(file: str, within: tuple[str, ...], *, as_json: bool) -> None:
    """Say which model of which project FILE, a checkpoint or a folder of one, is. Exit code 1: of none of them."""
    with ExitStack() as stack:
        stores = [
            stack.enter_context(projects.open(place, create=False, read_only=True)) for place in within or _nearby()
        ]
        found = comparisons.whence(Path(file), stores)
        places = [str(store.path) for store in stores]
    if as_json:
        echo_json({"file": file, "projects": places, "found": [one.as_dict() for one in found]})
    for one in () if as_json else found:
        click.echo(f"{cell(one.model)} of {one.project}: {one.how}")
        for step in one.lineage:
            click.echo(f"  {cell(step.model)}  {cell(_said(step.operation))}")
    if not found:
        if not as_json:
            click.echo(f"No model of {len(places)} projects has these files or tensors: {', '.join(places)}.", err=True)
        sys.exit(1)


def _nearby() -> list[Path]:
    """The projects in the current folder and in ``runs/``."""
    candidates = [Path(), *(sorted(Path("runs").iterdir()) if Path("runs").is_dir() else ())]
    found = []
    for folder in candidates:
        try:
            projects.open(folder, create=False, read_only=True).close()
        except (NotFound, InvalidValue):
            continue
        found.append(folder)
    if not found:
        raise NotFound("project.unknown", "There is no project here or in runs/.", hint="Name one: --in PROJECT")
    return found


def _said(operation: Operation | None) -> str:
    if operation is None:
        return "(root)"
    return " ".join([operation.name, *(f"{name}={value}" for name, value in operation.parameters.items())])
