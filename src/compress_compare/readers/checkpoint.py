"""Any checkpoint by the name of its format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..errors import InvalidValue
from . import folder, gguf, litert, onnx, safetensors
from .layouts import unpacked
from .weights import Weights


def read(format: str, files: Mapping[str, Path]) -> Weights:
    """The tensors of a checkpoint.

    Args:
        format: as ``records.Checkpoint.format`` names it.
        files: where each file lies, by its own name.

    Raises:
        InvalidValue: ``model.unsupported_format`` where this version cannot read the numbers, and all of the readers.
    """
    if format == "huggingface":
        return unpacked(folder.read(files))
    if format == "onnx":
        return onnx.read(files, next(name for name in files if name.lower().endswith(".onnx")))
    ((name, path),) = files.items()
    if format == "safetensors":
        return unpacked(safetensors.read(path, name))
    if format == "gguf":
        return gguf.read(path, name)
    if format == "litert":
        return litert.read(path, name)
    raise InvalidValue(
        "model.unsupported_format",
        f"The numbers of a checkpoint in {format} format cannot be read yet.",
        hint="Save it as a safetensors file as well.",
    )
