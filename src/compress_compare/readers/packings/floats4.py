"""Floats of four bits in blocks: NVFP4, MXFP4.

Sources: compressed-tensors (``nvfp4-pack-quantized``, ``mxfp4-pack-quantized``), whose global scale is divided by;
TensorRT Model Optimizer (``weight_scale_2``, which is multiplied by); DeepSeek's experts (signed bytes with
``weight_scale_inv``, as ``transformers.integrations.finegrained_fp8`` reads them); gpt-oss (``*_blocks`` and
``*_scales``, as ``transformers.integrations.mxfp4`` reads them). The numbers: OCP Microscaling Formats 1.0, E2M1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...analysis.layers.values import Array
from ..blocks import Blocks
from ..dtypes import table
from ..packed import stream
from ..weights import StoredTensor, Weights
from .base import EIGHTS, Unpacked, config, exponents, numbers, present, raw, read_blocks, split

MX_BLOCK = 32
NV_BLOCK = 16
Second = Callable[[Array], Array]
"""Applies the scale of the whole tensor to those of its blocks."""


def packed(name: str, weights: Weights) -> Unpacked | None:
    """``NAME_packed`` of bytes with ``NAME_scale``, and for NVFP4 ``NAME_global_scale``."""
    whole = name.removesuffix("_packed")
    tensors = weights.tensors
    if whole == name or tensors[name].dtype != "U8":
        return None
    used = (name, f"{whole}_scale", f"{whole}_global_scale", f"{split(whole)[0]}input_global_scale")
    overall = numbers(tensors.get(used[2]))
    if overall is not None and overall.size != 1:
        return None
    divide = None if overall is None else lambda scales: scales / np.float32(overall.reshape(-1)[0])
    return _fours(whole, weights, codes=name, second=divide, used=used)


def two_scales(name: str, weights: Weights) -> Unpacked | None:
    """``NAME`` of bytes with ``NAME_scale`` and ``NAME_scale_2``."""
    tensors = weights.tensors
    overall = numbers(tensors.get(f"{name}_scale_2"))
    if tensors[name].dtype != "U8" or overall is None or overall.size != 1:
        return None
    if f"{split(name)[0]}pre_quant_scale" in tensors:
        return None
    used = (f"{name}_scale", f"{name}_scale_2", f"{split(name)[0]}input_scale")
    multiply = lambda scales: scales * np.float32(overall.reshape(-1)[0])  # noqa: E731
    return _fours(name, weights, codes=name, second=multiply, used=used)


def gpt_oss(name: str, weights: Weights) -> Unpacked | None:
    """``NAME_blocks`` [experts, outputs, groups, 16 bytes] with ``NAME_scales``; rows of ``NAME`` are outputs."""
    whole = name.removesuffix("_blocks")
    if whole == name:
        return None
    codes, scale = raw(weights.tensors[name]), weights.tensors.get(f"{whole}_scales")
    if codes is None or codes.dtype != np.uint8 or codes.ndim < 3 or codes.shape[-1] != MX_BLOCK // 2:
        return None
    if scale is None or scale.dtype != "U8" or scale.shape != codes.shape[:-1]:
        return None
    flat = codes.reshape(-1, codes.shape[-2] * codes.shape[-1])
    return _read(whole, weights, rows=flat, scales=exponents(scale), used=(name, f"{whole}_scales"))


def in_signed(name: str, weights: Weights, *, scale: str) -> Unpacked | None:
    """``NAME`` of signed bytes with two numbers in each, and a scale for each 32, as the experts of DeepSeek have it.

    Whole numbers are told apart by the configuration, which says no ``fp8``, and scales that are no powers of two.
    """
    scales = weights.tensors[scale]
    bytes_ = raw(weights.tensors[name]) if weights.tensors[name].dtype == "I8" else None
    if bytes_ is None or bytes_.ndim < 2:
        return None
    if scales.shape != (*bytes_.shape[:-1], 2 * bytes_.shape[-1] // MX_BLOCK):
        return None
    if config(weights, "quant_method") != "fp8" and scales.dtype not in ("U8", "F8_E8M0"):
        return None
    rows = bytes_.view(np.uint8).reshape(-1, bytes_.shape[-1])
    return _read(name, weights, rows=rows, scales=exponents(scales), used=(scale,))


def _fours(name: str, weights: Weights, *, codes: str, second: Second | None, used: tuple[str, ...]) -> Unpacked | None:
    scale, bytes_ = weights.tensors.get(f"{name}_scale"), raw(weights.tensors[codes])
    if scale is None or bytes_ is None or bytes_.ndim < 2 or len(scale.shape) != bytes_.ndim:
        return None
    columns, groups = 2 * bytes_.shape[-1], scale.shape[-1]
    is_nv = second is not None and scale.dtype in EIGHTS
    is_mx = second is None and scale.dtype in ("U8", "F8_E8M0")
    size = NV_BLOCK if is_nv else MX_BLOCK
    if not (is_nv or is_mx) or groups * size != columns or scale.shape[:-1] != bytes_.shape[:-1]:
        return None
    found = exponents(scale)
    factors = found if found is None or second is None else second(found.astype(np.float32)).astype(np.float32)
    return _read(name, weights, rows=bytes_.reshape(-1, bytes_.shape[-1]), scales=factors, used=used)


def _read(name: str, weights: Weights, *, rows: Array, scales: Array | None, used: tuple[str, ...]) -> Unpacked | None:
    levels = table("F4")
    if scales is None or levels is None:
        return None
    shape = (*scales.shape[:-1], 2 * rows.shape[-1])
    sizes = (*[1] * (len(shape) - 1), shape[-1] // scales.shape[-1])
    blocks = Blocks(lambda first, last: levels[stream(rows[first:last], shape[-1], bits=4)], shape, scales, sizes)
    parts = present(weights.tensors, list(dict.fromkeys((name, *used))))
    codes = StoredTensor("U8", rows.shape, rows.nbytes, None)
    stored = read_blocks("float4_e2m1", blocks, codes=codes, bits=4, parts=parts)
    return Unpacked(name, stored, used)
