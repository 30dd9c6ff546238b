"""Weights of a model of OpenVINO: which nodes make them, and codes or labels in their place."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...analysis.layers.values import Array
from ..codes import Coded, LookupTables

DECOMPRESSES = ("Convert", "Subtract", "Multiply")
"""Operators by which codes become numbers."""


def weight_nodes(model: Any) -> dict[str, Any]:
    """The node that gives each weight, by its name: a constant, or the end of what makes numbers of codes."""
    found: dict[str, Any] = {}
    for node in model.get_ordered_ops():
        if node.get_type_name() == "Constant":
            found[node.get_friendly_name()] = _end(node)
        elif node.get_friendly_name().endswith(ENDING):
            found[node.get_friendly_name().removesuffix(ENDING)] = node
    return found


ENDING = "/decompressed"
"""What the name of a node ends with that makes a weight of codes or labels."""


def _end(node: Any) -> Any:
    """Of a constant of codes, the last node that only scales them; of another constant itself."""
    if not node.get_element_type().is_integral():
        return node
    while True:
        users = [one.get_node() for one in node.output(0).get_target_inputs()]
        if len(users) != 1 or users[0].get_type_name() not in DECOMPRESSES or not _constant(users[0]):
            return node
        node = users[0]


def _constant(node: Any) -> bool:
    """Whether a node depends on constants alone."""
    if node.get_type_name() == "Constant":
        return True
    inputs = [one.get_source_output().get_node() for one in node.inputs()]
    return bool(inputs) and all(_constant(one) for one in inputs)


def replace(node: Any, made: Any) -> None:
    """Let all that reads a node read another one."""
    for reader in node.output(0).get_target_inputs():
        reader.replace_source_output(made.output(0))


def decompressed(weight: Coded | LookupTables, name: str) -> Any | None:
    """The node that makes a weight of constants; ``None`` where its layout has no place."""
    made = _scaled(weight) if isinstance(weight, Coded) else _looked_up(weight)
    if made is not None:
        made.set_friendly_name(f"{name}{ENDING}")
    return made


def _scaled(weight: Coded) -> Any | None:
    from openvino import Type
    from openvino import opset13 as ops

    blocks = weight.blocks()
    if blocks is None:
        return None
    codes, scales, zeros = blocks
    four = weight.bits <= 4
    if weight.symmetric:
        node = ops.convert(_integers(codes, Type.i4 if four else Type.i8, bits=4 if four else 8), np.float32)
    else:
        kind, bits = (Type.u4, 4) if four else (Type.u8, 8)
        node = ops.convert(_integers(codes + zeros, kind, bits=bits), np.float32)
        node = ops.subtract(node, ops.convert(_integers(zeros, kind, bits=bits), np.float32))
    node = ops.multiply(node, ops.constant(scales.astype(np.float32)))
    if codes.shape != weight.codes.shape:
        node = ops.reshape(node, np.array(weight.codes.shape, np.int64), special_zero=False)
    return node


def _looked_up(weight: LookupTables) -> Any:
    from openvino import Type
    from openvino import opset13 as ops

    bits = next(bits for bits in (1, 2, 4, 8) if bits >= weight.bits)
    kind: Any = {1: Type.u1, 2: Type.u2, 4: Type.u4, 8: Type.u8}[bits]
    labels = ops.convert(_integers(weight.labels, kind, bits=bits), np.int32)
    table = ops.constant(weight.tables)
    node = ops.gather(table, labels, np.array(1, np.int64), batch_dims=1)
    shape, axes = weight.order()
    node = ops.reshape(node, np.array(shape, np.int64), special_zero=False)
    return node if axes == tuple(range(len(axes))) else ops.transpose(node, np.array(axes, np.int64))


def _integers(codes: Array, kind: Any, *, bits: int) -> Any:
    """A constant of integers of so many bits, packed as OpenVINO has them."""
    from openvino import Tensor, op

    flat = codes.reshape(-1).astype(np.int64) & ((1 << bits) - 1)
    each = 8 // bits
    wide = np.zeros(-(-flat.size // each) * each, np.uint8)
    wide[: flat.size] = flat
    places = np.arange(each)[::-1] if bits == 1 else np.arange(each)
    packed = np.bitwise_or.reduce(wide.reshape(-1, each) << (places * bits).astype(np.uint8), axis=1)
    owned = Tensor(kind, list(codes.shape))
    Tensor(packed.astype(np.uint8), list(codes.shape), kind).copy_to(owned)
    return op.Constant(owned)
