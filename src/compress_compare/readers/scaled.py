"""Integer weights whose scales stand beside them: read as the numbers that they stand for.

``NAME`` holds signed codes of 8 bits and ``NAME_scale`` one scale, or one for each output channel (the first
dimension), as static int8 quantization leaves them in a state dict. The number is code × scale.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..analysis.layers.values import Values
from .weights import Stored, Weights

SUFFIX = "_scale"


def dequantized(weights: Weights) -> Weights:
    """The same checkpoint with the numbers instead of the codes wherever the scales are there."""
    found = {}
    for name, stored in weights.tensors.items():
        scale = weights.tensors.get(f"{name}{SUFFIX}")
        found[name] = stored if scale is None else _dequantized(stored, scale)
    return replace(weights, tensors=found)


def _dequantized(codes: Stored, scale: Stored) -> Stored:
    if codes.dtype != "I8" or codes.values is None or scale.values is None or not codes.shape:
        return codes
    factors = scale.values.whole().astype(np.float32).reshape(-1)
    if len(factors) not in (1, codes.shape[0]):
        return codes
    per_channel = factors.reshape(-1, *[1] * (len(codes.shape) - 1))
    return replace(codes, values=Values.of(codes.values.whole().astype(np.float32) * per_channel))
