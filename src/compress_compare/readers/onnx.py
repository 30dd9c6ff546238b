"""ONNX models: their initializers, found by walking over the file's fields; the ``onnx`` package is not needed.

Source: ``onnx.proto`` and the encoding of Protocol Buffers. Quantized initializers that a DequantizeLinear node turns
into numbers are read as those numbers. Numbers in files beside the model are read from its folder and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from ..analysis.layers.values import Array, Values
from ..errors import InvalidValue
from . import onnx_nodes
from .dtypes import DTYPES, PARTS, unpacked
from .mapped import Mapped
from .onnx_nodes import OnnxNode
from .protobuf import Message, WireError, integers
from .regular import open_regular
from .safetensors_header import MAX_DIMENSIONS, MAX_NAME_BYTES, MAX_TENSORS, check_start, shown
from .weights import StoredTensor, Weights

_TYPES = {
    1: "F32", 2: "U8", 3: "I8", 4: "U16", 5: "I16", 6: "I32", 7: "I64", 9: "BOOL", 10: "F16", 11: "F64", 12: "U32",
    13: "U64", 14: "C64", 16: "BF16", 17: "F8_E4M3", 18: "F8_E4M3FNUZ", 19: "F8_E5M2", 20: "F8_E5M2FNUZ",
    23: "F4", 24: "F8_E8M0",
}  # fmt: skip
_PARTS = {21: "uint4", 22: "int4", 25: "uint2", 26: "int2"}
_UNREAD = {15: ("complex128", 128), 27: ("float6_e2m3", 6), 28: ("float6_e3m2", 6)}
"""Formats whose numbers are not read: name, bits."""
FLOATS = (1, 10, 11, 16)
ONE = b"\0\0\x80?"
"""The number 1 as a float of a message."""

INTERESTING = ("QuantizeLinear", "DequantizeLinear", "MatMulNBits", *onnx_nodes.PLACES)


@dataclass(frozen=True)
class Initializer:
    """A tensor of a model: its numbers lie in ``raw``, or from ``start`` on in the file ``location``."""

    name: str
    kind: int
    shape: tuple[int, ...]
    raw: Array
    location: str | None = None
    start: int = 0
    num_bytes: int | None = None


@dataclass
class OnnxGraph:
    """What is read of a model."""

    tensors: dict[str, Initializer] = field(default_factory=dict)
    nodes: list[OnnxNode] = field(default_factory=list)
    num_nodes: int = 0


def external(path: Path) -> dict[str, Path]:
    """The files beside a model that hold its numbers, by the names that it gives them, after a look at each.

    Raises:
        InvalidValue: ``path.outside_folder`` for what lies or leads elsewhere, ``model.external_data_missing``, and
            those of ``read``.
    """
    graph, _ = _graph(path, path.name)
    folder = path.resolve().parent
    found = {}
    for name in sorted({one.location for one in graph.tensors.values() if one.location is not None}):
        _check_inside(name)
        beside = path.parent / name
        if not beside.exists() and not beside.is_symlink():
            raise InvalidValue(
                "model.external_data_missing",
                f"The file {name!a:.200} with numbers of {path.name!a} is missing.",
                hint="Copy it into the folder of the model.",
            )
        if not beside.resolve().is_relative_to(folder):
            raise _outside(name, "It is a link that leaves the folder.")
        open_regular(beside).close()
        if beside.stat().st_nlink > 1:
            raise _outside(name, "It is a hard link: the same file has a name elsewhere.")
        found[name] = beside
    return found


def read(files: Mapping[str, Path], name: str) -> Weights:
    """The initializers of a model.

    Args:
        files: the model's file and those that hold its numbers, by name.
        name: of the model's file.

    Raises:
        InvalidValue: ``model.empty_graph``, ``model.not_onnx``, ``model.truncated``, ``model.bad_shape``,
            ``model.bad_dtype``, ``model.duplicate_tensor``, ``model.name_too_long``, ``model.too_many_tensors``,
            ``model.external_data_missing``, ``path.outside_folder``, ``input.*``.
    """
    graph, mapped = _graph(files[name], name)
    others: dict[str, Mapped] = {}
    for one in graph.tensors.values():
        if one.location is not None and one.location not in others:
            _check_inside(one.location)
            if one.location not in files:
                raise InvalidValue("model.external_data_missing", f"The file {one.location!a:.200} is missing.")
            with open_regular(files[one.location]) as file:
                others[one.location] = Mapped(file)
    tensors = {key: _stored(one, others) for key, one in graph.tensors.items()}
    opened = tuple(filter(None, (mapped, *others.values())))
    numbers = _dequantized(tensors, graph)
    constants = [key for key, stored in numbers.items() if not stored.packing and onnx_nodes.is_constant(stored.shape)]
    return Weights(numbers, {"order": list(numbers), "buffers": constants, "graph": "onnx"}, opened)


def _graph(path: Path, name: str) -> tuple[OnnxGraph, Mapped]:
    with open_regular(path) as file:
        size = path.stat().st_size
        if not size:
            raise _empty(name, "The file is empty (0 bytes).")
        check_start(file.read(512), size, name=name)
        mapped = Mapped(file)
    graph = OnnxGraph()
    try:
        model = Message(mapped.bytes)
        versions = [value for number, value in model.fields() if number == 1]
        graphs = [value for number, value in model.fields() if number == 7]
        if not all(isinstance(version, int) for version in versions):
            raise WireError("The version is no number")
        for found in graphs:
            _walk(Message(found), graph, name)
    except WireError as error:
        raise InvalidValue(
            "model.not_onnx", f"{name!a} is not an ONNX model, or it is cut off.", detail=f"{error}.",
            hint="Check the download.",
        ) from error  # fmt: skip
    if not graph.num_nodes and not graph.tensors:
        raise _empty(name, "It has no node and no initializer.")
    if not graph.tensors:
        raise InvalidValue("model.no_tensors", f"{name!a} holds no tensor.")
    return graph, mapped


def _walk(message: Message, graph: OnnxGraph, name: str) -> None:
    for number, value in message.fields():
        if number == 5:
            one = _initializer(Message(value))
            if one.name in graph.tensors:
                raise InvalidValue("model.duplicate_tensor", f"Tensor {shown(one.name)} stands in the file twice.")
            graph.tensors[one.name] = one
            if len(graph.tensors) > MAX_TENSORS:
                raise InvalidValue("model.too_many_tensors", f"{name!a} holds more than {MAX_TENSORS:,} tensors.")
        elif number == 1:
            graph.num_nodes += 1
            _node(Message(value), graph)


def _node(message: Message, graph: OnnxGraph) -> None:
    inputs: list[str] = []
    outputs: list[str] = []
    kind, numbers = "", dict[str, int]()
    constant: Any = None
    for number, value in message.fields():
        if number in (1, 2):
            (inputs if number == 1 else outputs).append(_text(value))
        elif number == 4:
            kind = _text(value)
        elif number == 5:
            attribute = dict(Message(value).fields())
            name = _text(attribute[1]) if 1 in attribute else ""
            if isinstance(attribute.get(3), int):
                numbers[name] = integers(attribute[3])[0]
            if name == "alpha" and 2 in attribute and bytes(attribute[2]) != ONE:
                numbers[onnx_nodes.SCALED] = 1
            if name == "value" and 5 in attribute:
                constant = attribute[5]
    if kind == "Constant" and constant is not None and outputs:
        one = replace(_initializer(Message(constant)), name=outputs[0])
        if one.kind in FLOATS and not onnx_nodes.is_constant(one.shape) and one.name not in graph.tensors:
            graph.tensors[one.name] = one
    elif kind in INTERESTING:
        graph.nodes.append(OnnxNode(kind, tuple(inputs), tuple(outputs), numbers))


def _initializer(message: Message) -> Initializer:
    shape: list[int] = []
    name, kind, raw = "", 0, None
    typed: list[tuple[int, Any]] = []
    is_external, entries = False, dict[str, str]()
    for number, value in message.fields():
        if number == 1:
            shape += integers(value, most=MAX_DIMENSIONS - len(shape))
        elif number == 2:
            kind = int(value)
        elif number == 8:
            name = _text(value)
        elif number == 9:
            raw = value
        elif number in (4, 5, 7, 10, 11):
            typed.append((number, value))
        elif number == 13:
            entry = dict(Message(value).fields())
            entries[_text(entry.get(1, b""))] = _text(entry.get(2, b""))
        elif number == 14:
            is_external = value == 1
    if len(name.encode()) > MAX_NAME_BYTES:
        raise InvalidValue("model.name_too_long", f"A tensor's name is longer than {MAX_NAME_BYTES:,} bytes.")
    if len(shape) > MAX_DIMENSIONS or any(size < 0 or size >= 1 << 62 for size in shape):
        raise InvalidValue("model.bad_shape", f"The shape of tensor {shown(name)} is not a list of sizes from 0 on.")
    if is_external:
        start, length = _number(entries.get("offset", "0")), entries.get("length")
        held = None if length is None else _number(length)
        return Initializer(name, kind, tuple(shape), np.empty(0, np.uint8), entries.get("location", ""), start, held)
    if raw is None:
        raw = _typed(typed, kind)
    return Initializer(name, kind, tuple(shape), raw)


def _typed(parts: list[tuple[int, Any]], kind: int) -> Array:
    """The bytes of numbers that stand in a field of their own type instead of ``raw_data``."""
    if all(number in (4, 10) for number, _ in parts):
        return np.concatenate([np.empty(0, np.uint8), *(part for _, part in parts)])
    bits = max(DTYPES[_TYPES[kind]].bits, 8) if kind in _TYPES else 8
    codes = [code & ((1 << bits) - 1) for _, part in parts for code in integers(part)]
    return np.array(codes, f"<u{max(bits // 8, 1)}").view(np.uint8)


def _stored(one: Initializer, others: Mapping[str, Mapped]) -> StoredTensor:
    count = math.prod(one.shape)
    if one.kind == 8:
        return StoredTensor("string", one.shape, 0, None)
    bits = _bits(one)
    needed = -(-count * bits // 8)
    raw = one.raw if one.location is None else others[one.location].bytes[one.start :]
    held = len(raw) if one.num_bytes is None else min(one.num_bytes, len(raw))
    if held < needed or (one.location is None and held != needed):
        said = f"{needed:,}" if needed < 10**30 else f"about {needed:.1e}"
        raise InvalidValue(
            "model.bad_shape" if one.location is None else "model.truncated",
            f"The shape of tensor {shown(one.name)} does not fit its bytes.",
            detail=f"It needs {said} bytes, has {held:,}.",
        )
    raw = raw[:needed]
    if one.kind in _UNREAD:
        return StoredTensor(_UNREAD[one.kind][0], one.shape, needed, None)
    if one.kind in _PARTS:
        name = _PARTS[one.kind]
        codes = unpacked(raw, PARTS[name])[:count]
        return StoredTensor(name, one.shape, needed, Values.of(codes.reshape(one.shape)))
    dtype = _TYPES[one.kind]
    return StoredTensor(dtype, one.shape, needed, Mapped.of(raw, dtype, shape=one.shape))


def _bits(one: Initializer) -> int:
    """Of a number; two of four bits share a byte, four of two bits."""
    if one.kind in _TYPES:
        return DTYPES[_TYPES[one.kind]].bits
    if one.kind in _PARTS:
        return PARTS[_PARTS[one.kind]][0]
    if one.kind in _UNREAD:
        return _UNREAD[one.kind][1]
    raise InvalidValue("model.bad_dtype", f"Tensor {shown(one.name)} has the unknown type {one.kind:,}.")


def _dequantized(tensors: dict[str, StoredTensor], graph: OnnxGraph) -> dict[str, StoredTensor]:
    looks = (onnx_nodes.bias, onnx_nodes.codes)
    scaled = dict(each for look in looks for node in graph.nodes if (each := look(node, tensors)) is not None)
    pending = onnx_nodes.pending(graph.nodes, tensors)
    used = [*scaled.values(), *(of for of, _ in pending.values())]
    gone = {part for of in used for part in (of.scale, of.zero) if part is not None}
    result: dict[str, StoredTensor] = {}
    for name, stored in tensors.items():
        found = onnx_nodes.numbers(stored, tensors, of=scaled[name]) if name in scaled else None
        if name in pending:
            of, output = pending[name]
            result[name] = onnx_nodes.rounded(stored, tensors, of=of, output=output)
        elif found is not None:
            result[onnx_nodes.ENDS.sub("", name)] = found
        elif name not in gone:
            result[name] = stored
    return result


def _check_inside(location: str) -> None:
    posix, windows = PurePosixPath(location), PureWindowsPath(location)
    if not location or "\0" in location or posix.is_absolute() or windows.drive or windows.root or "\\" in location:
        raise _outside(location, "The model names it.")
    if ".." in posix.parts:
        raise _outside(location, "The model names it.")


def _outside(name: str, detail: str) -> InvalidValue:
    return InvalidValue("path.outside_folder", f"{name!a:.200} lies outside the model's folder.", detail=detail)


def _empty(name: str, detail: str) -> InvalidValue:
    return InvalidValue("model.empty_graph", f"{name!a} is an empty model.", detail=detail, hint="Check the download.")


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise WireError("The place of external data is no number")
    return int(text)


def _text(value: Any) -> str:
    if isinstance(value, int):
        raise WireError("A text is missing")
    try:
        return bytes(value).decode()
    except UnicodeDecodeError as error:
        raise WireError("A text is not UTF-8") from error
