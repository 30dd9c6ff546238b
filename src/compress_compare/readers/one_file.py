"""Folders that hold a model in one file of another kind, and what to do about those that hold none or several."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ..errors import InvalidValue

TORCH = "pytorch_model.bin"
OPENVINO = "openvino_model.xml"
ONNX = ("model.onnx", "onnx/model.onnx")
INDEX = "pytorch_model.bin.index.json"
WEIGHTS = ("*.safetensors", "*.bin", "*.onnx", "*.gguf", "*.pt", "*.pth", "*.ckpt", "*.tflite", "*.npz", "*.weights.h5")
LISTED = 5
PARTS = re.compile(r"consolidated\.\d+\.pth$")
"""Files of one model that is split over processes; none of them is a model."""

OTHERS = {
    ".mlmodel": "Convert it again with coremltools.convert(…, convert_to='mlprogram') and save it as .mlpackage.",
    ".h5": "Save the weights alone with model.save_weights('NAME.weights.h5').",
}


def of(folder: Path) -> Path | None:
    """The one file that a folder without safetensors files keeps its weights in; ``None`` where there are such.

    Raises:
        InvalidValue: ``model.not_a_checkpoint`` or ``model.several_networks``, with what to do.
    """
    if any(folder.glob("*.safetensors")) or (folder / "model.safetensors.index.json").exists():
        _check_precisions(folder)
        return None
    if folder.suffix == ".mlmodelc":
        raise InvalidValue(
            "model.unsupported_format", f"{folder.name!a} is a compiled Core ML model, which is not read.",
            hint="Name the .mlpackage that it was compiled from.",
        )  # fmt: skip
    for name in (TORCH, *ONNX, OPENVINO):
        if (folder / name).is_file():
            return folder / name
    files = sorted({path for pattern in WEIGHTS for path in folder.glob(pattern) if path.is_file()})
    if len(files) > 1 and all(PARTS.match(path.name) for path in files):
        raise InvalidValue(
            "model.unsupported_format", f"{folder.name!a} holds one model in {len(files):,} parts of Meta's kind.",
            detail=f"They are {', '.join(f'{path.name!a}' for path in files[:LISTED])}.",
            hint="Convert it with transformers' conversion for Llama, which writes safetensors files.",
        )  # fmt: skip
    if len(files) == 1:
        return files[0]
    inside = sorted({path.parent.name for pattern in WEIGHTS for path in folder.glob(f"*/{pattern}")})
    raise _nothing(folder, [path.name for path in files], inside)


def refusal(path: Path, supported: Iterable[str]) -> InvalidValue:
    """The error for a file of a kind that is not read, with what to do: ``model.unsupported_format``.

    Args:
        path: of the file.
        supported: the endings of files that are read.
    """
    suffix, code = path.suffix.lower(), "model.unsupported_format"
    if suffix in OTHERS:
        return InvalidValue(
            code, f"Files of the kind {suffix} such as {path.name!a} are not read.", hint=OTHERS[suffix]
        )
    return InvalidValue(
        code,
        f"The checkpoint {path.name!a} has an unknown format.",
        hint=f"Supported are {', '.join(supported)} and Hugging Face folders.",
    )


def _check_precisions(folder: Path) -> None:
    """Refuse a folder that holds the same network twice, in two number formats."""
    names = {path.name for path in folder.glob("*.safetensors")}
    for name in sorted(names):
        start, dot, kind = name.removesuffix(".safetensors").rpartition(".")
        if dot and kind in ("fp16", "bf16", "fp32", "non_ema", "int8", "fp8") and f"{start}.safetensors" in names:
            raise InvalidValue(
                "model.several_networks",
                f"{folder.name!a} holds the same network in two number formats.",
                detail=f"They are {start + '.safetensors'!a} and {name!a}.",
                hint=f"Name the file that you mean: {name!a}.",
            )


def _nothing(folder: Path, files: list[str], inside: list[str]) -> InvalidValue:
    if inside:
        listed = ", ".join(f"{name!a}" for name in inside[:LISTED])
        return InvalidValue(
            "model.not_a_checkpoint",
            f"The networks of {folder.name!a} lie one folder below.",
            detail=f"There are {listed}.",
            hint=f"Name one of them: {folder.name}/{inside[0]}.",
        )
    if files:
        return InvalidValue(
            "model.several_networks", f"{folder.name!a} holds several models.",
            detail=f"They are {', '.join(f'{name!a}' for name in files[:LISTED])}.",
            hint="Name the file that you mean.",
        )  # fmt: skip
    return InvalidValue(
        "model.not_a_checkpoint",
        "The folder holds no safetensors file.",
        hint="Name the file with the weights, or the folder that save_pretrained(…) wrote.",
    )
