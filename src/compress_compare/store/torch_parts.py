"""Folders whose weights are PyTorch files in several parts, with an index: as folders of safetensors files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from ..errors import InvalidValue
from ..readers import folder as folders
from ..readers.one_file import INDEX, TORCH
from ..readers.regular import open_regular
from .conversion import convert


def are_in(folder: Path) -> bool:
    """Whether a folder has its weights in PyTorch files that an index names, and nowhere else."""
    return (
        folder.is_dir()
        and (folder / INDEX).is_file()
        and not (folder / TORCH).exists()
        and not any(folder.glob("*.safetensors"))
    )


def converted(folder: Path, target: Path, *, beside: Iterable[str]) -> Path:
    """Write each part as a safetensors file, with an index of those and the files beside them, into a new folder.

    Args:
        folder: with the parts.
        target: of the new folder.
        beside: patterns of the names of files that are taken as they are.

    Returns:
        The new folder.

    Raises:
        InvalidValue: ``model.bad_index``, ``model.shard_missing``, and all of ``conversion.convert``.
    """
    places = _index(folder)
    parts = {part: f"{part.removesuffix('.bin')}.safetensors" for part in sorted(set(places.values()))}
    target.mkdir()
    for part, name in parts.items():
        if not (folder / part).is_file():
            raise InvalidValue("model.shard_missing", f"{folder.name!a} lacks its part {part!a}.")
        convert(folder / part, target / name)
    index = {"metadata": {}, "weight_map": {tensor: parts[part] for tensor, part in places.items()}}
    (target / folders.INDEX).write_text(json.dumps(index, sort_keys=True), encoding="utf-8")
    for path in sorted(path for pattern in beside for path in folder.glob(pattern)):
        if path.is_file() and path.name != INDEX:
            shutil.copyfile(path, target / path.name)
    return target


def _index(folder: Path) -> dict[str, str]:
    """Where each tensor is, by the index of a folder."""
    try:
        with open_regular(folder / INDEX) as file:
            content = file.read(folders.MAX_INDEX_BYTES + 1)
        found = json.loads(content)["weight_map"] if len(content) <= folders.MAX_INDEX_BYTES else None
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if not isinstance(found, dict) or not found or not all(map(_is_part, found.values())):
        title = f"The index {INDEX!a} of {folder.name!a} does not name a part of the folder for each tensor."
        raise InvalidValue("model.bad_index", title, hint="Load the model and save it again with save_pretrained(…).")
    return found


def _is_part(name: object) -> bool:
    return isinstance(name, str) and name.endswith(".bin") and Path(name).name == name and "\\" not in name
