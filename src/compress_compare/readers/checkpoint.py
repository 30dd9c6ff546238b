"""Any checkpoint by the name of its format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..errors import InvalidValue
from ..schemes import declared, scheme
from . import arrays, folder, gguf, litert, onnx, openvino, safetensors
from .layouts import unpacked
from .partial import File, whole
from .regular import open_regular
from .weights import Weights

PIECEWISE = ("safetensors", "huggingface")
"""Formats of which only the parts that are looked at are brought here; files of the others are read whole."""


def beside(format: str, path: Path) -> dict[str, Path]:
    """The files beside a checkpoint that hold its numbers, by name, after a look at each.

    Raises:
        InvalidValue: ``path.outside_folder``, ``model.external_data_missing``.
    """
    if format == "onnx":
        return onnx.external(path)
    if format == "openvino":
        found = openvino.beside(path)
        return {found.name: found}
    return {}


def read(format: str, files: Mapping[str, File]) -> Weights:
    """The tensors of a checkpoint.

    Args:
        format: as ``records.Checkpoint.format`` names it.
        files: where each file lies, by its own name.

    Raises:
        InvalidValue: ``model.unsupported_format`` where this version cannot read the numbers, and all of the readers.
    """
    said = files.get(declared.FILE)
    if said is None:
        return _read(format, files)
    weights = _read(format, {name: file for name, file in files.items() if name != declared.FILE})
    with open_regular(whole(said)) as file:
        schemes = declared.parsed(file.read(declared.MAX_BYTES + 1))
    return replace(weights, extra={**weights.extra, "scheme": scheme.to_json({**weights.schemes, **schemes})})


def _read(format: str, files: Mapping[str, File]) -> Weights:
    parts = {name: file for name, file in files.items() if format in PIECEWISE and name.endswith(".safetensors")}
    paths = {name: whole(file) for name, file in files.items() if name not in parts}
    if format == "huggingface":
        return unpacked(folder.read({**paths, **parts}))
    if format == "onnx":
        return onnx.read(paths, next(name for name in paths if name.lower().endswith(".onnx")))
    if format == "openvino":
        return openvino.read(paths, next(name for name in paths if name.lower().endswith(".xml")))
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
    if format == "numpy":
        return unpacked(arrays.read(path, name))
    raise InvalidValue(
        "model.unsupported_format",
        f"The numbers of a checkpoint in {format} format cannot be read yet.",
        hint="Save it as a safetensors file as well.",
    )
