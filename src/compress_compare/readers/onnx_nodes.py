"""Which tensors of an ONNX graph are codes, and the scales that its nodes multiply them by.

Sources: the operators DequantizeLinear (with blocks since opset 21), MatMulInteger, ConvInteger, QLinearMatMul and
QLinearConv; of ``com.microsoft``, MatMulNBits, QGemm, DynamicQuantizeMatMul, MatMulIntegerToFloat and QAttention; the
names that ``onnxruntime.quantization`` gives (``NAME_quantized``, ``NAME_scale``, ``NAME_zero_point``; ``NAME_Q4``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..analysis.layers.values import Array, Values
from .blocks import Blocks
from .dtypes import DTYPES, PARTS
from .packed import stream
from .weights import StoredTensor

ENDS = re.compile(r"_quantized$|_Q\d+(G\d+)?$")
"""What onnxruntime adds to the name of a tensor."""

LAST, FIRST = -1, 0
PLACES = {
    "MatMulInteger": (1, None, 3, LAST),
    "ConvInteger": (1, None, 3, FIRST),
    "QLinearMatMul": (3, 4, 5, LAST),
    "QLinearConv": (3, 4, 5, FIRST),
    "QGemm": (3, 4, 5, LAST),
    "DynamicQuantizeMatMul": (1, 2, 3, LAST),
    "MatMulIntegerToFloat": (1, 3, 5, LAST),
    "QAttention": (1, 4, 7, LAST),
}
"""Of an operator, the places of codes, scales and zero points among its inputs, and the dimension of its outputs."""

BIASES = {"QLinearConv": (8, 1, 4), "QGemm": (6, 1, 4)}
"""Of an operator, the places of its bias of 32-bit integers, and of the two scales whose product is the bias's."""

SCALED = "scaled"
"""Noted of a node that multiplies its product by a factor, which a bias then has in its scale too."""

RANGES = {
    "U8": (0, 255), "I8": (-128, 127), "U16": (0, 65535), "I16": (-32768, 32767), "uint4": (0, 15), "int4": (-8, 7),
    "uint2": (0, 3), "int2": (-2, 1),
}  # fmt: skip
"""The smallest and largest code of each type that QuantizeLinear rounds to."""

OUTPUTS = {2: "U8", 3: "I8", 4: "U16", 5: "I16", 21: "uint4", 22: "int4", 25: "uint2", 26: "int2"}
"""What the attribute ``output_dtype`` of QuantizeLinear means; without it and without a zero point it is U8."""

NOT_ROUNDED = "QuantizeLinear in a way that is not read"


@dataclass(frozen=True)
class OnnxNode:
    """A node: its operator, the names of inputs and outputs, the attributes that are whole numbers."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    numbers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class CodesOf:
    """Codes and what makes numbers of them, by the names of tensors.

    Args:
        scale: of the scales.
        zero: of the zero points; ``None`` for none.
        axis: the dimension that the scales belong to.
        block: numbers along it that share a scale; 0 for all of an entry.
        packed: of MatMulNBits, ``bits``, ``K``, ``N`` and ``block_size``; empty for others.
        times: of the scales that those are multiplied by; empty for none.
    """

    scale: str
    zero: str | None
    axis: int
    block: int = 0
    packed: Mapping[str, int] = field(default_factory=dict)
    times: str = ""


def codes(node: OnnxNode, known: Mapping[str, Any]) -> tuple[str, CodesOf] | None:
    """The tensor of codes that a node uses, and what belongs to it; ``known`` are the graph's tensors."""
    inputs = node.inputs
    if node.kind == "DequantizeLinear" and len(inputs) >= 2:
        zero = inputs[2] if len(inputs) > 2 and inputs[2] else None
        return inputs[0], CodesOf(inputs[1], zero, node.numbers.get("axis", 1), node.numbers.get("block_size", 0))
    if node.kind == "MatMulNBits" and len(inputs) >= 3:
        zero = inputs[3] if len(inputs) > 3 and inputs[3] else None
        return inputs[1], CodesOf(inputs[2], zero, LAST, packed=node.numbers)
    if node.kind in PLACES and len(inputs) > PLACES[node.kind][0]:
        at, scale_at, zero_at, axis = PLACES[node.kind]
        if scale_at is not None and scale_at >= len(inputs):
            return None
        axis = FIRST if node.numbers.get("transB") else axis
        name = inputs[at]
        scale = f"{ENDS.sub('', name)}_scale" if scale_at is None else inputs[scale_at]
        zero = inputs[zero_at] if zero_at < len(inputs) and inputs[zero_at] else None
        return (name, CodesOf(scale, zero, axis)) if scale in known else None
    return None


