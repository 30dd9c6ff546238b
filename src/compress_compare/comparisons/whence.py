"""Which model of which project a file on disk is: by its bytes, by its tensors, or by what it says of itself."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import InvalidValue, NotFound, StoreError
from ..readers import origin
from ..readers.regular import open_regular
from ..readers.weights import Weights
from ..records import LineageStep
from ..store.store import Store
from .files import opened

How = Literal["same files", "same tensors", "says so"]
PIECE = 1 << 22


@dataclass(frozen=True)
class FileOrigin:
    """A model that a file is.

    Args:
        project: directory of the project.
        model: id.
        how: the files are the same byte for byte, or hold the same tensors, or the file names the model as its origin.
        lineage: the steps from the root to the model.
    """

    project: Path
    model: str
    how: How
    lineage: tuple[LineageStep, ...]

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        steps = [
            {
                "model": step.model,
                "operation": step.operation.name if step.operation else None,
                "parameters": dict(step.operation.parameters) if step.operation else {},
            }
            for step in self.lineage
        ]
        return {"project": str(self.project), "model": self.model, "how": self.how, "lineage": steps}


def whence(path: Path, stores: Sequence[Store], *, unread: Callable[[str], None] | None = None) -> list[FileOrigin]:
    """The models that a file or folder is, the surest first; tensors are compared where no file is the same.

    Args:
        path: of a checkpoint, of any format that is read.
        stores: the projects to look in.
        unread: told of each model whose weights cannot be read, so that the file may be it after all.

    Raises:
        NotFound: ``input.no_file``.
        InvalidValue: ``input.*``, ``model.*`` for what cannot be read.
    """
    if not path.exists():
        raise NotFound("input.no_file", f"There is no file {str(path)[:200]!r}.")
    digests = {_digest(file) for file in ([path] if path.is_file() else _files(path))}
    found = [
        FileOrigin(store.path, id, "same files", _lineage(store, id))
        for store in stores
        for id in _same(store, digests)
    ]
    if found:
        return found
    said, failure = origin.origin(path), None
    try:
        found = _by_tensors(path, stores, unread)
    except InvalidValue as error:
        failure = error
    if failure is not None and not said:
        raise failure
    for store in stores:
        id = said.get("model")
        if (
            isinstance(id, str)
            and id in store
            and not any((one.project, one.model) == (store.path, id) for one in found)
        ):
            known = {file.sha256 for file in _files_of(store, id)}
            named = said.get("files")
            if isinstance(named, Mapping) and known == set(named.values()):
                found.append(FileOrigin(store.path, id, "says so", _lineage(store, id)))
    return found


def says(path: Path) -> Mapping[str, Any]:
    """What a shipped file says of its own origin, with project, model and lineage; empty for another file."""
    said = origin.origin(path) if path.exists() else {}
    return said if origin.is_whole(said) else {}


def _by_tensors(path: Path, stores: Sequence[Store], unread: Callable[[str], None] | None) -> list[FileOrigin]:
    with tempfile.TemporaryDirectory(prefix="compress-compare-", ignore_cleanup_errors=True) as folder:
        weights, _ = opened(path, Path(folder))
        return [
            FileOrigin(store.path, id, "same tensors", _lineage(store, id))
            for store in stores
            for id in _equal(store, weights, unread)
        ]


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.is_file() and not file.is_symlink())


def _digest(path: Path) -> str:
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _same(store: Store, digests: set[str]) -> Iterator[str]:
    """Models of which every file is there, or of which the one given file is a part."""
    for logged in store.all_checkpoints():
        own = {file.sha256 for file in logged.checkpoint.files}
        if own and (own <= digests or digests <= own):
            yield logged.model


def _equal(store: Store, weights: Weights, unread: Callable[[str], None] | None) -> Iterator[str]:
    wanted = {name: (tensor.dtype, tensor.shape) for name, tensor in weights.tensors.items()}
    for logged in store.all_checkpoints():
        try:
            other = store.open_checkpoint(logged)
        except (InvalidValue, StoreError) as error:
            if unread is not None:
                unread(f"{logged.model} of {store.path} was not compared: {error.title}")
            continue
        if {name: (tensor.dtype, tensor.shape) for name, tensor in other.tensors.items()} != wanted:
            continue
        if all(_equal_numbers(weights, other, name) for name in wanted):
            yield logged.model


def _equal_numbers(first: Weights, second: Weights, name: str) -> bool:
    one, two = first.tensors[name].values, second.tensors[name].values
    if one is None or two is None or one.count != two.count:
        return False
    pieces = ((start, min(start + PIECE, one.count)) for start in range(0, one.count, PIECE))
    return all(np.array_equal(one.numbers(*piece), two.numbers(*piece), equal_nan=True) for piece in pieces)


def _files_of(store: Store, id: str) -> Sequence[Any]:
    checkpoint = store.model(id).checkpoint
    return checkpoint.files if checkpoint else ()


def _lineage(store: Store, id: str) -> tuple[LineageStep, ...]:
    return store.model(id).lineage
