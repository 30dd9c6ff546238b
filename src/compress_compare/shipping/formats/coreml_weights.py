"""Weights of a MIL program: its constants, and operators that make them of codes, labels or bit maps in their place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...analysis.layers.values import Array
from ..codes import Coded, LookupTables

LABELS = (1, 2, 3, 4, 6, 8)
"""Bits of labels that Core ML has."""


@dataclass(frozen=True, eq=False)
class Sparse:
    """A weight with zeros as a bit map.

    Args:
        values: what is not zero, float32, in the order of the tensor.
        mask: where it stands, 0 or 1, in the shape of the tensor.
    """

    values: Array
    mask: Array


def sparse(values: Array) -> Sparse | None:
    """A weight with zeros as a bit map; ``None`` where that takes as much as all numbers."""
    there = values != 0
    kept = int(there.sum())
    if not kept or 32 * kept + values.size >= 32 * values.size:
        return None
    return Sparse(values[there], there.astype(np.uint8))


def constants(program: Any) -> dict[str, Any]:
    """The operations of the main function that give a weight, by name: constants, and what is made of them."""
    return {
        operation.outputs[0].name: operation
        for operation in program.functions["main"].operations
        if operation.op_type.startswith("const") and len(operation.outputs) == 1
    }


def put(program: Any, constant: Any, *, weight: Coded | LookupTables | Sparse) -> bool:
    """Replace a constant by an operator that makes it; ``False`` where Core ML has none for this layout."""
    given = _inputs(weight)
    if given is None:
        return False
    kind, inputs = given
    from coremltools.converters.mil.mil import Builder

    block, name = program.functions["main"], constant.outputs[0].name
    with block:
        made = getattr(Builder, kind)(**inputs, before_op=constant, name=f"{name}_packed")
        block.replace_uses_of_var_after_op(anchor_op=constant, old_var=constant.outputs[0], new_var=made)
        block.remove_ops([constant])
    for operation in (made.op, *(one.op for one in made.op.get_flattened_inputs())):
        operation.scopes = constant.scopes
    made.name = name
    made.op.name = name
    return True


def _inputs(weight: Coded | LookupTables | Sparse) -> tuple[str, dict[str, Any]] | None:
    if isinstance(weight, Coded):
        return _scaled(weight)
    if isinstance(weight, LookupTables):
        return _looked_up(weight)
    return "constexpr_sparse_to_dense", {"nonzero_data": weight.values, "mask": _integers(weight.mask, "uint1")}


def _scaled(weight: Coded) -> tuple[str, dict[str, Any]] | None:
    blocks = weight.blocks()
    if blocks is None:
        return None
    codes, scales, zeros = blocks
    if weight.group_size is not None:
        scales, zeros = scales[..., 0], zeros[..., 0]
    bits = 4 if weight.bits <= 4 else 8
    if weight.symmetric:
        inputs = {"data": _integers(weight.codes, f"int{bits}"), "scale": scales.astype(np.float32)}
        return "constexpr_blockwise_shift_scale", inputs
    shifted = (codes + blocks[2]).reshape(weight.codes.shape)
    inputs = {
        "data": _integers(shifted, f"uint{bits}"),
        "scale": scales.astype(np.float32),
        "offset": _integers(zeros, f"uint{bits}"),
    }
    return "constexpr_blockwise_shift_scale", inputs


def _looked_up(weight: LookupTables) -> tuple[str, dict[str, Any]] | None:
    labels = weight.placed()
    if labels is None:
        return None
    count, size, dim = weight.tables.shape
    rank = len(weight.shape)
    along = [1] * rank
    if weight.per == "channel":
        along[weight.axis] = count
    elif weight.per == "group":
        if rank != 2:
            return None
        along[weight.axis] = weight.shape[weight.axis]
        along[1 - weight.axis] = count // weight.shape[weight.axis]
    bits = next(bits for bits in LABELS if bits >= weight.bits)
    table: Array = np.zeros((count, 1 << bits, dim), np.float32)
    table[:, :size] = weight.tables
    if weight.per == "group" and weight.axis == 1:
        tables = table.reshape(along[1], along[0], 1 << bits, dim).swapaxes(0, 1)
    else:
        tables = table.reshape(*along, 1 << bits, dim)
    inputs: dict[str, Any] = {"indices": _integers(labels, f"uint{bits}"), "lut": np.ascontiguousarray(tables)}
    return "constexpr_lut_to_dense", inputs | ({"vector_axis": np.int32(weight.axis)} if dim > 1 else {})


def _integers(values: Array, kind: str) -> Array:
    """Integers in the number format of that name."""
    from coremltools.converters.mil.mil import types

    return np.ascontiguousarray(values).astype(types.nptype_from_builtin(types.string_to_builtin(kind)))
