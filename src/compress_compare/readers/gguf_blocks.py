"""The block formats of GGUF: integer codes, the scale of each run of them, and what is added.

A tensor is a row of blocks; all its numbers are ``code · scale + offset``. Layouts and the order of the arithmetic are
those of llama.cpp (``ggml-quants.c``), so that the numbers are the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..analysis.layers.values import Array


class Codes(NamedTuple):
    """Of some blocks: codes ``(blocks, numbers)``, scales ``(blocks, groups)``, offsets ``(blocks, groups)``."""

    codes: Array
    scales: Array
    offsets: Array | None = None

    def numbers(self) -> Array:
        """What the codes stand for, float32 ``(blocks, numbers)``."""
        grouped = self.codes.astype(np.float32).reshape(*self.scales.shape, -1)
        with np.errstate(over="ignore", invalid="ignore"):
            grouped *= self.scales[..., None]
            if self.offsets is not None:
                grouped += self.offsets[..., None]
        return grouped.reshape(len(self.codes), -1)


@dataclass(frozen=True)
class BlockFormat:
    """A block format.

    Args:
        name: as llama.cpp writes it.
        size: numbers in a block.
        num_bytes: of a block.
        bits: of a code.
        group_size: numbers that share a scale.
        unpack: from bytes ``(blocks, num_bytes)``; ``None`` for formats that are listed and not read.
    """

    name: str
    size: int
    num_bytes: int
    bits: int
    group_size: int
    unpack: Callable[[Array], Codes] | None = None


def _half(blocks: Array, start: int) -> Array:
    """A float16 of each block as float32 ``(blocks, 1)``."""
    return np.ascontiguousarray(blocks[:, start : start + 2]).view("<f2").astype(np.float32)


def _nibbles(packed: Array) -> Array:
    """Codes of 32 numbers from 16 bytes: all low halves, then all high halves."""
    return np.concatenate([packed & 15, packed >> 4], axis=1)


def _bits(packed: Array) -> Array:
    """Single bits, the lowest first, ``(blocks, 8 · bytes)``."""
    return np.unpackbits(packed, axis=1, bitorder="little")


def _planes(packed: Array, run: int, *, bits: int) -> Array:
    """Codes of which each run of bytes holds ``8 / bits`` runs of numbers, the lowest bits first."""
    shifts = np.arange(0, 8, bits, dtype=np.uint8)[:, None]
    planes = packed.reshape(len(packed), -1, 1, run) >> shifts & np.uint8((1 << bits) - 1)
    return planes.reshape(len(packed), -1)


def _signed(codes: Array, zero: int) -> Array:
    return codes.astype(np.int16) - np.int16(zero)


def _q4_0(blocks: Array) -> Codes:
    return Codes(_signed(_nibbles(blocks[:, 2:]), 8), _half(blocks, 0))


def _q4_1(blocks: Array) -> Codes:
    return Codes(_nibbles(blocks[:, 4:]), _half(blocks, 0), _half(blocks, 2))


def _q5_0(blocks: Array) -> Codes:
    codes = _nibbles(blocks[:, 6:]) | _bits(blocks[:, 2:6]) << 4
    return Codes(_signed(codes, 16), _half(blocks, 0))


def _q5_1(blocks: Array) -> Codes:
    codes = _nibbles(blocks[:, 8:]) | _bits(blocks[:, 4:8]) << 4
    return Codes(codes, _half(blocks, 0), _half(blocks, 2))


def _q8_0(blocks: Array) -> Codes:
    return Codes(np.ascontiguousarray(blocks[:, 2:]).view(np.int8), _half(blocks, 0))


def _q2_k(blocks: Array) -> Codes:
    scales = blocks[:, :16]
    return Codes(
        _planes(blocks[:, 16:80], 32, bits=2),
        _half(blocks, 80) * (scales & 15).astype(np.float32),
        -(_half(blocks, 82) * (scales >> 4).astype(np.float32)),
    )


def _q3_k(blocks: Array) -> Codes:
    high = _planes(blocks[:, :32], 32, bits=1)
    codes = _planes(blocks[:, 32:96], 32, bits=2).astype(np.int16) - ((high ^ 1) << 2).astype(np.int16)
    scales = _planes(blocks[:, 96:104], 8, bits=4) | _planes(blocks[:, 104:108], 4, bits=2) << 4
    return Codes(codes, _half(blocks, 108) * _signed(scales, 32).astype(np.float32))


def _sixes(packed: Array) -> tuple[Array, Array]:
    """Eight scales and eight minima of six bits each from twelve bytes."""
    first, second, third = (packed[:, start : start + 4] for start in (0, 4, 8))
    scales = np.concatenate([first & 63, third & 15 | first >> 2 & 48], axis=1)
    minima = np.concatenate([second & 63, third >> 4 | second >> 2 & 48], axis=1)
    return scales.astype(np.float32), minima.astype(np.float32)


def _q4_k(blocks: Array) -> Codes:
    scales, minima = _sixes(blocks[:, 4:16])
    codes = _planes(blocks[:, 16:], 32, bits=4)
    return Codes(codes, _half(blocks, 0) * scales, -(_half(blocks, 2) * minima))


def _q5_k(blocks: Array) -> Codes:
    scales, minima = _sixes(blocks[:, 4:16])
    codes = _planes(blocks[:, 48:], 32, bits=4) | _planes(blocks[:, 16:48], 32, bits=1) << 4
    return Codes(codes, _half(blocks, 0) * scales, -(_half(blocks, 2) * minima))


def _q6_k(blocks: Array) -> Codes:
    codes = _planes(blocks[:, :128], 64, bits=4) | _planes(blocks[:, 128:192], 32, bits=2) << 4
    scales = np.ascontiguousarray(blocks[:, 192:208]).view(np.int8).astype(np.float32)
    return Codes(_signed(codes, 32), _half(blocks, 208) * scales)


NONLINEAR = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.int8)
"""The numbers behind the sixteen codes of IQ4_NL and IQ4_XS (``kvalues_iq4nl``)."""

E2M1 = np.array([0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12], np.int8)
"""Twice the numbers behind the sixteen codes of MXFP4."""


def _iq4_nl(blocks: Array) -> Codes:
    return Codes(NONLINEAR[_nibbles(blocks[:, 2:])], _half(blocks, 0))


def _iq4_xs(blocks: Array) -> Codes:
    high = np.ascontiguousarray(blocks[:, 2:4]).view("<u2") >> np.arange(0, 16, 2, dtype=np.uint16) & 3
    low = np.stack([blocks[:, 4:8] & 15, blocks[:, 4:8] >> 4], axis=2).reshape(len(blocks), 8)
    scales = low.astype(np.float32) + 16 * high.astype(np.float32) - 32
    packed = blocks[:, 8:].reshape(-1, 16)
    return Codes(NONLINEAR[_nibbles(packed)].reshape(len(blocks), 256), _half(blocks, 0) * scales)


def _mxfp4(blocks: Array) -> Codes:
    halves = np.ldexp(np.float32(1), blocks[:, :1].astype(np.int32) - 128).astype(np.float32)
    return Codes(E2M1[_nibbles(blocks[:, 1:])], halves)


def _tq2_0(blocks: Array) -> Codes:
    return Codes(_signed(_planes(blocks[:, :64], 32, bits=2), 1), _half(blocks, 64))


BLOCKS = {
    2: BlockFormat("Q4_0", 32, 18, 4, 32, _q4_0),
    3: BlockFormat("Q4_1", 32, 20, 4, 32, _q4_1),
    6: BlockFormat("Q5_0", 32, 22, 5, 32, _q5_0),
    7: BlockFormat("Q5_1", 32, 24, 5, 32, _q5_1),
    8: BlockFormat("Q8_0", 32, 34, 8, 32, _q8_0),
    9: BlockFormat("Q8_1", 32, 40, 8, 32),
    10: BlockFormat("Q2_K", 256, 84, 2, 16, _q2_k),
    11: BlockFormat("Q3_K", 256, 110, 3, 16, _q3_k),
    12: BlockFormat("Q4_K", 256, 144, 4, 32, _q4_k),
    13: BlockFormat("Q5_K", 256, 176, 5, 32, _q5_k),
    14: BlockFormat("Q6_K", 256, 210, 6, 16, _q6_k),
    15: BlockFormat("Q8_K", 256, 292, 8, 256),
    16: BlockFormat("IQ2_XXS", 256, 66, 2, 32),
    17: BlockFormat("IQ2_XS", 256, 74, 2, 16),
    18: BlockFormat("IQ3_XXS", 256, 98, 3, 32),
    19: BlockFormat("IQ1_S", 256, 50, 1, 32),
    20: BlockFormat("IQ4_NL", 32, 18, 4, 32, _iq4_nl),
    21: BlockFormat("IQ3_S", 256, 110, 3, 32),
    22: BlockFormat("IQ2_S", 256, 82, 2, 16),
    23: BlockFormat("IQ4_XS", 256, 136, 4, 32, _iq4_xs),
    29: BlockFormat("IQ1_M", 256, 56, 1, 16),
    34: BlockFormat("TQ1_0", 256, 54, 2, 256),
    35: BlockFormat("TQ2_0", 256, 66, 2, 256, _tq2_0),
    39: BlockFormat("MXFP4", 32, 17, 4, 32, _mxfp4),
    40: BlockFormat("NVFP4", 64, 36, 4, 16),
    41: BlockFormat("Q1_0", 128, 18, 1, 128),
}
"""By the number that stands in the file."""

PLAIN = {0: "F32", 1: "F16", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 30: "BF16"}
"""Formats without blocks, by the number that stands in the file."""
