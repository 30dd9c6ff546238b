"""The commands that change what was logged: ``delete``, ``restore``, ``rename``, ``correct`` and so on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from .. import project as projects
from ..analysis.quantities import writing
from ..errors import InvalidValue
from ..records import Change, Metric, Operation
from .output import cell, echo_json, echo_table, json_option

reason_option = click.option("--reason", default="", help="Why, for the history.")
descendants_option = click.option(
    "--descendants", is_flag=True, help="Also those that come from it; without, it is refused while there are any."
)
SHOWN = 60
"""Characters of a value in the table of the history."""


@click.command()
@click.argument("project")
@click.argument("model")
@descendants_option
@reason_option
@json_option
def delete(project: str, model: str, descendants: bool, reason: str, as_json: bool) -> None:
    """Delete MODEL of PROJECT. It can be restored until the project is purged."""
    with projects.open(project, create=False) as opened:
        _tell(opened.delete(model, descendants=descendants, reason=reason), as_json=as_json)


@click.command()
@click.argument("project")
@click.argument("model")
@json_option
def restore(project: str, model: str, as_json: bool) -> None:
    """Put the deleted MODEL of PROJECT back, with all that was deleted together with it."""
    with projects.open(project, create=False) as opened:
        _tell(opened.restore_deleted(model), as_json=as_json)


@click.command()
@click.argument("project")
@click.argument("model")
@click.argument("new")
@reason_option
@json_option
def rename(project: str, model: str, new: str, reason: str, as_json: bool) -> None:
    """Call MODEL of PROJECT NEW from now on."""
    with projects.open(project, create=False) as opened:
        _tell(opened.rename(model, new, reason=reason), as_json=as_json)


@click.command("set-base")
@click.argument("project")
@click.argument("model")
@click.argument("base", required=False)
@click.option("--root", is_flag=True, help="Make it a root, instead of naming a BASE.")
@click.option("--operation", help="The name of the operation that was applied; without, it stays as it is.")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="Of that operation; repeatable.")
@reason_option
@json_option
def set_base(project: str, model: str, base: str | None, root: bool, reason: str, **options: Any) -> None:
    """Say that MODEL of PROJECT came from BASE. What comes from it moves with it."""
    if root == (base is not None):
        raise InvalidValue("base.choice", "Name either a BASE or --root.")
    name, given = options["operation"], options["parameters"]
    if given and name is None:
        raise InvalidValue("operation.missing", "--parameter needs the --operation that it belongs to.")
    extra = {} if name is None else {"operation": Operation(name, **dict(_pair(one) for one in given))}
    with projects.open(project, create=False) as opened:
        _tell(opened.set_base(model, base, **extra, reason=reason), as_json=options["as_json"])


@click.command()
@click.argument("project")
@click.argument("model")
@descendants_option
@click.option("--off", is_flag=True, help="Show an archived model again, with those that it comes from.")
@reason_option
@json_option
def archive(project: str, model: str, off: bool, reason: str, **options: Any) -> None:
    """Hide MODEL of PROJECT from all lists and charts; its numbers stay."""
    with projects.open(project, create=False) as opened:
        if off:
            change = opened.unarchive(model)
        else:
            change = opened.archive(model, descendants=options["descendants"], reason=reason)
    _tell(change, as_json=options["as_json"])


@click.command()
@click.argument("project")
@click.argument("model")
@click.argument("values", nargs=-1, required=True, metavar="METRIC=VALUE...")
@reason_option
@json_option
def correct(project: str, model: str, values: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Replace wrong metric values of MODEL of PROJECT. An empty VALUE removes one.

    The old values stay in the history.
    """
    given = dict(_metric(value) for value in values)
    with projects.open(project, create=False) as opened:
        _tell(opened.correct(model, given, reason=reason), as_json=as_json)


@click.command()
@click.argument("project")
@click.argument("model", required=False)
@json_option
def history(project: str, model: str | None, as_json: bool) -> None:
    """Show what was changed in PROJECT after it was logged, or about one MODEL, the newest first."""
    with projects.open(project, create=False) as opened:
        found, metrics = opened.history(model), {metric.name: metric for metric in opened.metrics()}
    if as_json:
        echo_json({"changes": [asdict(change) for change in found]})
        return
    echo_table(
        ["number", "at", "by", "action", "models", "old", "new", "reason"], [_row(change, metrics) for change in found]
    )


@click.command()
@click.argument("project")
@click.argument("number", type=int, required=False)
@json_option
def undo(project: str, number: int | None, as_json: bool) -> None:
    """Take back the last change of PROJECT, or the one with a NUMBER of the history."""
    with projects.open(project, create=False) as opened:
        _tell(opened.undo(number), as_json=as_json)


def _tell(change: Change | None, *, as_json: bool) -> None:
    if as_json:
        echo_json({"change": None if change is None else asdict(change)})
    elif change is None:
        click.echo("It is so already; nothing was changed.")
    else:
        back = f" Take it back with: compress-compare undo PROJECT {change.number}" if change.undoable else ""
        click.echo(f"{change.action}: {cell(', '.join(change.models))}.{back}")


def _row(change: Change, metrics: Mapping[str, Metric]) -> list[Any]:
    state = f"{change.action} (undone)" if change.undone_by is not None else change.action
    by = change.origin.user if change.origin else ""
    by += f" ({change.origin.token})" if change.origin and change.origin.token else ""
    models = _short(", ".join(change.models))
    return [
        change.number,
        change.at[:19],
        by,
        state,
        models,
        *(_said(each, metrics) for each in (change.old, change.new)),
        change.reason,
    ]


def _said(values: Any, metrics: Mapping[str, Metric]) -> str:
    return _short(", ".join(f"{name} {_value(value, metrics.get(name))}" for name, value in values.items()))


def _value(value: Any, metric: Metric | None) -> str:
    if metric is not None and isinstance(value, int | float):
        return writing.written(value, metric)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _metric(text: str) -> tuple[str, float | None]:
    name, found, value = text.rpartition("=")
    wrong = InvalidValue("metric.value", f"A correction is METRIC=VALUE with a number; found {text!r:.80}.")
    if not found:
        raise wrong
    try:
        return name, float(value) if value else None
    except ValueError:
        raise wrong from None


def _pair(text: str) -> tuple[str, Any]:
    name, found, value = text.partition("=")
    if not found:
        raise InvalidValue("parameter.form", f"A parameter is NAME=VALUE; found {text!r:.80}.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