def pending(nodes: Sequence[OnnxNode], known: Mapping[str, StoredTensor]) -> dict[str, tuple[CodesOf, int]]:
    """Float weights that the graph itself rounds each time: QuantizeLinear, then DequantizeLinear.

    Returns:
        By the name of the weight, what it is rounded with and the attribute ``output_dtype``, 0 for none.
    """
    rounds = {
        node.outputs[0]: node
        for node in nodes
        if node.kind == "QuantizeLinear" and len(node.inputs) > 1 and node.outputs and node.inputs[0] in known
    }
    found: dict[str, tuple[CodesOf, int]] = {}
    for node in nodes:
        first = rounds.get(node.inputs[0]) if node.kind == "DequantizeLinear" and node.inputs else None
        if first is not None and not is_constant(known[first.inputs[0]].shape):
            zero = first.inputs[2] if len(first.inputs) > 2 and first.inputs[2] else None
            of = CodesOf(first.inputs[1], zero, first.numbers.get("axis", 1), first.numbers.get("block_size", 0))
            found[first.inputs[0]] = of, first.numbers.get("output_dtype", 0)
    return found


def rounded(stored: StoredTensor, tensors: Mapping[str, StoredTensor], *, of: CodesOf, output: int) -> StoredTensor:
    """A float weight as the graph uses it: over its scale, rounded to the nearest code (ties to even), and back."""
    scale, zero = tensors.get(of.scale), tensors.get(of.zero or "")
    kind = zero.dtype if zero is not None else OUTPUTS.get(output, "U8" if not output else "")
    ends, values = RANGES.get(kind), stored.values
    fit = None if scale is None or scale.values is None else _fit(scale.values.whole(), stored.shape, of=of)
    if fit is None or ends is None or values is None or (of.zero and (zero is None or zero.values is None)):
        return replace(stored, values=None, unread=NOT_ROUNDED)
    scales, sizes = fit
    places = np.float32(0) if zero is None or zero.values is None else zero.values.whole().astype(np.float32)
    if np.size(places) not in (1, scales.size):
        return replace(stored, values=None, unread=NOT_ROUNDED)
    zeros = np.broadcast_to(np.reshape(places, scales.shape if np.size(places) > 1 else ()), scales.shape)
    for axis, (size, whole) in enumerate(zip(sizes, stored.shape, strict=True)):
        index = np.arange(whole) // size
        scales, zeros = scales.take(index, axis), zeros.take(index, axis)
    with np.errstate(divide="ignore", invalid="ignore"):
        used = (np.clip(np.round(values.whole() / scales) + zeros, *ends) - zeros) * scales
    made = Values.of(np.asarray(used, np.float32))
    return replace(stored, values=replace(made, num_bytes=stored.num_bytes))


def bias(node: OnnxNode, known: Mapping[str, Any]) -> tuple[str, CodesOf] | None:
    """The bias of 32-bit integers that a node adds to its products, whose scale is that of both factors."""
    at, first, second = BIASES.get(node.kind, (len(node.inputs), 0, 0))
    if at >= len(node.inputs) or not node.inputs[at] or SCALED in node.numbers:
        return None
    scale, times = node.inputs[second], node.inputs[first]
    return (node.inputs[at], CodesOf(scale, None, FIRST, times=times)) if {scale, times} <= set(known) else None


