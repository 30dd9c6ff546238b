"""What the scheme of a model implies that it takes."""

from __future__ import annotations

from dataclasses import replace

from ..analysis.layers.statistics import zeros
from ..analysis.layers.storage import packed_bytes
from ..readers.dtypes import DTYPES
from ..schemes.scheme import TensorScheme
from .base import Source


def claimed(source: Source) -> int | None:
    """Packed bytes of all tensors by their schemes; ``None`` where a number format is not known."""
    total = 0
    for name, stored in source.weights.tensors.items():
        kind = DTYPES.get(stored.dtype)
        scheme = source.schemes.get(name, TensorScheme())
        if stored.packing is not None and scheme.kind == "dense":
            total += stored.num_bytes
            continue
        if kind is None and scheme.kind == "dense":
            return None
        nonzero = 1
        for size in stored.shape:
            nonzero *= size
        if scheme.pruned and stored.values is not None:
            nonzero -= zeros(stored.values, stored.values).both
        if scheme.table_bits == 0:
            scheme = replace(scheme, kind="dense", bits=None)
        total += packed_bytes(scheme, stored.shape, element_bits=kind.bits if kind else 0, nonzero=nonzero)
    return total
