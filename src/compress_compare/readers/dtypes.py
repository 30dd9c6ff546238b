"""The number formats of tensors: how wide they are, and the number behind each code of the narrow ones.

Formats of at most 16 bits are read as codes with a table of all their numbers. Sources: IEEE 754; bfloat16; "FP8
Formats for Deep Learning" (Micikevicius et al., 2022) for E4M3 and E5M2, their FNUZ forms as in ONNX; the OCP
Microscaling Formats specification 1.0 for E8M0 and E2M1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from ..analysis.layers.values import Array


@dataclass(frozen=True)
class Dtype:
    """A number format: its name in array libraries, its bits, the NumPy type of a stored entry, whether we read it."""

    name: str
    bits: int
    storage: str
    readable: bool = True


DTYPES = {
    "BOOL": Dtype("bool", 8, "u1"),
    "F4": Dtype("float4_e2m1", 4, "u1"),
    "F6_E2M3": Dtype("float6_e2m3", 6, "u1", readable=False),
    "F6_E3M2": Dtype("float6_e3m2", 6, "u1", readable=False),
    "U8": Dtype("uint8", 8, "u1"),
    "I8": Dtype("int8", 8, "u1"),
    "F8_E5M2": Dtype("float8_e5m2", 8, "u1"),
    "F8_E4M3": Dtype("float8_e4m3fn", 8, "u1"),
    "F8_E8M0": Dtype("float8_e8m0fnu", 8, "u1"),
    "F8_E4M3FNUZ": Dtype("float8_e4m3fnuz", 8, "u1"),
    "F8_E5M2FNUZ": Dtype("float8_e5m2fnuz", 8, "u1"),
    "I16": Dtype("int16", 16, "<u2"),
    "U16": Dtype("uint16", 16, "<u2"),
    "F16": Dtype("float16", 16, "<u2"),
    "BF16": Dtype("bfloat16", 16, "<u2"),
    "I32": Dtype("int32", 32, "<i4"),
    "U32": Dtype("uint32", 32, "<u4"),
    "F32": Dtype("float32", 32, "<f4"),
    "C64": Dtype("complex64", 64, "<c8", readable=False),
    "F64": Dtype("float64", 64, "<f8"),
    "I64": Dtype("int64", 64, "<i8"),
    "U64": Dtype("uint64", 64, "<u8"),
}

PARTS = {"uint4": (4, False), "int4": (4, True), "uint2": (2, False), "int2": (2, True)}
"""Whole numbers of less than a byte: bits, and whether they have a sign."""


@cache
def table(name: str) -> Array | None:
    """The number behind each code of a format, as float32, read-only; ``None`` for formats of 32 and more bits."""
    numbers = _numbers(name)
    if numbers is not None:
        numbers = numbers.astype(np.float32)
        numbers.flags.writeable = False
    return numbers


def unpacked(packed: Array, part: tuple[int, bool] = PARTS["uint4"]) -> Array:
    """The codes in bytes that hold several each, the low bits first; signed ones in two's complement.

    Args:
        packed: bytes.
        part: bits of a code, and whether it has a sign.
    """
    bits, signed = part
    parts = [packed >> at & (1 << bits) - 1 for at in range(0, 8, bits)]
    codes: Array = np.stack(parts, axis=1).reshape(-1).astype(np.int8 if signed else np.uint8)
    top = codes.dtype.type(1 << bits - 1)
    return (codes ^ top) - top if signed else codes


def _numbers(name: str) -> Array | None:
    bytes_: Array = np.arange(256, dtype=np.uint8)
    words: Array = np.arange(65536, dtype=np.uint16)
    match name:
        case "BOOL":
            return np.asarray(bytes_ != 0)
        case "U8":
            return bytes_
        case "I8":
            return bytes_.view(np.int8)
        case "U16":
            return words
        case "I16":
            return words.view(np.int16)
        case "F16":
            return words.view(np.float16)
        case "BF16":
            return (words.astype(np.uint32) << 16).view(np.float32)
        case "F4":
            return np.tile(_float(np.arange(16), exponent=2, mantissa=1, bias=1), 16)
        case "F8_E8M0":
            return np.where(bytes_ == 255, np.nan, np.ldexp(1.0, bytes_.astype(int) - 127))
        case "F8_E5M2":
            return (bytes_.astype(np.uint16) << 8).view(np.float16)
        case "F8_E4M3":
            return np.where(bytes_ & 127 == 127, np.nan, _float(bytes_, exponent=4, mantissa=3, bias=7))
        case "F8_E4M3FNUZ":
            return np.where(bytes_ == 128, np.nan, _float(bytes_, exponent=4, mantissa=3, bias=8))
        case "F8_E5M2FNUZ":
            return np.where(bytes_ == 128, np.nan, _float(bytes_, exponent=5, mantissa=2, bias=16))
    return None


def _float(codes: Array, *, exponent: int, mantissa: int, bias: int) -> Array:
    """Sign, exponent and fraction without codes for infinity or NaN."""
    codes = codes.astype(int)
    sign = np.where(codes >> (exponent + mantissa) & 1, -1.0, 1.0)
    power = codes >> mantissa & ((1 << exponent) - 1)
    fraction = (codes & ((1 << mantissa) - 1)) / (1 << mantissa)
    magnitude = np.where(power == 0, np.ldexp(fraction, 1 - bias), np.ldexp(1 + fraction, power - bias))
    return np.asarray(sign * magnitude)
