"""Checkpoints: from a module, a state dict or a path into the artifact store, and back.

Weights given in memory become one safetensors file. Tensors that share their memory (tied weights) are stored once; the
names of the others are kept in the header, under ``tied``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ..errors import InvalidValue, StoreError
from ..readers import checkpoint as readers
from ..readers import folder as folders
from ..readers import nonfinite, one_file, safetensors
from ..readers.packings import streams
from ..readers.partial import File
from ..readers.regular import open_regular
from ..records import BESIDE_WEIGHTS, Checkpoint, LoggedCheckpoint, StoredFile
from ..schemes import declared as declarations
from ..schemes import scheme
from ..schemes.declared import Scheme
from . import dcp, peft, same_weights, schema, torch_parts
from .artifacts import Artifacts
from .conversion import KERAS, TORCH_SUFFIXES, convert, is_converted
from .database import rows
from .drafts import ModelDraft
from .elsewhere import FileReference
from .models import StoredModel, by_ids, conflict
from .serialized import serialized
from .staging import Staging

WEIGHTS = "model.safetensors"
FORMATS = {
    ".safetensors": "safetensors", ".onnx": "onnx", ".gguf": "gguf", ".tflite": "litert", ".npz": "numpy",
    ".npy": "numpy", ".xml": "openvino",
}  # fmt: skip
UNSAFE = (".keras", ".h5", ".hdf5", ".pkl", ".pickle", ".joblib", ".pt2")
FOLDER_FILES = ("*.safetensors", "*.json", "*.txt", "*.model", "*.yaml", "*.md")


def store(staging: Staging, source: object, *, extra: Mapping[str, Any] | None = None, key: str = "") -> Checkpoint:
    """Stage the weights in ``source`` for the artifact store.

    Args:
        staging: where to.
        source: a module (anything with ``state_dict()``), a mapping of names to tensors or arrays, or the path of a
            file with one of the endings in ``FORMATS``, of PyTorch or of Keras, of a Hugging Face folder, of a Core ML
            package, or of a folder of ``torch.distributed.checkpoint``; a ``Reference`` to leave the weights where they
            are.
        extra: JSON data kept in the header of weights given in memory.
        key: of a PyTorch file with several networks, the one that is meant; empty for the one that it has.

    Raises:
        InvalidValue: ``checkpoint.*`` or ``model.*`` if it is none of these or cannot be read.
    """
    if isinstance(source, FileReference):
        return _referred(staging, Path(source.path), key=key)
    if isinstance(source, str | Path):
        return _store_path(staging, Path(source), key=key)
    if key:
        raise _no_key()
    if hasattr(source, "state_dict"):
        extra = {
            "buffers": [name for name, _ in getattr(source, "named_buffers", list)()],
            **peft.adapters(source),
            **(extra or {}),
        }
        source = source.state_dict()
    if not isinstance(source, Mapping):
        raise InvalidValue(
            "checkpoint.type",
            "A checkpoint must be a module, a state dict or a path.",
            detail=f"Found {type(source).__name__}.",
        )
    content = serialized(source, extra or {})
    return Checkpoint("safetensors", (staging.put_bytes(WEIGHTS, content),))


def declared(staging: Staging, checkpoint: Checkpoint, *, said: Mapping[str, Scheme]) -> Checkpoint:
    """A staged checkpoint with what was said about how its tensors are meant to be packed, in a file beside its own.

    Raises:
        InvalidValue: ``scheme.type``, ``scheme.pattern``.
    """
    files = {file.name: path for file in checkpoint.files if (path := staging.path(file.sha256)) is not None}
    schemes = scheme.to_json(declarations.schemes(said, readers.read(checkpoint.format, files).tensors))
    content = json.dumps(schemes, sort_keys=True).encode()
    files_ = (*checkpoint.files, staging.put_bytes(declarations.FILE, content))
    return replace(checkpoint, files=tuple(sorted(files_, key=lambda file: file.name)))


def settled(connection: sa.Connection, artifacts: Artifacts, staging: Staging, *, one: ModelDraft) -> ModelDraft:
    """A draft with the checkpoint that its model has already, if that holds the same tensors in other bytes."""
    known = None if one.checkpoint is None else _known(connection, one.id)
    if one.checkpoint is None or known is None or known == one.checkpoint:
        return one
    try:
        is_same = same_weights.same(known, one.checkpoint, paths=(artifacts.verify, staging.path))
    except (StoreError, InvalidValue):  # what is there is damaged: it stays the only one that the model may have
        return one
    return replace(one, checkpoint=known) if is_same else one


def insert(connection: sa.Connection, checkpoint: Checkpoint, *, key: int, id: str) -> None:
    """Record the files of a model's checkpoint.

    Raises:
        Conflict: ``model.conflict`` if it has another one.
    """
    known = of_model(connection, key)
    if known == checkpoint:
        return
    if known is not None:
        raise conflict(id, "checkpoint")
    values = [
        {
            "model_key": key,
            "name": file.name,
            "format": checkpoint.format,
            "sha256": file.sha256,
            "num_bytes": file.num_bytes,
        }
        for file in checkpoint.files
    ]
    connection.execute(schema.files.insert(), values)


def of_model(connection: sa.Connection, key: int) -> Checkpoint | None:
    """The checkpoint of a model, if it has one."""
    table = schema.files
    query = (
        sa.select(table.c.format, table.c.name, table.c.sha256, table.c.num_bytes)
        .where(table.c.model_key == key)
        .order_by(table.c.name)
    )
    found = rows(connection, query)
    if not found:
        return None
    return Checkpoint(found[0][0], tuple(StoredFile(*row[1:]) for row in found))


def everywhere(connection: sa.Connection) -> list[LoggedCheckpoint]:
    """The checkpoints of all models that have one, in the order of logging."""
    files, models = schema.files, schema.models
    query = (
        sa.select(models.c.id, models.c.created_at, files.c.format, files.c.name, files.c.sha256, files.c.num_bytes)
        .join(models, files.c.model_key == models.c.key)
        .order_by(models.c.key, files.c.name)
    )
    found: dict[tuple[str, str, str], list[StoredFile]] = {}
    for id, created_at, format, *file in rows(connection, query):
        found.setdefault((id, created_at, format), []).append(StoredFile(*file))
    return [LoggedCheckpoint(id, Checkpoint(format, tuple(one)), at) for (id, at, format), one in found.items()]


def logged(connection: sa.Connection, model: StoredModel) -> LoggedCheckpoint:
    """The checkpoint of a model, and since when it is there.

    Raises:
        InvalidValue: ``model.no_checkpoint``.
    """
    found = of_model(connection, model.key)
    if found is None:
        raise InvalidValue(
            "model.no_checkpoint",
            f"Model {model.id!r} was logged without a checkpoint.",
            hint="Log it again with checkpoint=…",
        )
    return LoggedCheckpoint(model.id, found, model.created_at)


def load(artifacts: Artifacts, checkpoint: Checkpoint) -> dict[str, Any]:
    """The tensors of a safetensors checkpoint by name: torch tensors where torch is installed, NumPy arrays otherwise.

    Tied tensors come back as one object under all their names.
    """
    tensors: dict[str, Any] = {}
    for file in checkpoint.files:
        if file.name.endswith(".safetensors"):
            path = artifacts.verify(file.sha256)
            tensors.update(_load_packed(path) if header(path).get("layout") == streams.LAYOUT else _load_file(path))
            for alias, name in _noted(path).get("tied", {}).items():
                tensors[alias] = tensors[name]
    return tensors


def notes(artifacts: Artifacts, checkpoint: Checkpoint) -> dict[str, Any]:
    """What ``store`` kept beside the weights of a checkpoint, all its files together."""
    found: dict[str, Any] = {}
    for file in checkpoint.files:
        if file.name.endswith(".safetensors"):
            for key, value in _noted(artifacts.opened(file.sha256)).items():
                found[key] = {**found[key], **value} if isinstance(value, dict) and key in found else value
    return found


def header(path: File) -> dict[str, Any]:
    """What ``store`` kept in the header of a safetensors file: ``tied`` and what the caller gave as ``extra``."""
    return safetensors.notes(safetensors.check(path))


def _noted(path: File) -> Mapping[str, Any]:
    """What was kept beside the weights of a safetensors file, wherever in it that stands."""
    found = header(path)
    return streams.expanded(safetensors.read(path)).extra if found.get("layout") == streams.LAYOUT else found


def _known(connection: sa.Connection, id: str) -> Checkpoint | None:
    rows = list(by_ids(connection, [id]))
    return of_model(connection, rows[0].key) if rows else None


def _load_packed(path: Path) -> dict[str, Any]:
    """The tensors of a file that this tool packed, each in its own number format."""
    from ..readers import raw

    tensors = streams.expanded(safetensors.read(path)).tensors
    return _load_bytes(raw.serialized({name: raw.raw(stored) for name, stored in tensors.items()}))


def _load_bytes(content: bytes) -> dict[str, Any]:
    try:
        from safetensors.torch import load
    except ImportError:
        from safetensors.numpy import load as load_arrays

        return dict(load_arrays(content))
    return dict(load(content))


def _load_file(path: Path) -> dict[str, Any]:
    try:
        from safetensors.torch import load_file
    except ImportError:
        from safetensors.numpy import load_file as load_arrays

        return dict(load_arrays(path))
    return dict(load_file(path))


Put = Callable[[str, Path], StoredFile]


def _referred(staging: Staging, path: Path, *, key: str) -> Checkpoint:
    """Weights that stay where they are; what lies beside them is small, and copied.

    Raises:
        InvalidValue: ``checkpoint.reference`` for what is stored in another form than it has.
    """
    parts = torch_parts.are_in(path)
    single = one_file.of(path) if path.is_dir() and not parts else path
    if parts or (single is not None and is_converted(single)):
        raise InvalidValue(
            "checkpoint.reference",
            f"{path.name!a} is converted when it is logged, so it cannot stay where it is.",
            hint="Save it as safetensors first, or pass the path itself.",
        )

    def put(name: str, file: Path) -> StoredFile:
        return (staging.put_file if name.lower().endswith(BESIDE_WEIGHTS) else staging.refer)(name, file)

    return _store_path(staging, path, key=key, put=put)


def _store_path(staging: Staging, path: Path, *, key: str = "", put: Put | None = None) -> Checkpoint:
    put = put or staging.put_file
    if path.is_dir() and not is_converted(path):
        return _store_folder(staging, path, key=key, put=put)
    suffix = path.suffix.lower()
    if is_converted(path):
        if key and suffix not in TORCH_SUFFIXES and not dcp.is_folder(path):
            raise _no_key()
        with staging.scratch() as folder:
            convert(path, folder / WEIGHTS, key=key)
            nonfinite.warn(safetensors.read(folder / WEIGHTS), path.name)
            return Checkpoint("safetensors", (staging.put_file(WEIGHTS, folder / WEIGHTS),))
    open_regular(path).close()
    if key:
        raise _no_key()
    if suffix in UNSAFE:
        way = f"save its weights as a safetensors file, or of Keras as {KERAS[1:]} with model.save_weights(path)."
        raise InvalidValue(
            "model.unsupported_unsafe_format",
            f"{path.name!a} is not opened: {suffix} files can run code when they are loaded.",
            hint=f"Convert it where you trust it: load it there and {way}",
        )
    if suffix not in FORMATS:
        raise one_file.refusal(path, (*FORMATS, *TORCH_SUFFIXES, KERAS))
    format = FORMATS[suffix]
    files = {path.name: path} | readers.beside(format, path)
    nonfinite.warn(readers.read(format, files), path.name)
    return Checkpoint(format, tuple(put(name, file) for name, file in sorted(files.items())))


def _store_folder(staging: Staging, folder: Path, *, put: Put, key: str = "") -> Checkpoint:
    if torch_parts.are_in(folder):
        with staging.scratch() as scratch:
            made = torch_parts.converted(folder, scratch / "converted", beside=FOLDER_FILES)
            return _store_folder(staging, made, put=put, key=key)
    single = one_file.of(folder)
    if single is not None:
        return _store_path(staging, single, key=key, put=put)
    if key:
        raise _no_key()
    paths = sorted({path for pattern in FOLDER_FILES for path in folder.glob(pattern) if path.is_file()})
    files = {path.name: path for path in paths}
    nonfinite.warn(folders.check(files, folder), folder.name)
    read = set(folders.shards(files))
    kept = [path for path in paths if path.suffix != ".safetensors" or path.name in read]
    return Checkpoint("huggingface", tuple(put(path.name, path) for path in kept))


def _no_key() -> InvalidValue:
    return InvalidValue(
        "checkpoint.key", "A key chooses a network in a PyTorch file, and the checkpoint is none.",
        hint="Leave the key out; of a dictionary, pass the state dict that is inside.",
    )  # fmt: skip
