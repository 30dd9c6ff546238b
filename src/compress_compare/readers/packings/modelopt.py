"""Whole numbers of four bits as TensorRT Model Optimizer exports them: two output channels in each byte.

Source: ``modelopt.torch.export`` (``W4A16_AWQ``): rows 2·i and 2·i + 1 of a weight stand in the low and the high half
of the bytes of row i, as numbers from −8 to 7; ``weight_scale`` has a factor for each group of inputs of an output.
"""

from __future__ import annotations

import numpy as np

from ...analysis.layers.values import Array
from ..blocks import Blocks
from ..weights import Weights
from .base import FLOATS, Unpacked, numbers, present, raw, read_blocks, split


def fours(name: str, weights: Weights) -> Unpacked | None:
    """``NAME`` of bytes with ``NAME_scale``, which has twice as many rows."""
    tensors = weights.tensors
    scale = tensors.get(f"{name}_scale")
    if tensors[name].dtype != "U8" or scale is None or scale.dtype not in FLOATS:
        return None
    bytes_ = raw(tensors[name])
    if (
        bytes_ is None
        or bytes_.ndim < 2
        or f"{name}_scale_2" in tensors
        or f"{split(name)[0]}pre_quant_scale" in tensors
    ):
        return None
    *outer, half, columns = bytes_.shape
    shape = (*outer, 2 * half, columns)
    factors = numbers(scale)
    if factors is None or factors.shape[:-1] != shape[:-1] or not factors.shape[-1] or columns % factors.shape[-1]:
        return None
    rows = bytes_.reshape(-1, columns)

    def codes(first: int, last: int) -> Array:
        at = np.arange(first, last)
        found = rows[at // 2] >> np.where(at % 2, 4, 0).astype(np.uint8)[:, None] & 15
        return np.asarray((found.astype(np.int8) ^ 8) - 8)

    sizes = (*[1] * (len(shape) - 1), columns // factors.shape[-1])
    blocks = Blocks(codes, shape, np.asarray(factors, np.float32), sizes)
    used = (f"{name}_scale", f"{split(name)[0]}input_scale")
    parts = present(tensors, [name, *used])
    return Unpacked(name, read_blocks("int4", blocks, codes=tensors[name], bits=4, parts=parts), used)
