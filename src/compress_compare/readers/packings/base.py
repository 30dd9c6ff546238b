"""What every packing gives, and what several of them share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...analysis.layers.values import Array
from ..blocks import Blocks
from ..dtypes import DTYPES
from ..weights import StoredTensor, Weights


@dataclass(frozen=True, eq=False)
class Unpacked:
    """One tensor of several: its name, itself, and the names of those that it was made of."""

    name: str
    stored: StoredTensor
    used: tuple[str, ...]


Layout = Callable[[str, Weights], Unpacked | None]
"""Makes one tensor of the one with a name and its companions; ``None`` where they are of another layout."""

FLOATS = ("F32", "F16", "BF16", "F64")
EIGHTS = ("F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ")


def read_blocks(
    name: str, blocks: Blocks, *, codes: StoredTensor, bits: int, parts: Sequence[StoredTensor]
) -> StoredTensor:
    """The tensor that codes and scales give; ``name`` is its number format, ``parts`` all that it takes in the file."""
    raw = codes.values.raw if codes.values is not None else np.zeros(0, np.uint8)
    num_bytes = sum(part.num_bytes for part in parts)
    called = DTYPES[name].name if name in DTYPES else name
    return StoredTensor(name, blocks.shape, num_bytes, blocks.values(called, raw), blocks.packing(bits))


def numbers(stored: StoredTensor | None) -> Array | None:
    """All numbers of a small tensor, such as scales, in its shape; ``None`` where it has none."""
    return None if stored is None or stored.values is None else np.asarray(stored.values.whole())


def raw(stored: StoredTensor | None) -> Array | None:
    """The entries of a tensor as they lie in the file, in its shape."""
    if stored is None or stored.values is None or stored.values.raw.size != math.prod(stored.shape):
        return None
    return stored.values.raw.reshape(stored.shape)


def exponents(stored: StoredTensor) -> Array | None:
    """Scales that are powers of two and stand in a byte as their exponent plus 127 (E8M0); others as they are."""
    found = numbers(stored)
    if found is None or stored.dtype != "U8":
        return found
    return np.where(found == 255, np.nan, np.ldexp(np.float32(1), found.astype(np.int32) - 127)).astype(np.float32)


def config(weights: Weights, key: str) -> Any:
    """What the configuration beside a model says about its quantization under a key; ``None`` where nothing."""
    found = weights.extra.get("quantization_config")
    return found.get(key) if isinstance(found, Mapping) else None


def split(name: str) -> tuple[str, str]:
    """The start that all tensors of a module share, with its dot, and the last part of a name."""
    module, dot, part = name.rpartition(".")
    return module + dot, part


def present(tensors: Mapping[str, StoredTensor], names: Sequence[str]) -> list[StoredTensor]:
    """Those of some tensors that are there."""
    return [tensors[name] for name in names if name in tensors]
