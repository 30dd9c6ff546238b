"""What a shipped file says about where it comes from, found in the file alone, whatever its format.

Every format keeps one JSON object in ASCII under the key ``compress_compare``; most store it as it is, so it is looked
for by its first characters. No library of the format is needed.
"""

from __future__ import annotations

import html
import json
import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import InvalidValue
from . import safetensors
from .regular import open_regular

SCHEMA = 1
START = b'{"origin":'
ESCAPED = html.escape(START.decode()).encode()
MOST = 16_000_000
"""Bytes that the object may have."""
TRIES = 64
FILES = 1000


def origin(path: Path) -> Mapping[str, Any]:
    """The ``origin`` of a shipped file, or of one in a folder, as ``docs/shipping.md`` describes it; empty for none.

    Args:
        path: of the file or folder.

    Raises:
        InvalidValue: ``input.*`` for a file that cannot be opened.
    """
    for file in [path] if path.is_file() else _files(path):
        found = _safetensors(file) or ({} if file.suffix == ".safetensors" else _inside(file))
        if found:
            return found
    return {}


def is_whole(said: Mapping[str, Any]) -> bool:
    """Whether an origin names model, project and lineage in the form of today."""
    steps = said.get("lineage")
    return (
        said.get("schema") == SCHEMA
        and all(isinstance(said.get(key), str) for key in ("project", "model"))
        and isinstance(steps, list)
        and all(isinstance(step, Mapping) and isinstance(step.get("model"), str) for step in steps)
        and all(isinstance(step.get("parameters"), Mapping) for step in steps)
    )


def _files(folder: Path) -> list[Path]:
    found = (file for file in sorted(folder.rglob("*")) if file.is_file() and not file.is_symlink())
    return [file for file, _ in zip(found, range(FILES), strict=False)]


def _safetensors(path: Path) -> Mapping[str, Any]:
    try:
        found = safetensors.notes(safetensors.check(path)).get("origin")
    except InvalidValue:
        return {}
    return found if isinstance(found, Mapping) else {}


def _inside(path: Path) -> Mapping[str, Any]:
    with open_regular(path) as file:
        if not path.stat().st_size:
            return {}
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            for text in _objects(content):
                try:
                    found = json.JSONDecoder().raw_decode(text)[0].get("origin")
                except (ValueError, RecursionError):
                    continue
                if isinstance(found, Mapping) and "schema" in found:
                    return found
    return {}


def _objects(content: mmap.mmap) -> Iterator[str]:
    """What follows each place where the object may begin."""
    at = -1
    for _ in range(TRIES):
        at = content.find(START, at + 1)
        if at < 0:
            break
        yield content[at : at + MOST].decode("ascii", "replace")
    at = content.find(ESCAPED)
    if at >= 0:
        yield html.unescape(content[at : at + MOST].decode("ascii", "replace"))
