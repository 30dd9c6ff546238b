"""Quantized weights in an ONNX graph: DequantizeLinear in front of what reads them, or MatMulNBits in its place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...analysis.layers.values import Array
from ..codes import Coded, LookupTables

BLOCKS = (256, 128, 64, 32, 16)
"""Sizes of blocks that MatMulNBits takes."""


def dequantized(name: str, weight: Coded) -> tuple[list[Any], Any]:
    """Initializers and the node that gives the weight under its name."""
    from onnx import TensorProto, helper

    four = weight.bits <= 4
    if weight.symmetric:
        kind, codes, zeros = (TensorProto.INT4 if four else TensorProto.INT8), weight.codes, None
    else:
        kind = TensorProto.UINT4 if four else TensorProto.UINT8
        codes, zeros = weight.codes + _spread(weight, weight.zeros), _table(weight, weight.zeros)
    scales = _table(weight, weight.scales)
    parts = [_integers(f"{name}_quantized", codes, kind)]
    parts.append(helper.make_tensor(f"{name}_scale", TensorProto.FLOAT, scales.shape, scales.tobytes(), raw=True))
    inputs = [f"{name}_quantized", f"{name}_scale"]
    if zeros is not None:
        parts.append(_integers(f"{name}_zero_point", zeros, kind))
        inputs.append(f"{name}_zero_point")
    settings: dict[str, Any] = {} if weight.axis is None else {"axis": weight.axis}
    if weight.group_size is not None:
        settings = {"axis": 1 - (weight.axis or 0), "block_size": weight.group_size}
    node = helper.make_node("DequantizeLinear", inputs, [name], name=f"{name}_dequantize", **settings)
    return parts, node


def looked_up(name: str, weight: LookupTables) -> tuple[list[Any], list[Any]]:
    """Initializers and the nodes that give a weight under its name from labels and lookup tables."""
    from onnx import TensorProto, helper, numpy_helper

    count, size, dim = weight.tables.shape
    four = weight.bits <= 4
    single = count == dim == 1
    shape, axes = weight.order()
    straight = axes == tuple(range(len(axes)))
    labels = weight.labels.reshape(shape) if single else weight.labels[..., None]
    parts = [
        _integers(f"{name}_labels", labels, TensorProto.UINT4 if four else TensorProto.UINT8),
        numpy_helper.from_array(weight.tables.reshape(size) if single else weight.tables, name=f"{name}_table"),
    ]
    nodes = [helper.make_node("Cast", [f"{name}_labels"], [f"{name}_index"], name=f"{name}_cast", to=TensorProto.INT64)]
    looked = [f"{name}_table", f"{name}_index"]
    steps: list[tuple[str, list[str], dict[str, Any]]] = [
        ("Gather", looked, {"axis": 0}) if single else ("GatherND", looked, {"batch_dims": 1})
    ]
    if not single:
        parts.append(numpy_helper.from_array(np.array(shape, np.int64), name=f"{name}_shape"))
        steps.append(("Reshape", [f"{name}_shape"], {}))
    if not straight:
        steps.append(("Transpose", [], {"perm": axes}))
    before = ""
    for place, (kind, inputs, settings) in enumerate(steps):
        output = name if place == len(steps) - 1 else f"{name}_{kind.lower()}"
        given = inputs if not before else [before, *inputs]
        nodes.append(helper.make_node(kind, given, [output], name=f"{name}_{kind.lower()}_node", **settings))
        before = output
    return parts, nodes


def multiplied(name: str, weight: Coded, *, operand: str, output: str) -> tuple[list[Any], Any] | None:
    """Initializers and a MatMulNBits node for ``operand @ weightᵀ``; ``None`` where the runtime has no such blocks."""
    from onnx import TensorProto, helper

    outputs, inputs = weight.codes.shape
    bits = 4 if weight.bits <= 4 else 8
    pack = _nibbles if bits == 4 else _plain
    size = weight.group_size or next((size for size in BLOCKS if size <= inputs), BLOCKS[-1])
    if weight.axis not in (0, None) or size not in BLOCKS:
        return None
    blocks = -(-inputs // size)
    wide = np.zeros((outputs, blocks * size), np.int64)
    offsets = (
        np.full((outputs, blocks), 1 << (bits - 1)) if weight.symmetric else _blocked(weight, weight.zeros, blocks)
    )
    wide[:, :inputs] = weight.codes
    wide += np.repeat(offsets, size, axis=1)
    packed = pack(wide.reshape(-1)).reshape(outputs, blocks, size * bits // 8)
    scales = _blocked(weight, weight.scales, blocks).astype(np.float32)
    parts = [
        helper.make_tensor(name, TensorProto.UINT8, packed.shape, packed.tobytes(), raw=True),
        helper.make_tensor(f"{name}_scale", TensorProto.FLOAT, (scales.size,), scales.tobytes(), raw=True),
    ]
    names = [operand, name, f"{name}_scale"]
    if not weight.symmetric:
        rows = np.stack([pack(row) for row in offsets])
        parts.append(
            helper.make_tensor(f"{name}_zero_point", TensorProto.UINT8, (rows.size,), rows.tobytes(), raw=True)
        )
        names.append(f"{name}_zero_point")
    node = helper.make_node(
        "MatMulNBits", names, [output], name=f"{name}_matmul", domain="com.microsoft",
        K=inputs, N=outputs, bits=bits, block_size=size, accuracy_level=1,
    )  # fmt: skip
    return parts, node


def rewrite(graph: Any, weights: Mapping[str, Coded | LookupTables]) -> list[str]:
    """Replace initializers by codes or labels, in place; returns the names of those that MatMulNBits multiplies by."""
    uses: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            uses.setdefault(name, []).append(node)
    kept = [one for one in graph.initializer if one.name not in weights]
    nodes, replaced, gone = [], dict[int, Any](), set[int]()
    products = []
    for name, weight in weights.items():
        if isinstance(weight, LookupTables):
            parts, looking = looked_up(name, weight)
            kept += parts
            nodes += looking
            continue
        product = _product(name, uses)
        made = None
        if product is not None and weight.codes.ndim == 2:
            turned, multiply = product
            made = multiplied(name, weight, operand=multiply.input[0], output=multiply.output[0])
            if made is not None:
                gone |= {id(turned)}
                replaced[id(multiply)] = made[1]
                products.append(name)
        if made is None:
            made = dequantized(name, weight)
            nodes.append(made[1])
        kept += made[0]
    nodes += [replaced.get(id(node), node) for node in graph.node if id(node) not in gone]
    copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(copies)
    graph.initializer.extend(kept)
    return products


def _product(name: str, uses: Mapping[str, list[Any]]) -> tuple[Any, Any] | None:
    """The transposition and the product of matrices that alone read a weight."""
    readers = uses.get(name, [])
    if len(readers) != 1 or readers[0].op_type != "Transpose":
        return None
    after = uses.get(readers[0].output[0], [])
    if len(after) != 1 or after[0].op_type != "MatMul" or after[0].input[1] != readers[0].output[0]:
        return None
    return readers[0], after[0]


def _spread(weight: Coded, table: Array) -> Array:
    """An entry for each code."""
    if weight.axis is None:
        return np.broadcast_to(table.reshape((1,) * weight.codes.ndim), weight.codes.shape)
    if weight.group_size is None:
        return table.reshape([-1 if at == weight.axis else 1 for at in range(weight.codes.ndim)])
    rows = np.repeat(table.reshape(weight.codes.shape[weight.axis], -1), weight.group_size, axis=1)
    rows = rows[:, : weight.codes.shape[1 - weight.axis]]
    return rows if weight.axis == 0 else rows.T


def _table(weight: Coded, table: Array) -> Array:
    """Scales or zero points in the shape that DequantizeLinear takes."""
    if weight.axis is None and weight.group_size is None:
        return table.reshape(())
    if weight.group_size is None:
        return table
    rows = table.reshape(weight.codes.shape[weight.axis or 0], -1)
    return np.ascontiguousarray(rows if (weight.axis or 0) == 0 else rows.T)


def _blocked(weight: Coded, table: Array, blocks: int) -> Array:
    """Scales or zero points as [outputs, blocks]."""
    rows = table.reshape(-1, 1) if weight.group_size is None else table.reshape(weight.codes.shape[0], -1)
    return np.broadcast_to(rows, (weight.codes.shape[0], blocks))


def _integers(name: str, codes: Array, kind: int) -> Any:
    from onnx import TensorProto, helper

    if kind in (TensorProto.INT4, TensorProto.UINT4):
        raw = _nibbles(codes.reshape(-1)).tobytes()
    else:
        raw = codes.astype(np.int8 if kind == TensorProto.INT8 else np.uint8).tobytes()
    return helper.make_tensor(name, kind, codes.shape, raw, raw=True)


def _plain(codes: Array) -> Array:
    return codes.astype(np.uint8)


def _nibbles(codes: Array) -> Array:
    """Codes of four bits, two to a byte, the first in the low half."""
    flat = np.zeros(math.ceil(codes.size / 2) * 2, np.uint8)
    flat[: codes.size] = codes.astype(np.int64) & 15
    return flat[0::2] | (flat[1::2] << 4)
