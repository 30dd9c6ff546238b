"""What other installed packages add to this one, through entry points: operations, importers, exporters and formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, Literal, TypeVar

from .errors import UserError

Kind = Literal["operation", "importer", "exporter", "format"]
GROUPS: Mapping[Kind, str] = {
    "operation": "compress_compare.operations",
    "importer": "compress_compare.importers",
    "exporter": "compress_compare.exporters",
    "format": "compress_compare.formats",
}
"""The group of entry points in which a package declares what it adds, by kind."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Plugin:
    """One entry point of another package; nothing of it is imported yet.

    Args:
        kind: what it adds.
        name: of the entry point.
        value: where it is, as ``module:attribute``.
        package: the distribution that declares it; empty if that is not known.
        version: of that distribution.
    """

    kind: Kind
    name: str
    value: str
    package: str
    version: str

    def load(self) -> object:
        """Import what the entry point refers to.

        Raises:
            UserError: see :meth:`broken`.
        """
        try:
            return EntryPoint(self.name, self.value, GROUPS[self.kind]).load()
        except Exception as error:
            raise self.broken(f"{type(error).__name__}: {error}") from error

    def broken(self, reason: str) -> UserError:
        """The error for an entry point that cannot be used: ``operation.entry_point``, ``importer.entry_point``, …"""
        return UserError(
            f"{self.kind}.entry_point",
            f"The {self.kind} {self.name!r} of {self.package or 'an installed package'} cannot be loaded.",
            detail=reason[:300],
            hint="Repair or uninstall that package.",
        )


@dataclass(frozen=True)
class Added(Generic[_T]):
    """What a plug-in adds, or why it cannot be used.

    Args:
        plugin: the entry point.
        name: under which people use it; the name of the entry point if it cannot be loaded.
        what: the thing itself; none if it cannot be loaded.
        error: why not.
    """

    plugin: Plugin
    name: str
    what: _T | None = None
    error: UserError | None = None


def installed(kind: Kind) -> list[Plugin]:
    """The entry points of one kind, in the order of their names; nothing is imported."""
    points = sorted(entry_points(group=GROUPS[kind]), key=lambda point: (point.name, point.value))
    return [
        Plugin(kind, point.name, point.value, *((point.dist.name, point.dist.version) if point.dist else ("", "")))
        for point in points
    ]


def added(kind: Kind, builtin: Mapping[str, _T], *, load: Callable[[Plugin], tuple[str, _T]]) -> list[Added[_T]]:
    """What other packages add of one kind, each with the error if it cannot be loaded or takes a name that is taken.

    Args:
        kind: of what is added.
        builtin: what this package has, by name.
        load: gives name and thing of a plug-in, or raises ``plugin.broken(…)``.
    """
    found: list[Added[_T]] = []
    taken = set(builtin)
    for plugin in installed(kind):
        try:
            name, what = load(plugin)
            if name in taken:
                raise plugin.broken(f"The name {name!r} is taken.")
        except UserError as error:
            found.append(Added(plugin, plugin.name, error=error))
        else:
            taken.add(name)
            found.append(Added(plugin, name, what))
    return found


def joined(builtin: Mapping[str, _T], extra: Iterable[Added[_T]]) -> dict[str, _T]:
    """What is built in and what is added, by name.

    Raises:
        UserError: the error of the first plug-in that cannot be used.
    """
    table = dict(builtin)
    for one in extra:
        if one.error is not None or one.what is None:
            raise one.error or one.plugin.broken("It is nothing.")
        table[one.name] = one.what
    return table


def origin(plugin: Plugin) -> str:
    """The package of a plug-in with its version, as people read it."""
    return f"{plugin.package} {plugin.version}".strip() or "an installed package"
