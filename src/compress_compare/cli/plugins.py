"""``compress-compare plugins``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from .. import exporters, importers, operations, shipping
from .. import plugins as extensions
from .output import echo_json, echo_table, json_option

ADDED: Mapping[extensions.Kind, Callable[[], Sequence[extensions.Added[Any]]]] = {
    "operation": lambda: operations.registry.added(operations.OPERATIONS),
    "importer": importers.added,
    "exporter": exporters.added,
    "format": shipping.added,
}
"""What other packages add, by kind."""


@click.command()
@json_option
def plugins(as_json: bool) -> None:
    """List the operations, importers, exporters and formats of other packages, with the errors of those that fail."""
    found = [_document(one) for look in ADDED.values() for one in look()]
    if as_json:
        echo_json({"plugins": found})
    elif not found:
        click.echo("No other package adds anything.")
    else:
        rows = [(one["kind"], one["name"], one["package"], one["version"], one["error"]) for one in found]
        echo_table(["kind", "name", "package", "version", "error"], rows)


def _document(one: extensions.Added[Any]) -> dict[str, str | None]:
    return {
        "kind": one.plugin.kind,
        "name": one.name,
        "package": one.plugin.package,
        "version": one.plugin.version,
        "value": one.plugin.value,
        "error": one.error.detail if one.error is not None else None,
    }
