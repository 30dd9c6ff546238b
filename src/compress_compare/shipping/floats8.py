"""Weights that are floats of 8 bits (E4M3) times a scale for each output channel or for all. Needs torch.

The scale is not kept with a model; it is found here: the largest number of a channel has one of eight significands, and
the right one gives all other numbers of the channel exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..analysis.layers.values import Array
from ..schemes.scheme import TensorScheme

LARGEST = (448, 416, 384, 352, 320, 288, 256, 240)
"""What the largest number of a channel may be: each significand with the greatest exponent that it has; 480 is none."""


@dataclass(frozen=True, eq=False)
class Floats8:
    """A weight as floats of 8 bits.

    Args:
        codes: their bytes, uint8, in the shape of the weight.
        scales: float32 [rows, 1], or [1, 1] where all share one.
    """

    codes: Array
    scales: Array


def fit(values: Array, scheme: TensorScheme) -> Floats8 | None:
    """The codes and scales of a matrix; ``None`` where its numbers are no such floats.

    Args:
        values: float32 [rows, columns].
        scheme: that says 8 bits for channels, or for the tensor.
    """
    import torch

    if scheme.bits != 8 or values.ndim != 2 or scheme.strategy == "group" or scheme.channel_axis or scheme.input_scales:
        return None
    wide = values if scheme.strategy == "channel" else values.reshape(1, -1)
    peaks = np.abs(wide).max(axis=1, initial=0.0).astype(np.float32)[:, None]
    if not np.isfinite(peaks).all():
        return None
    codes, scales = np.zeros(wide.shape, np.uint8), np.ones(peaks.shape, np.float32)
    left = peaks[:, 0] > 0
    for largest in LARGEST:
        for step in (0, 1, -1):
            scale = ((peaks / np.float32(largest)).view(np.int32) + np.int32(step)).view(np.float32)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                near = np.clip(wide / scale, -448, 448)
            made = torch.from_numpy(np.nan_to_num(near)).to(torch.float8_e4m3fn)
            good = left & (made.float().numpy() * scale == wide).all(axis=1)
            codes[good], scales[good] = made.view(torch.uint8).numpy()[good], scale[good]
            left &= ~good
    return None if left.any() else Floats8(codes.reshape(values.shape), scales)
