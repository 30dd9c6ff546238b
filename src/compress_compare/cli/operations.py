"""``compress-compare operations``."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import Any

import click

from .. import operations as registered
from .. import plugins
from ..operations.describe import describe
from .output import echo_json, echo_table, json_option

WIDTH = 100
BUILT_IN = "compress-compare"


@click.command()
@click.argument("name", required=False)
@json_option
def operations(name: str | None, as_json: bool) -> None:
    """List the compression operations, those of other packages too, or explain the one called NAME."""
    packages = _packages()
    classes = registered.available()
    chosen = {name: registered.get(name)} if name else classes
    found = [_document(cls, packages.get(cls.name, BUILT_IN)) for cls in chosen.values()]
    if as_json:
        echo_json({"operations": found})
    elif name:
        _explain(found[0])
    else:
        rows = [(one["name"], one["data"], one["lowers"] or "–", one["package"], one["summary"]) for one in found]
        echo_table(["operation", "data", "lowers", "from", "what it does"], rows)


def _packages() -> dict[str, str]:
    """Name and version of the package of each operation that is not ours."""
    added = registered.registry.added(registered.OPERATIONS)
    return {one.name: plugins.origin(one.plugin) for one in added}


def _document(cls: type[registered.BaseOperation], package: str) -> dict[str, Any]:
    return {
        **asdict(describe(cls)),
        "package": package,
        "data": cls.data_requirement,
        "roles": list(cls.roles),
        "main": list(cls.main),
        "lowers": cls.lowers,
        "keeps_shapes": cls.keeps_shapes,
        "schema": cls.json_schema(),
    }


def _explain(one: dict[str, Any]) -> None:
    click.echo(one["name"])
    for part in (one["summary"], *one["details"], " ".join(one["facts"]), f"It comes with {one['package']}."):
        click.echo()
        click.echo(textwrap.fill(part, WIDTH, break_on_hyphens=False))
    if one["parameters"]:
        click.echo()
        click.echo("Parameters:")
    for parameter in one["parameters"]:
        click.echo(f"  {parameter['name']}: {parameter['allowed']}; default {parameter['default']}")
        click.echo(textwrap.indent(textwrap.fill(parameter["description"], WIDTH - 6, break_on_hyphens=False), " " * 6))
