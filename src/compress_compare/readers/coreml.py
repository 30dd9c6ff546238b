"""The weights of a Core ML package, read in a worker through coremltools: the constants of its ML programs.

Compressed constants are taken as the numbers that coremltools itself makes of them.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InvalidValue
from .converted import KEY, Found, stored
from .regular import check_inside
from .weights import free_name

ENDS = re.compile(r"(_(quantized|palettized|sparsified|to_fp16|to_fp32|cast_fp16|cast_fp32|lut))+$")
"""What coremltools adds to the names of weights."""

WEIGHTS = Path("Data/com.apple.CoreML/weights")
SPEC = Path("Data/com.apple.CoreML/model.mlmodel")
CODES = ("data", "indices", "quantized_data", "nonzero_data")
BITS = re.compile(r"u?int(\d+)$")


def check(path: Path) -> None:
    """Check that a package holds regular files of its own alone.

    Raises:
        InvalidValue: ``model.not_a_checkpoint``, ``path.outside_folder``.
    """
    check_inside(path)
    if not (path / SPEC).is_file():
        raise InvalidValue(
            "model.not_a_checkpoint", f"{path.name!a} is not a Core ML package that coremltools wrote.",
            detail=f"It has no {SPEC.as_posix()}.",
            hint="Save it again with model.save('NAME.mlpackage'), or copy the whole folder.",
        )  # fmt: skip


def load(path: Path, name: str) -> Found:
    """The constants of a package, and how it stored those that are compressed.

    Raises:
        InvalidValue: ``model.unsupported_format`` for what is no ML program, ``model.no_tensors``.
    """
    tools: Any = importlib.import_module("coremltools")
    proto: Any = importlib.import_module("coremltools.converters.mil.frontend.milproto.load")
    try:
        spec = tools.utils.load_spec(str(path))
        if spec.WhichOneof("Type") != "mlProgram":
            raise InvalidValue(
                "model.unsupported_format", f"{name!a} is an older kind of Core ML model, not an ML program.",
                hint="Convert it again with coremltools.convert(…, convert_to='mlprogram').",
            )  # fmt: skip
        program = proto.load(spec, spec.specificationVersion, str(path / WEIGHTS))
        found: dict[str, Any] = {}
        said: dict[str, dict[str, Any]] = {}
        for function in program.functions.values():
            for operation in function.operations:
                taken = _taken(operation)
                if taken is not None:
                    key = free_name(ENDS.sub("", operation.outputs[0].name), found)
                    found[key], said[key] = taken
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AssertionError, AttributeError) as error:
        raise InvalidValue(
            "model.not_a_checkpoint", f"{name!a} is damaged, or coremltools {tools.__version__} cannot read it.",
            hint="Check the download.",
        ) from error  # fmt: skip
    if not found:
        hint = "Convert the model with its weights, or name another package."
        raise InvalidValue("model.no_tensors", f"{name!a} holds no weight.", hint=hint)
    return found, {KEY: {key: one for key, one in said.items() if one}, "order": list(found)}


def _taken(operation: Any) -> tuple[Any, dict[str, Any]] | None:
    """The numbers of a constant that is used as such, and how it is stored; ``None`` for others."""
    output, kind = operation.outputs[0], operation.op_type
    if any(str(user.op_type).startswith("constexpr") for user in output.child_ops):
        return None
    if kind == "const":
        array = np.asarray(output.val)
        is_weight = array.dtype.kind == "f" and array.size > 1
        return (array, {}) if is_weight else None
    if not str(kind).startswith("constexpr"):
        return None
    array = np.asarray(operation.materialized_val_inference())
    parts = list(_parts(operation))
    bits = max((bits for bits, _, is_code in parts if is_code), default=0)
    num_bytes = sum(-(-bits * size // 8) for bits, size, _ in parts)
    dtype = {"constexpr_lut_to_dense": f"palette{bits}"}.get(kind, f"int{bits}") if bits else str(array.dtype)
    return array, stored(dtype=dtype, num_bytes=num_bytes, bits=bits)


def _parts(operation: Any) -> Any:
    """Of all constants behind a compressed one: bits of an entry, how many, and whether they are its codes."""
    for name, value in operation.inputs.items():
        if value is None or isinstance(value, tuple):
            continue
        source = value.op
        if source is not None and str(source.op_type).startswith("constexpr"):
            yield from _parts(source)
        elif value.val is not None and name not in ("name", "axis", "shape", "vector_axis"):
            is_mask = name == "mask"
            bits = 1 if is_mask else _bits(value)
            held = np.asarray(value.val)
            yield bits, int(held.size), name in CODES and held.dtype.kind in "iu"


def _bits(value: Any) -> int:
    """Bits of an entry: coremltools keeps narrow integers in bytes and says their type beside them."""
    types: Any = importlib.import_module("coremltools.converters.mil.mil.types")
    found = BITS.match(types.builtin_to_string(value.dtype))
    return int(found[1]) if found else np.asarray(value.val).dtype.itemsize * 8
