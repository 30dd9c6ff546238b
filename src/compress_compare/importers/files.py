"""Reading of other tools' files within bounds: heads of files, what lies in a folder, lines of JSON, YAML as data."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from ..errors import InvalidValue
from ..readers import plain_yaml
from .places import text

HEAD_BYTES = 4096
MAX_ENTRIES = 20_000
"""Files and folders that are looked at below one folder."""
MAX_DEPTH = 6
MAX_LINE_BYTES = 64_000_000


def head(path: Path, count: int = HEAD_BYTES) -> bytes:
    """The first bytes of a file, or none if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError:
        return b""


def below(folder: Path, *patterns: str, depth: int = MAX_DEPTH) -> list[Path]:
    """The files in a folder and its folders whose names match a pattern, in the order of their names.

    Links are not followed, and at most ``MAX_ENTRIES`` entries are looked at.

    Args:
        folder: to look in; a file is taken as it is if it matches.
        patterns: of names, e.g. ``results*.json``.
        depth: of folders.
    """
    if folder.is_file():
        return [folder] if _matches(folder.name, patterns) else []
    return [path for path in _walk(folder, depth, [0]) if _matches(path.name, patterns)]


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _walk(folder: Path, depth: int, seen: list[int]) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        seen[0] += 1
        if seen[0] > MAX_ENTRIES:
            return
        if entry.is_file(follow_symlinks=False):
            yield Path(entry.path)
        elif depth > 1 and entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), depth - 1, seen)


def json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Number and value of each line that is not empty, one line in memory at a time.

    Raises:
        InvalidValue: ``import.not_json``, naming the line; ``import.not_text``.
    """
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES), b""), 1):
            if not line.strip():
                continue
            try:
                yield number, json.loads(line)
            except UnicodeDecodeError as error:
                raise InvalidValue("import.not_text", f"{path.name!r} is not UTF-8 text.") from error
            except (ValueError, RecursionError) as error:
                raise InvalidValue(
                    "import.not_json",
                    f"{path.name!r}: line {number:,} is not a JSON value.",
                    hint="Check that the file is complete.",
                ) from error


def yaml_document(path: Path, *, content: str | None = None) -> Any:
    """A YAML document as plain data. Tags that name classes of Python are read as the data below them, never made.

    Args:
        path: of the file; names it in errors.
        content: what was read from it already, if anything was.

    Raises:
        InvalidValue: ``import.not_yaml`` and the errors of ``places.text``.
    """
    written = text(path) if content is None else content
    try:
        return plain_yaml.loads(written)
    except plain_yaml.NotPlainError as error:
        raise InvalidValue("import.not_yaml", f"{path.name!r} is not valid YAML.", detail=f"{error}") from error
