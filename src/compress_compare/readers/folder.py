"""A model folder as Hugging Face lays it out: one safetensors file, or shards and an index that says which has what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from ..errors import InvalidValue
from . import safetensors
from .mapped import Mapped
from .partial import File, whole
from .regular import open_regular
from .safetensors_header import shown
from .weights import StoredTensor, Weights

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
CONFIG = "config.json"
CONFIGS = {CONFIG: ("quantization_config", "quantization"), "quantize_config.json": (None,)}
"""Files that say how weights are packed, and under which keys: of transformers, MLX, GPTQ."""

KNOWN = {CONFIG: "model_config", "adapter_config.json": "adapter_config"}
"""Files about the model, and under which key of what is known about a checkpoint their entries stand."""

CONSOLIDATED = "consolidated.safetensors"
"""The same weights again, under the names of Mistral's own library."""
MAX_INDEX_BYTES = 100_000_000


def check(files: Mapping[str, Path], folder: Path) -> Weights:
    """Check the files of a folder before they are taken in: none leads out of it, the index is complete, every header
    is sound.

    Raises:
        InvalidValue: ``path.outside_folder``, ``model.shard_missing``, ``model.bad_index``, ``model.duplicate_tensor``,
            ``model.not_a_checkpoint`` and all of ``safetensors.check``.
    """
    inside = folder.resolve()
    for name, path in files.items():
        if path.is_symlink() and not path.resolve().is_relative_to(inside):
            raise _outside(name, "It is a link that leaves its folder.")
    return read(files)


def read(files: Mapping[str, File]) -> Weights:
    """The tensors of a model that lies in several files, given by their names in the folder."""
    tensors: dict[str, StoredTensor] = {}
    extra: dict[str, Any] = {}
    opened: list[Mapped] = []
    for shard in shards(files):
        weights = safetensors.read(files[shard], shard)
        for name, stored in weights.tensors.items():
            if name in tensors:
                raise InvalidValue(
                    "model.duplicate_tensor",
                    f"Tensor {shown(name)} is in two files.",
                    detail=f"One of them is {shard!a}.",
                )
            tensors[name] = stored
        extra = joined(extra, weights.extra)
        opened += weights.files
    extra |= {key: said for name, key in KNOWN.items() if name in files and (said := _scalars(files[name]))}
    found = {name: _quantization(files[name], keys) for name, keys in CONFIGS.items() if name in files}
    if found:
        extra["quantization_config"] = next((said for said in found.values() if said), {})
    return Weights(tensors, extra, tuple(opened))


def joined(extra: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """What two shards say: mappings of tensors to what is known about them together, else what the second says."""
    both = {key: {**extra[key], **said} for key, said in more.items() if _mapping(extra.get(key)) and _mapping(said)}
    return {**extra, **more, **both}


def _mapping(said: Any) -> bool:
    return isinstance(said, dict)


def config(files: Mapping[str, File]) -> dict[str, Any]:
    """The configuration of the model; empty where there is none."""
    return _json(files[CONFIG]) if CONFIG in files else {}


def shards(files: Mapping[str, File]) -> list[str]:
    """Which of the files hold the tensors: those that the index names, else the one file, else all."""
    if INDEX in files:
        named = sorted(set(_index(files[INDEX]).values()))
        for shard in named:
            if PurePosixPath(shard).name != shard or PureWindowsPath(shard).name != shard:
                raise _outside(shard, "The index names it.")
            if shard not in files:
                raise InvalidValue(
                    "model.shard_missing",
                    f"The shard {shard!a} is missing.",
                    detail=f"{INDEX} names it.",
                    hint="Download it into the same folder.",
                )
        return named
    if SINGLE in files:
        return [SINGLE]
    found = sorted(name for name in files if name.endswith(".safetensors") and name != CONSOLIDATED)
    found = found or [name for name in files if name == CONSOLIDATED]
    if not found:
        raise InvalidValue("model.not_a_checkpoint", "The folder holds no safetensors file.")
    return found


def _scalars(path: File) -> dict[str, Any]:
    """Entries of a configuration that are numbers, texts, or mappings of names to such."""
    plain = str | int | float | bool
    return {
        key: value
        for key, value in _json(path).items()
        if isinstance(value, plain)
        or (isinstance(value, dict) and all(isinstance(one, plain) for one in value.values()))
    }


def _json(path: File) -> dict[str, Any]:
    """The object in a file; empty where there is none."""
    with open_regular(whole(path)) as file:
        content = file.read(MAX_INDEX_BYTES)
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _quantization(path: File, keys: tuple[str | None, ...]) -> dict[str, Any]:
    """What the model's configuration says about how its weights are packed; empty where it says nothing."""
    content = _json(path)
    found = [content if key is None else content.get(key) for key in keys]
    return next((said for said in found if isinstance(said, dict)), {})


def _index(path: File) -> dict[str, str]:
    with open_regular(whole(path)) as file:
        content = file.read(MAX_INDEX_BYTES + 1)
    if len(content) > MAX_INDEX_BYTES:
        raise InvalidValue("model.header_too_large", f"{INDEX} is larger than 100 MB.")
    try:
        map_of = json.loads(content)["weight_map"]
        if not map_of or not all(isinstance(shard, str) for shard in map_of.values()):
            raise ValueError("weight_map")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidValue(
            "model.bad_index",
            f"{INDEX} cannot be read.",
            detail="It must be JSON with a 'weight_map' from tensor names to file names.",
        ) from error
    return dict(map_of)


def _outside(name: str, detail: str) -> InvalidValue:
    return InvalidValue("path.outside_folder", f"{name!a:.200} lies outside its folder.", detail=detail)
