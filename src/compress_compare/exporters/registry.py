"""The table of exporters of whole projects, by the name that the command line uses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InvalidValue
from . import compress_and_compare, tables

if TYPE_CHECKING:
    from ..store.store import Store


def _experiments(project: Store) -> bytes:
    found = compress_and_compare.document(project.overview().to_pylist(), project.metrics())
    return json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False).encode()


EXPORTERS: Mapping[str, Callable[[Store], bytes]] = {
    "compress-and-compare": _experiments,
    "csv": lambda project: tables.written(project.models().arrow, "csv"),
    "parquet": lambda project: tables.written(project.models().arrow, "parquet"),
}
_BY_SUFFIX = {".json": "compress-and-compare", ".csv": "csv", ".parquet": "parquet"}


def format_of(path: Path) -> str:
    """The format that a file's name asks for.

    Raises:
        InvalidValue: ``export.unknown_format``.
    """
    if path.suffix.lower() not in _BY_SUFFIX:
        raise InvalidValue(
            "export.unknown_format",
            f"The name {path.name!r} does not say which format is wanted.",
            hint=f"End it in one of: {', '.join(_BY_SUFFIX)}; or add --format and one of: {', '.join(EXPORTERS)}.",
        )
    return _BY_SUFFIX[path.suffix.lower()]
