"""The table of importers, by the name that the command line uses: those of this package and of others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .. import plugins
from ..errors import InvalidValue
from . import compress_and_compare
from .base import Imported, Importer
from .places import locate

IMPORTERS: Mapping[str, Importer] = {
    "compress-and-compare": compress_and_compare.IMPORTER,
}


def added() -> list[plugins.Added[Importer]]:
    """The importers of other packages, each with the error if it cannot be used."""
    return plugins.added("importer", IMPORTERS, load=_load)


def available() -> dict[str, Importer]:
    """All importers: the built-in ones and those of entry points in the group ``compress_compare.importers``.

    Raises:
        UserError: ``importer.entry_point`` naming the package whose importer cannot be loaded or takes a taken name.
    """
    return plugins.joined(IMPORTERS, added())


def load(source: str, where: str | Path) -> Imported:
    """Read the experiments that ``source`` wrote.

    Args:
        source: name of an importer.
        where: a file, a folder or a URL, as the importer takes them.

    Raises:
        NotFound: ``import.no_file``.
        InvalidValue: ``import.*`` if it cannot be read as that.
    """
    known = available()
    if source not in known:
        raise InvalidValue(
            "import.unknown_source",
            f"There is no importer {source[:80]!r}.",
            hint=f"Choose one of: {', '.join(known)}.",
        )
    importer = known[source]
    return importer.read(locate(where, takes=importer.takes))


def _load(plugin: plugins.Plugin) -> tuple[str, Importer]:
    loaded = plugin.load()
    if not isinstance(loaded, Importer):
        raise plugin.broken(f"{plugin.value} is not an importer.")
    return plugin.name, loaded
