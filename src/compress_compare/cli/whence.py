"""``compress-compare whence``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from .. import project as projects
from ..comparisons import whence as comparisons
from ..errors import InvalidValue, NotFound, UserError
from ..records import Operation
from .output import cell, echo_json, json_option


@click.command()
@click.argument("file")
@click.option("--in", "within", multiple=True, help="A project to look in; repeatable. Default: those in . and runs/.")
@json_option
def whence(file: str, within: tuple[str, ...], *, as_json: bool) -> None:
    """Say which model of which project FILE, a checkpoint or a folder of one, is. Exit code 1: of none of them.

    A shipped file names its model and lineage itself, also where the project is not at hand.
    """
    said = comparisons.says(Path(file))
    with ExitStack() as stack:
        stores = [
            stack.enter_context(projects.open(place, create=False, read_only=True))
            for place in within or _nearby(needed=not said)
        ]
        found = comparisons.whence(Path(file), stores, unread=lambda said: click.echo(f"note: {cell(said)}", err=True))
        places = [str(store.path) for store in stores]
    if as_json:
        answers = [one.as_dict() for one in found]
        echo_json({"file": file, "projects": places, "found": answers, "origin": dict(said) or None})
    for one in () if as_json else found:
        click.echo(f"{cell(one.model)} of {one.project}: {one.how}")
        for step in one.lineage:
            click.echo(f"  {cell(step.model)}  {cell(_said(step.operation))}")
    if said and not found and not as_json:
        click.echo(f"{cell(said['model'])} of the project {cell(said['project'])}: the file says so")
        for step in said["lineage"]:
            click.echo(f"  {cell(step['model'])}  {cell(_text(step.get('operation'), step['parameters']))}")
    if not found and not said:
        if not as_json:
            click.echo(f"No model has these files or tensors, in {', '.join(places)}.", err=True)
        sys.exit(1)


def _nearby(*, needed: bool) -> list[Path]:
    """The projects in the current folder and in ``runs/``; none is an error where one is needed."""
    candidates = [Path(), *(sorted(Path("runs").iterdir()) if Path("runs").is_dir() else ())]
    found = []
    for folder in candidates:
        try:
            projects.open(folder, create=False, read_only=True).close()
        except (NotFound, InvalidValue):
            continue
        except UserError as error:  # one that is damaged or of another person hides none of the others
            click.echo(f"note: not looked in {folder}: {error.title}", err=True)
            continue
        found.append(folder)
    if not found and needed:
        raise NotFound("project.unknown", "There is no project here or in runs/.", hint="Name one: --in PROJECT")
    return found


def _said(operation: Operation | None) -> str:
    return _text(None, {}) if operation is None else _text(operation.name, operation.parameters)


def _text(operation: str | None, parameters: Mapping[str, Any]) -> str:
    if operation is None:
        return "(root)"
    return " ".join([str(operation), *(f"{name}={value}" for name, value in parameters.items())])
