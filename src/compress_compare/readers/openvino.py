"""OpenVINO models: the constants of a graph (``.xml``) whose numbers lie in the file beside it (``.bin``).

Source: the specification of OpenVINO's intermediate representation, version 11, and what NNCF and Optimum write: codes,
less a zero point, times a scale (perhaps itself scaled), in groups that a Reshape joins. The numbers are those products
in float32; OpenVINO multiplies in the number format of the scales, mostly float16. The package itself is not needed:
the format is a list of constants, and the package would load plug-ins to read it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..analysis.layers.values import Array, Values
from ..errors import InvalidValue
from . import onnx_nodes
from .blocks import Blocks
from .dtypes import DTYPES
from .mapped import Mapped
from .openvino_graph import GraphError, OpenVinoGraph, OpenVinoLayer
from .packed import Packing
from .packings.narrow import Rows
from .regular import open_regular
from .safetensors_header import MAX_DIMENSIONS, MAX_NAME_BYTES, MAX_TENSORS, check_start, shown
from .weights import StoredTensor, Weights, free_name

MAX_XML = 512_000_000
TYPES = {
    "f64": "F64", "f32": "F32", "f16": "F16", "bf16": "BF16", "i64": "I64", "u64": "U64", "i32": "I32", "u32": "U32",
    "i16": "I16", "u16": "U16", "i8": "I8", "u8": "U8", "boolean": "BOOL", "f8e4m3": "F8_E4M3", "f8e5m2": "F8_E5M2",
    "f8e8m0": "F8_E8M0", "f4e2m1": "F4",
}  # fmt: skip
FOURS = ("u4", "i4", "nf4")
NF4 = (
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
)  # fmt: skip
"""Dettmers et al., QLoRA (2023), appendix E."""

NARROW = {"I8", "U8", "F8_E4M3", "F8_E5M2", "F4", *FOURS}
PREFIXES = ("self.", "__module.")
"""What the converter of PyTorch models puts before names."""

Key = tuple[int, str]


@dataclass(frozen=True)
class ScaledCodes:
    """Codes and what makes numbers of them, by their layers; ``shape`` is that of the numbers."""

    codes: Key
    scales: tuple[Key, ...]
    zeros: Key | None
    shape: tuple[int, ...] | None


def beside(path: Path) -> Path:
    """The file with the numbers of a model.

    Raises:
        InvalidValue: ``model.external_data_missing``, or ``path.outside_folder`` for a link that leads elsewhere.
    """
    found = path.with_suffix(".bin")
    if not found.exists():
        raise InvalidValue(
            "model.external_data_missing",
            f"The file {found.name!a:.200} with the numbers of {path.name!a} is missing.",
            hint="Copy it into the folder of the model.",
        )
    if not found.resolve().is_relative_to(path.resolve().parent):
        raise InvalidValue(
            "path.outside_folder", f"{found.name!a:.200} lies outside the model's folder.",
            detail="It is a link that leaves the folder.",
        )  # fmt: skip
    return found


def read(files: Mapping[str, Path], name: str) -> Weights:
    """The constants of a model.

    Args:
        files: the graph and the numbers, by name.
        name: of the graph.

    Raises:
        InvalidValue: ``model.not_openvino``, ``model.truncated``, ``model.bad_shape``, ``model.no_tensors``,
            ``model.header_too_large``, ``model.name_too_long``, ``model.too_many_tensors``, ``input.*``.
    """
    graph = _graph(files[name], name)
    numbers = next(path for other, path in files.items() if other != name)
    with open_regular(numbers) as file:
        if not numbers.stat().st_size:
            raise InvalidValue("model.empty_file", f"The file with the numbers of {name!a} is empty (0 bytes).")
        mapped = Mapped(file)
    constants = {key: layer for key, layer in graph.layers.items() if layer.kind == "Const"}
    if not constants:
        raise InvalidValue("model.no_tensors", f"{name!a} holds no constant.")
    if len(constants) > MAX_TENSORS:
        raise InvalidValue("model.too_many_tensors", f"{name!a} holds more than {MAX_TENSORS:,} constants.")
    stored = {key: _constant(layer, mapped.bytes) for key, layer in constants.items()}
    scaled = {one.codes: one for one in _scaled(graph, stored)}
    gone = {key for one in scaled.values() for key in (*one.scales, one.zeros)}
    tensors: dict[str, StoredTensor] = {}
    for key, layer in constants.items():
        found = _numbers(scaled[key], stored) if key in scaled else None
        if found is not None or key not in gone:
            tensors[free_name(_plain(layer.name), tensors)] = found or stored[key]
    single = [each for each, one in tensors.items() if not one.packing and onnx_nodes.is_constant(one.shape)]
    return Weights(tensors, {"order": list(tensors), "buffers": single, "graph": "openvino"}, (mapped,))


def _graph(path: Path, name: str) -> OpenVinoGraph:
    with open_regular(path) as file:
        size = path.stat().st_size
        content = file.read(512)
        if not content.lstrip().startswith(b"<?xml") and not content.lstrip().startswith(b"<net"):
            check_start(content, size, name=name)
        if size > MAX_XML:
            raise InvalidValue(
                "model.header_too_large", f"The graph {name!a} is too large.",
                detail=f"The limit is {MAX_XML:,} bytes; found {size:,}.",
            )  # fmt: skip
        content += file.read()
    try:
        return OpenVinoGraph(content)
    except GraphError as error:
        raise InvalidValue(
            "model.not_openvino",
            f"{name!a} is not an OpenVINO model, or it is cut off.",
            detail=f"{str(error)!a:.200}.",
            hint="Check the download.",
        ) from error


def _plain(name: str) -> str:
    if len(name.encode()) > MAX_NAME_BYTES:
        raise InvalidValue("model.name_too_long", f"A constant's name is longer than {MAX_NAME_BYTES:,} bytes.")
    name = name.removesuffix("_compressed")
    return next((name.removeprefix(start) for start in PREFIXES if name.startswith(start)), name) or "constant"


def _constant(layer: OpenVinoLayer, raw: Array) -> StoredTensor:
    data = layer.data
    kind, listed = data.get("element_type", ""), [each for each in data.get("shape", "").split(",") if each.strip()]
    try:
        shape, start, size = tuple(map(int, listed)), int(data["offset"]), int(data["size"])
    except (ValueError, KeyError) as error:
        raise _bad(layer, "It lacks its shape or place, or these are no numbers.") from error
    if len(shape) > MAX_DIMENSIONS or any(not 0 <= each < 1 << 62 for each in shape) or min(start, size) < 0:
        raise _bad(layer, "Its shape or place is not a list of sizes from 0 on.")
    if start + size > raw.size:
        raise InvalidValue(
            "model.truncated", f"The numbers of constant {shown(layer.name)} lie outside the file.",
            detail=f"They end at byte {start + size:,}; the file has {raw.size:,}.", hint="Check the download.",
        )  # fmt: skip
    part, count = raw[start : start + size], math.prod(shape)
    if kind not in TYPES and kind not in FOURS:
        unread = "" if kind == "string" else f"OpenVINO as {kind!a:.20}"
        return StoredTensor(kind or "string", shape, size, None, unread=unread)
    bits = 4 if kind in FOURS else DTYPES[TYPES[kind]].bits
    needed = -(-count * bits // 8)
    if needed != size:
        raise _bad(layer, f"Its shape needs {needed:,} bytes, has {size:,}." if needed < 10**30 else "")
    if kind in FOURS:
        return StoredTensor(kind, shape, size, _four(kind, part, shape))
    values = Mapped.of(part, TYPES[kind], shape=shape)
    return StoredTensor(TYPES[kind], shape, size, values, turnable=len(shape) == 2)


def _four(kind: str, part: Array, shape: tuple[int, ...]) -> Values:
    """Codes two to a byte, the low half first, decoded as they are read."""
    levels: Array = np.arange(16, dtype=np.float32)
    if kind == "i4":
        levels = np.where(levels > 7, levels - 16, levels).astype(np.float32)
    elif kind == "nf4":
        levels = np.array(NF4, np.float32)

    def decode(first: int, last: int) -> Array:
        found = part[first:last]
        return levels[np.stack([found & 15, found >> 4], axis=1).reshape(-1)]

    return Values(shape, kind, part, num_bytes=part.nbytes, decode=decode, unit=2)


def _bad(layer: OpenVinoLayer, detail: str) -> InvalidValue:
    return InvalidValue("model.bad_shape", f"Constant {shown(layer.name)} cannot be read.", detail=detail)


def _scaled(graph: OpenVinoGraph, stored: Mapping[Key, StoredTensor]) -> list[ScaledCodes]:
    """What Multiply layers make of constants alone."""
    users: dict[Key, list[Key]] = {}
    for key, layer in graph.layers.items():
        for source in layer.sources():
            users.setdefault(source, []).append(key)
    found = []
    for key, layer in graph.layers.items():
        if layer.kind == "Multiply" and len(layer.inputs) == 2:
            first, second = layer.sources()
            codes, zeros = _codes(graph, first)
            held = _scales(graph, second)
            if codes in stored and stored[codes].dtype in NARROW and held and (zeros is None or zeros in stored):
                found.append(ScaledCodes(codes, held, zeros, _joined(graph, users, key, stored)))
    scales = {key for one in found for key in one.scales}
    return [one for one in found if one.codes not in scales]


def _unconverted(graph: OpenVinoGraph, key: Key) -> Key:
    while key in graph.layers and graph.layers[key].kind == "Convert" and len(graph.layers[key].inputs) == 1:
        (key,) = graph.layers[key].sources()
    return key


def _codes(graph: OpenVinoGraph, key: Key) -> tuple[Key, Key | None]:
    """The constant of codes, and that of zero points."""
    key = _unconverted(graph, key)
    layer = graph.layers.get(key)
    if layer is not None and layer.kind == "Subtract" and len(layer.inputs) == 2:
        codes, zeros = (_unconverted(graph, each) for each in layer.sources())
        return codes, zeros
    return key, None


def _scales(graph: OpenVinoGraph, key: Key) -> tuple[Key, ...]:
    """The constants whose product the scales are; empty where they are no constants."""
    key = _unconverted(graph, key)
    layer = graph.layers.get(key)
    if layer is not None and layer.kind == "Const":
        return (key,)
    if layer is not None and layer.kind == "Multiply" and len(layer.inputs) == 2:
        both = [_unconverted(graph, each) for each in layer.sources()]
        if all(each in graph.layers and graph.layers[each].kind == "Const" for each in both):
            return tuple(both)
    return ()


def _joined(
    graph: OpenVinoGraph, users: Mapping[Key, list[Key]], key: Key, stored: Mapping[Key, StoredTensor]
) -> tuple[int, ...] | None:
    """The shape to which a Reshape joins groups; ``None`` without one."""
    for _ in range(4):
        after = users.get(key, [])
        if len(after) != 1:
            return None
        layer = graph.layers[after[0]]
        if layer.kind == "Reshape" and len(layer.inputs) == 2:
            target = stored.get(layer.sources()[1])
            if target is None or target.values is None or target.values.count > MAX_DIMENSIONS:
                return None
            return tuple(int(each) for each in target.values.whole().reshape(-1))
        if layer.kind != "Convert":
            return None
        key = after[0]
    return None


def _numbers(one: ScaledCodes, stored: Mapping[Key, StoredTensor]) -> StoredTensor | None:
    """The numbers of codes; ``None`` where scales do not fit them."""
    codes = stored[one.codes]
    scale = _product([stored[key] for key in one.scales])
    zeros = None if one.zeros is None else stored[one.zeros].values
    if codes.values is None or scale is None or not codes.shape or (one.zeros is not None and zeros is None):
        return None
    tables = [_fitted(each, codes.shape) for each in (scale, *([zeros.whole()] if zeros is not None else []))]
    if any(each is None for each in tables):
        return None
    fitted = [each for each in tables if each is not None]
    full = np.broadcast_shapes(*(each.shape for each in fitted))
    both = [np.broadcast_to(each, full) for each in fitted]
    sizes = tuple(whole if parts == 1 else 1 for whole, parts in zip(codes.shape, full, strict=True))
    blocks = Blocks(Rows(codes), codes.shape, both[0], sizes, zeros=both[1] if len(both) > 1 else None)
    shape = one.shape if one.shape is not None and math.prod(one.shape) == codes.values.count else codes.shape
    parts = [codes, *(stored[key] for key in (*one.scales, one.zeros) if key is not None)]
    is_grouped = len(codes.shape) > len(shape) and codes.shape[-1] < shape[-1]
    bits = 4 if codes.dtype in FOURS else DTYPES[codes.dtype].bits
    made = blocks.packing(bits)
    packing = Packing(bits, codes.shape[-1] if is_grouped else made.group_size, made.parts)
    unit = max(codes.shape[-1], 1)
    raw = codes.values.raw
    values = Values(shape, codes.dtype, raw, num_bytes=raw.nbytes, decode=blocks.numbers, unit=unit)
    return StoredTensor(
        codes.dtype, shape, sum(part.num_bytes for part in parts), values, packing, turnable=len(shape) == 2
    )


def _product(parts: list[StoredTensor]) -> Array | None:
    found: Array = np.ones((), np.float32)
    for part in parts:
        if part.values is None or part.values.count > MAX_XML:
            return None
        found = found * part.values.whole().astype(np.float32)
    return found


def _fitted(numbers: Array, shape: tuple[int, ...]) -> Array | None:
    """Numbers with as many dimensions as the codes, each of size 1 or theirs."""
    found = numbers.astype(np.float32)
    if found.ndim > len(shape):
        return None
    found = found.reshape((1,) * (len(shape) - found.ndim) + found.shape)
    fits = all(parts in (1, whole) for whole, parts in zip(shape, found.shape, strict=True))
    return found if fits else None
