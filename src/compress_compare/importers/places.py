"""Where experiments are read from, and the refusals that every importer has in common."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..errors import InvalidValue, NotFound

MAX_BYTES = 200_000_000
_URL = re.compile(r"[a-z][a-z0-9+.-]+://\S+", re.IGNORECASE)

Progress = Callable[[float, str], None]
"""Is told (share done, what is done now)."""

Kind = Literal["file", "folder", "url"]
ARTICLES = {"file": "a file", "folder": "a folder", "url": "a URL"}


def untold(share: float, what: str) -> None:
    """Progress that nobody asks for."""


@dataclass(frozen=True)
class Place:
    """A file or a folder that is there, or a URL.

    Args:
        kind: which of them.
        address: the path or the URL as it was given.
        options: what the user says about how to read it, e.g. the mapping of a table's columns.
        progress: is told how much has been read.
    """

    kind: Kind
    address: str
    options: Mapping[str, Any] = field(default_factory=dict)
    progress: Progress = field(default=untold, compare=False)

    @property
    def path(self) -> Path:
        """Of a file or a folder."""
        return Path(self.address)

    @property
    def name(self) -> str:
        """What messages call it: the last part of the path, or the whole URL."""
        return self.address if self.kind == "url" else Path(self.address).resolve().name

    def each(self, files: Sequence[Path]) -> Iterator[Path]:
        """Files or folders one after the other; progress is told before each."""
        for index, file in enumerate(files):
            self.progress(index / len(files), f"reading {file.name}, {index + 1:,} of {len(files):,}")
            yield file


def locate(where: str | Path, *, takes: Collection[Kind]) -> Place:
    """The file, folder or URL that ``where`` names.

    Args:
        where: a path or a URL.
        takes: what can be read.

    Raises:
        NotFound: ``import.no_file``, also for an empty path.
        InvalidValue: ``import.kind`` if it is there but is not of a kind in ``takes``, such as a pipe or a device.
    """
    address = str(where)
    kind: Kind = "url" if _URL.fullmatch(address) else "folder" if Path(address).is_dir() else "file"
    if not address.strip():
        raise NotFound("import.no_file", "The path of what to import is empty.", hint="Give a file, a folder or a URL.")
    if kind == "file" and not Path(address).is_file():
        if os.path.lexists(address):
            title = f"{address!r:.300} is neither a file nor a folder, or a link to none."
            raise InvalidValue("import.kind", title, hint="Give a regular file or a folder.")
        raise NotFound("import.no_file", f"There is no file or folder {address!r:.300}.", hint="Check the path.")
    place = Place(kind, address)
    if kind not in takes:
        wanted = " or ".join(ARTICLES[one] for one in ARTICLES if one in takes)
        raise InvalidValue("import.kind", f"{place.name!r} is {ARTICLES[kind]}.", hint=f"Give {wanted} to read from.")
    return place


def text(path: Path) -> str:
    """The text in a file, UTF-8 with or without a byte order mark.

    Raises:
        NotFound: ``import.no_file``.
        InvalidValue: ``import.empty_file``, ``import.too_large``, ``import.not_text``.
    """
    if not path.is_file():
        raise NotFound("import.no_file", f"There is no file {path.name!r}.", hint="Check that the export is complete.")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise InvalidValue("import.too_large", f"{path.name!r} has {size:,} bytes; the limit is {MAX_BYTES:,}.")
    if size == 0:
        raise InvalidValue("import.empty_file", f"{path.name!r} is empty (0 bytes).", hint="Check the download.")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "Export it again."
        raise InvalidValue("import.not_text", f"{path.name!r} is not UTF-8 text.", hint=hint) from error


def json_document(path: Path) -> Any:
    """The JSON document in a file; NaN and Infinity are accepted.

    Raises:
        NotFound: as for ``text``.
        InvalidValue: as for ``text``, and ``import.not_json`` with the position.
    """
    try:
        return json.loads(text(path))
    except json.JSONDecodeError as error:
        cut = error.pos >= len(error.doc.rstrip()) - 1
        raise InvalidValue(
            "import.not_json",
            f"{path.name!r} {'ends too early' if cut else 'is not valid JSON'}.",
            detail=f"Line {error.lineno}, column {error.colno}: {error.msg}.",
            hint="Check that the file is complete." if cut else "Correct that place and import again.",
        ) from error
    except RecursionError as error:
        title = f"{path.name!r} is nested too deeply."
        raise InvalidValue("import.not_json", title, hint="Export it again.") from error


def other_format(place: Place, wanted: str, *, expected: str) -> InvalidValue:
    """The error for a place that can be read but holds something else.

    Args:
        place: that was read.
        wanted: what it should be, e.g. ``an experiment file of Compress and Compare``.
        expected: what would show that it is one, as a sentence.
    """
    return InvalidValue("import.format", f"{place.name!r} is not {wanted}.", detail=expected)
