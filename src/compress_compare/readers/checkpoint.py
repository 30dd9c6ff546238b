"""Any checkpoint by the name of its format."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import InvalidValue
from . import folder, gguf, litert, onnx, safetensors
from .layouts import unpacked
from .partial import File, whole
from .weights import Weights

PIECEWISE = ("safetensors", "huggingface")
"""Formats of which only the parts that are looked at are brought here; files of the others are read whole."""


def read(format: str, files: Mapping[str, File]) -> Weights:
    """The tensors of a checkpoint.

    Args:
        format: as ``records.Checkpoint.format`` names it.
        files: where each file lies, by its own name.

    Raises:
        InvalidValue: ``model.unsupported_format`` where this version cannot read the numbers, and all of the readers.
    """
    parts = {name: file for name, file in files.items() if format in PIECEWISE and name.endswith(".safetensors")}
    paths = {name: whole(file) for name, file in files.items() if name not in parts}
    if format == "huggingface":
        return unpacked(folder.read({**paths, **parts}))
    if format == "onnx":
        return onnx.read(paths, next(name for name in paths if name.lower().endswith(".onnx")))
    if format == "safetensors" and len(parts) == 1:
        ((name, file),) = parts.items()
        return unpacked(safetensors.read(file, name))
    ((name, path),) = paths.items()
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