def numbers(stored: StoredTensor, tensors: Mapping[str, StoredTensor], *, of: CodesOf) -> StoredTensor | None:
    """The numbers of codes; ``None`` where scales do not fit them."""
    scale, zero = tensors.get(of.scale), tensors.get(of.zero or "")
    if scale is None or scale.values is None or stored.values is None or not stored.shape:
        return None
    parts = [stored, scale, *([zero] if zero else [])]
    places = zero.values.whole() if zero and zero.values else None
    if of.packed:
        return _packed(stored, of.packed, scales=scale.values.whole(), zero=zero, parts=parts)
    scales = scale.values.whole()
    if of.times:
        other = tensors[of.times].values
        if other is None or other.count != 1 or stored.dtype != "I32" or len(stored.shape) != 1:
            return None
        scales, parts = scales.reshape(-1) * other.whole().reshape(()), [stored]
    fit = _fit(scales, stored.shape, of=of)
    if fit is None or (places is not None and places.size not in (1, fit[0].size)):
        return None
    zeros = None
    if places is not None:
        shape = fit[0].shape if places.size > 1 else (1,) * len(stored.shape)
        zeros = np.broadcast_to(places.astype(np.float32).reshape(shape), fit[0].shape)
    values, columns = stored.values, stored.shape[-1]

    def rows(first: int, last: int) -> Array:
        return values.numbers(first * columns, last * columns).reshape(last - first, columns)

    blocks = Blocks(rows, stored.shape, *fit, zeros=zeros)
    bits = PARTS[stored.dtype][0] if stored.dtype in PARTS else DTYPES[stored.dtype].bits
    name = DTYPES[stored.dtype].name if stored.dtype in DTYPES else stored.dtype
    num_bytes = sum(part.num_bytes for part in parts)
    return StoredTensor(
        stored.dtype, stored.shape, num_bytes, blocks.values(name, values.raw), blocks.packing(bits), turnable=True
    )


def _fit(scales: Array, shape: tuple[int, ...], *, of: CodesOf) -> tuple[Array, tuple[int, ...]] | None:
    """Scales as an entry for each block, and the sizes of blocks."""
    axis = of.axis % len(shape)
    if of.block:
        sizes = tuple(of.block if at == axis else 1 for at in range(len(shape)))
        parts = tuple(-(-whole // size) for whole, size in zip(shape, sizes, strict=True))
        return (scales.astype(np.float32), sizes) if scales.shape == parts else None
    if scales.size not in (1, shape[axis]) or (scales.ndim > 1 and scales.size > 1):
        return None
    parts = tuple(scales.size if at == axis else 1 for at in range(len(shape)))
    sizes = tuple(max(whole // part, 1) for whole, part in zip(shape, parts, strict=True))
    return scales.reshape(parts).astype(np.float32), sizes


def _packed(
    stored: StoredTensor,
    said: Mapping[str, int],
    *,
    scales: Array,
    zero: StoredTensor | None,
    parts: list[StoredTensor],
) -> StoredTensor | None:
    """Of MatMulNBits: codes [outputs, blocks, bytes], the lowest bits first, whose default zero is the middle."""
    bits, size, inputs, outputs = (said.get(name, 0) for name in ("bits", "block_size", "K", "N"))
    bits = bits or 4
    if bits not in (2, 4, 8) or size < 1 or inputs < 1 or outputs < 1 or stored.values is None:
        return None
    groups = -(-inputs // size)
    if stored.values.raw.size != outputs * groups * size * bits // 8 or scales.size != outputs * groups:
        return None
    raw = stored.values.raw.view(np.uint8).reshape(outputs, -1)
    zeros = np.full((outputs, groups), 1 << (bits - 1), np.float32)
    if zero is not None and zero.values is not None:
        if zero.dtype == "U8":
            row = zero.values.raw.view(np.uint8).reshape(outputs, -1)
            if row.shape[1] * 8 < groups * bits:
                return None
            zeros = stream(row, groups, bits=bits).astype(np.float32)
        else:
            zeros = zero.values.whole().reshape(outputs, groups).astype(np.float32)

    def rows(first: int, last: int) -> Array:
        return stream(raw[first:last], groups * size, bits=bits)[:, :inputs]

    table = scales.reshape(outputs, groups).astype(np.float32)
    blocks = Blocks(rows, (outputs, inputs), table, (1, size), zeros=zeros)
    num_bytes = sum(part.num_bytes for part in parts)
    values = blocks.values(f"uint{bits}", stored.values.raw)
    return StoredTensor(f"uint{bits}", (outputs, inputs), num_bytes, values, blocks.packing(bits), turnable=True)


def is_constant(shape: tuple[int, ...]) -> bool:
    """Whether a tensor of floats is a number of the graph and no weight."""
    return math.prod(shape) <= 1
