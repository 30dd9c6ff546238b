"""Weights as optimum-quanto stores them: ``weight._data`` with ``weight._scale`` and, below 8 bits, ``weight._shift``.

Source: ``optimum.quanto.tensor.qbytes`` and ``qbits``: scale · code, and less a shift where there is one; a whole shift
is taken from the code instead. Codes of 2 and 4 bits are packed by rows of groups, the first rows in the lowest bits.
Their file does not say the shape of the weight, only that of its groups; it is taken from the base.
"""

from __future__ import annotations

import numpy as np

from ..blocks import Blocks, fitted
from ..weights import StoredTensor, Weights
from .base import EIGHTS, FLOATS, Unpacked, numbers, present, raw, read_blocks
from .narrow import Rows
from .strided import StridedCodes

DATA = "._data"


def bytes_(name: str, weights: Weights) -> Unpacked | None:
    """``WEIGHT._data`` of 8 bits with ``WEIGHT._scale``."""
    whole = name.removesuffix(DATA)
    stored, scale = weights.tensors[name], weights.tensors.get(f"{whole}._scale")
    if whole == name or scale is None or scale.dtype not in FLOATS or stored.dtype not in ("I8", *EIGHTS):
        return None
    factors = numbers(scale)
    if stored.values is None or factors is None or f"{whole}._shift" in weights.tensors:
        return None
    fit = fitted(factors, stored.shape)
    if fit is None:
        return None
    used = (name, f"{whole}._scale")
    parts = present(weights.tensors, used)
    blocks = Blocks(Rows(stored), stored.shape, *fit)
    return Unpacked(whole, read_blocks(stored.dtype, blocks, codes=stored, bits=8, parts=parts), used)


def bits(name: str, weights: Weights) -> Unpacked | None:
    """``WEIGHT._data._data`` of packed codes with ``WEIGHT._scale`` and ``WEIGHT._shift``, a row a group."""
    whole = name.removesuffix(DATA + DATA)
    if whole == name:
        return None
    stored = weights.tensors[name]
    used = (name, f"{whole}._scale", f"{whole}._shift")
    scales, shifts = (numbers(weights.tensors.get(each)) for each in used[1:])
    packed = raw(stored)
    if stored.dtype != "U8" or packed is None or packed.ndim != 2 or scales is None or shifts is None:
        return None
    if scales.ndim != 2 or scales.shape[1] != 1 or shifts.shape != scales.shape or not packed.size:
        return None
    rows, columns = len(scales), packed.shape[1]
    width = next((each for each in (4, 2) if -(-rows * each // 8) == len(packed)), None)
    if width is None:
        return None
    is_float = weights.tensors[used[2]].dtype in FLOATS
    each = np.asarray(scales, np.float32), np.asarray(shifts, np.float32)
    codes = StridedCodes(
        packed.view(np.uint8),
        rows,
        tuple(range(0, 8, width)),
        width,
        each[0],
        None if is_float else each[1],
        -each[1] if is_float else None,
    )
    num_bytes = sum(part.num_bytes for part in present(weights.tensors, used))
    shape = (rows, columns)
    made = StoredTensor(f"uint{width}", shape, num_bytes, codes.values(shape), codes.packing(columns), is_grouped=True)
    return Unpacked(whole, made, used)
