"""What a worker that read another tool's file left beside the numbers: how that file stored them.

The numbers are those in use; bits and bytes are the other file's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..analysis.layers.values import Array, Values
from .packed import Packing
from .weights import StoredTensor, Weights

KEY = "converted"
Found = tuple[dict[str, Array], dict[str, Any]]
"""What such a worker read: arrays by name, and what is left beside them."""


def stored(*, dtype: str, num_bytes: int, bits: int = 0, group_size: int | None = None) -> dict[str, Any]:
    """How a file stored a tensor; ``bits`` of a code, 0 for numbers that are no codes."""
    return {"dtype": dtype, "bytes": num_bytes, "bits": bits, "group_size": group_size}


def told(weights: Weights) -> Weights:
    """The same checkpoint with what its own file said of bits and bytes."""
    said = weights.extra.get(KEY)
    if not isinstance(said, Mapping):
        return weights
    tensors = {name: _told(one, said.get(name)) for name, one in weights.tensors.items()}
    return replace(weights, tensors=tensors)


def _told(one: StoredTensor, said: Any) -> StoredTensor:
    if not isinstance(said, Mapping):
        return one
    dtype, num_bytes, bits, group = (said.get(key) for key in ("dtype", "bytes", "bits", "group_size"))
    unread = said.get("unread")
    if not isinstance(dtype, str) or not isinstance(num_bytes, int) or not 0 <= num_bytes <= 1 << 62:
        return one
    if isinstance(unread, str) and unread:
        return replace(one, dtype=dtype[:40], num_bytes=num_bytes, values=None, unread=unread[:200])
    if not isinstance(bits, int) or not 0 < bits <= 32 or one.values is None:
        return replace(one, num_bytes=num_bytes)
    group = group if isinstance(group, int) and 0 < group <= max(math.prod(one.shape), 1) else None
    values = one.values

    def decode(first: int, last: int) -> Array:
        return values.numbers(first, last)

    decoded = Values(one.shape, dtype[:40], values.raw, num_bytes=num_bytes, decode=decode)
    return replace(
        one, dtype=dtype[:40], num_bytes=num_bytes, values=decoded, packing=Packing(bits, group, tuple), turnable=True
    )
