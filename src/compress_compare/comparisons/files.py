"""Checkpoints beside each other without a project: what was claimed, compared, stored and lost, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InvalidValue
from ..readers import checkpoint, folder, one_file
from ..readers.pair import ModelPair
from ..readers.regular import open_regular
from ..readers.weights import Weights
from ..store import torch_parts
from ..store.checkpoints import FOLDER_FILES, FORMATS
from ..store.conversion import KERAS, TORCH_SUFFIXES, convert, is_converted
from . import claims, parts
from .layers.compare import compare


@dataclass(frozen=True)
class FileDifference:
    """A checkpoint beside the first one.

    Args:
        model: how it is called.
        claim: what its files say was done, against what its numbers show; empty where they say nothing.
        notes: what the comparison is not about.
        missing: what keeps it from being a whole model; empty for nothing.
        rows: of the table of layers: those of the mode weights with ``dtype, bits, bytes, file_bytes``.
        suspects: of the diagnosis.
    """

    model: str
    claim: str
    notes: Sequence[str]
    missing: str
    rows: Sequence[Mapping[str, Any]]
    suspects: Sequence[Mapping[str, Any]]


def opened(path: Path, scratch: Path, *, key: str = "") -> tuple[Weights, list[str]]:
    """The tensors of a file or folder of any format that can be read, and the names of its files.

    Args:
        path: of the file or folder.
        scratch: a folder for what has to be converted, which must stay as long as the tensors are read.
        key: of a PyTorch file with several networks, the one that is meant; other files have none.

    Raises:
        InvalidValue: ``model.*``, ``input.*``, ``path.*``.
    """
    if path.is_dir() and not is_converted(path):
        if torch_parts.are_in(path):
            target = scratch / f"{len(list(scratch.iterdir()))}"
            return opened(torch_parts.converted(path, target, beside=FOLDER_FILES), scratch, key=key)
        single = one_file.of(path)
        if single is not None:
            return opened(single, scratch, key=key)
        found = sorted({each for pattern in FOLDER_FILES for each in path.glob(pattern) if each.is_file()})
        files = {each.name: each for each in found}
        folder.check(files, path)
        return checkpoint.read("huggingface", files), list(files)
    if is_converted(path):
        target = scratch / f"{len(list(scratch.iterdir()))}.safetensors"
        convert(path, target, key=key)
        return checkpoint.read("safetensors", {path.name: target}), [path.name]
    open_regular(path).close()
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise one_file.refusal(path, (*FORMATS, *TORCH_SUFFIXES, KERAS))
    format = FORMATS[suffix]
    beside = checkpoint.beside(format, path)
    return checkpoint.read(format, {path.name: path} | beside), [path.name, *beside]


def differences(paths: Sequence[Path], scratch: Path, *, keys: Sequence[str] = ()) -> list[FileDifference]:
    """Each checkpoint but the first against the first.

    Args:
        paths: of the base, then of what is compared with it.
        scratch: as ``opened`` takes it.
        keys: of each of the paths in order, the key of the network that is meant in a PyTorch file; the last holds for
            those that follow.

    Raises:
        InvalidValue: ``diff.paths`` for fewer than two, and those of ``opened``.
    """
    if len(paths) < 2:
        raise InvalidValue("diff.paths", "Name two checkpoints at least: the base, then what is compared with it.")
    names, each = names_of(paths), keys_of(paths, keys)
    (base, _), *others = (opened(path, scratch, key=key) for path, key in zip(paths, each, strict=True))
    models = {name: weights for name, (weights, _) in zip(names[1:], others, strict=True)}
    weights = compare(base, models, what="weights", base_id=names[0])
    storage = {
        (row["module"], row["parameter"], row["model"]): row
        for row in compare(base, models, what="storage", base_id=names[0]).table.to_pylist()
    }
    rows = [
        row | _stored(storage.get((row["module"], row["parameter"], row["model"]))) for row in weights.table.to_pylist()
    ]
    suspects = weights.suspects.to_pylist()
    found = []
    for (name, model), (_, files) in zip(models.items(), others, strict=True):
        pair = ModelPair.of(base, model, buffers=False)
        claim = claims.claimed(None, model, schemes=model.schemes)
        found.append(
            FileDifference(
                name,
                claims.sentence(claim, claims.evidence(pair, claim)),
                weights.notes.get(name, []),
                parts.missing(pair, files),
                [row for row in rows if row["model"] == name],
                [row for row in suspects if row["model"] == name],
            )
        )
    return found


def _stored(row: Mapping[str, Any] | None) -> dict[str, Any]:
    names = ("dtype", "bits", "bytes", "file_bytes")
    return {name: None if row is None else row[name] for name in names}


def keys_of(paths: Sequence[Path], keys: Sequence[str]) -> list[str]:
    """A key for each path; the last one that is given holds for those that follow."""
    return [keys[min(at, len(keys) - 1)] if keys else "" for at in range(len(paths))]


def names_of(paths: Sequence[Path]) -> list[str]:
    """The last parts of paths, as many of each as tell them apart."""
    for count in range(1, 5):
        found = ["/".join(path.absolute().parts[-count:]) for path in paths]
        if len(set(found)) == len(found):
            return found
    return [f"{at}: {path}" for at, path in enumerate(paths)]
