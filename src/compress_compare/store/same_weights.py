"""Whether two checkpoints hold the same weights, though their files differ in their bytes or their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..readers import safetensors
from ..records import Checkpoint, StoredFile

SUFFIX = ".safetensors"
ALONE = "weights"
"""Stands for the name of a safetensors file that is the only one of its checkpoint."""


def same(
    known: Checkpoint, other: Checkpoint, *, paths: tuple[Callable[[str], Path | None], Callable[[str], Path | None]]
) -> bool:
    """Whether two checkpoints differ only in the order of what stands in their safetensors files, or in their names.

    Args:
        known: one of them.
        other: the other one.
        paths: for each of them, where the file with a digest lies; ``None`` where it is not at hand.

    Raises:
        InvalidValue: ``model.*`` or ``input.*`` for a file that cannot be read.
        StoreError: ``artifact.*``.
    """
    first, second = _by_role(known.files), _by_role(other.files)
    if known.format != other.format or first.keys() != second.keys():
        return False
    for role, file in first.items():
        counterpart = second[role]
        if file.sha256 == counterpart.sha256:
            continue
        if not (file.name.endswith(SUFFIX) and counterpart.name.endswith(SUFFIX)):
            return False
        one, two = paths[0](file.sha256), paths[1](counterpart.sha256)
        if one is None or two is None or not safetensors.same(one, two):
            return False
    return True


def _by_role(files: Sequence[StoredFile]) -> Mapping[str, StoredFile]:
    """The files by name; a safetensors file that is alone, whatever it is called, is the weights."""
    is_alone = sum(file.name.endswith(SUFFIX) for file in files) == 1
    return {ALONE if is_alone and file.name.endswith(SUFFIX) else file.name: file for file in files}
