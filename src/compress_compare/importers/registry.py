"""The table of importers, by the name that the command line uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..errors import InvalidValue
from . import compress_and_compare
from .base import Imported

IMPORTERS: Mapping[str, Callable[[Path], Imported]] = {
    "compress-and-compare": compress_and_compare.read,
}


def load(source: str, path: Path) -> Imported:
    """Read the experiments in the file ``path``, written by ``source``.

    Raises:
        InvalidValue: ``import.*`` if the file cannot be read as that.
    """
    if source not in IMPORTERS:
        raise InvalidValue(
            "import.unknown_source", f"There is no importer {source!r}.", hint=f"Choose one of: {', '.join(IMPORTERS)}."
        )
    return IMPORTERS[source](path)
