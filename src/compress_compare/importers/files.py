"""Reading of other tools' files within bounds: heads of files, what lies in a folder, lines of JSON, YAML as data."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from ..errors import InvalidValue
from .places import text

HEAD_BYTES = 4096
MAX_ENTRIES = 20_000
"""Files and folders that are looked at below one folder."""
MAX_DEPTH = 6
MAX_YAML_BYTES = 2_000_000
MAX_VALUES = 200_000
"""Values of a YAML document with every alias written out."""
MAX_LINE_BYTES = 64_000_000
_PLAIN = {"tag:yaml.org,2002:" + name for name in ("str", "int", "float", "bool", "null", "map", "seq")}


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
        InvalidValue: ``import.not_yaml``, ``import.too_large`` and the errors of ``places.text``.
    """
    written = text(path) if content is None else content
    if len(written) > MAX_YAML_BYTES:
        raise InvalidValue("import.too_large", f"{path.name!r} is too large for a YAML document.")
    try:
        loader = yaml.SafeLoader(written)
        node = loader.get_single_node()
        return None if node is None else _Data(loader).of(node, depth=0)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"Line {mark.line + 1}: {getattr(error, 'problem', '')}." if mark else f"{error}"[:200]
        raise InvalidValue("import.not_yaml", f"{path.name!r} is not valid YAML.", detail=where) from error
    except RecursionError as error:
        raise InvalidValue("import.not_yaml", f"{path.name!r} is nested too deeply.") from error


class _Data:
    """Makes plain data of the nodes of one document, and counts them with every alias written out."""

    def __init__(self, loader: yaml.SafeLoader) -> None:
        self._loader = loader
        self._count = 0

    def of(self, node: yaml.Node, *, depth: int) -> Any:
        self._count += 1
        if self._count > MAX_VALUES or depth > 64:
            raise ValueError(f"It holds more than {MAX_VALUES:,} values, or is nested more than 64 deep.")
        if isinstance(node, yaml.MappingNode):
            return {str(self.of(key, depth=depth + 1)): self.of(value, depth=depth + 1) for key, value in node.value}
        if isinstance(node, yaml.SequenceNode):
            items = [self.of(item, depth=depth + 1) for item in node.value]
            # An enumeration of Python is written as its class and the one value that it was made of.
            return items[0] if node.tag not in _PLAIN and len(items) == 1 else items
        if node.tag not in _PLAIN:
            return node.value
        return self._loader.construct_object(node)
