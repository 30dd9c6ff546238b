"""Plain safetensors: every tensor in its own number format; a Hugging Face model as the folder that it loads from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...analysis.layers.values import Array
from ...readers import folder as folders
from ...readers import safetensors
from ...readers.checkpoint import read
from ...readers.raw import raw_tensors, serialized
from ...records.own_key import KEY
from ..base import WEIGHTS, Format, Source, Written
from ..origin import text


class SafetensorsFormat(Format):
    """Holds every model. What is quantized, palettized or pruned leaves as the plain numbers that it stands for."""

    name = "safetensors"
    summary = "plain safetensors; a Hugging Face model as the folder that transformers loads"

    def write(self, source: Source, folder: Path) -> Written:
        """Write the weights, and what lies beside them."""
        noted = {key: source.weights.extra[key] for key in NOTED if key in source.weights.extra}
        metadata = {KEY: text({**noted, "origin": source.origin})}
        if source.config is not None:
            metadata["format"] = "pt"
        (folder / WEIGHTS).write_bytes(serialized(raw_tensors(source.weights), metadata))
        beside(source, folder)
        kinds = sorted(source.kinds())
        return Written([f"The {' and '.join(kinds)} weights are stored dense, as plain numbers."] if kinds else ())

    def read(self, folder: Path, source: Source) -> Mapping[str, Array]:
        """The tensors as our own reader finds them."""
        return numbers(folder)

    def origin(self, folder: Path) -> Mapping[str, Any]:
        """From the header of the weights."""
        return header_origin(folder)

    def checkpoint(self, folder: Path) -> Path | None:
        """The folder of a Hugging Face model; else the file."""
        return folder if (folder / folders.CONFIG).exists() else folder / WEIGHTS


NOTED = ("order", "tied", "buffers", "scheme", "kept")


def beside(source: Source, folder: Path, **changes: Any) -> None:
    """Write the configuration, with changes, and copy the other files that lay beside the weights."""
    for name, path in source.files.items():
        if not name.endswith((".safetensors", ".index.json")) and name not in ("README.md", folders.CONFIG):
            shutil.copyfile(path, folder / name)
    if source.config is not None:
        config = {key: value for key, value in source.config.items() if key != "quantization_config"} | changes
        (folder / folders.CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True))


def numbers(folder: Path) -> dict[str, Array]:
    """The numbers in use of the safetensors file, or of the folder of a Hugging Face model."""
    weights = opened(folder)
    return {name: stored.values.whole() for name, stored in weights.tensors.items() if stored.values is not None}


def opened(folder: Path) -> Any:
    """The weights of a folder that was written here."""
    if (folder / folders.CONFIG).exists():
        names = (folders.CONFIG, WEIGHTS)
        return read("huggingface", {name: folder / name for name in names})
    return read("safetensors", {WEIGHTS: folder / WEIGHTS})


def header_origin(folder: Path) -> Mapping[str, Any]:
    """What the header of the weights says about their origin."""
    found = safetensors.notes(safetensors.check(folder / WEIGHTS)).get("origin", {})
    return found if isinstance(found, Mapping) else {}
