"""What tensors are stored as, and the bytes that follow from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import add
from typing import Any, Protocol


class StorageScheme(Protocol):
    """What one tensor is stored as; ``operations.scheme.TensorScheme`` says what the fields mean."""

    @property
    def kind(self) -> str:
        """``dense``, ``quantized`` or ``palettized``."""

    @property
    def bits(self) -> int | None:
        """Bits of a stored integer or label."""

    @property
    def pruned(self) -> bool:
        """Whether zeros may be stored as a bit map."""

    @property
    def group_size(self) -> int | None:
        """Weights that share a scale."""

    @property
    def symmetric(self) -> bool:
        """Whether there is no zero point."""

    @property
    def codebook_size(self) -> int | None:
        """Values per codebook."""

    @property
    def dim(self) -> int:
        """Weights per label."""

    @property
    def table_bits(self) -> int:
        """Bits of a scale or of a number in a codebook."""

    def num_tables(self, shape: tuple[int, ...]) -> int:
        """Scales or codebooks of a tensor."""


@dataclass(frozen=True)
class Storage:
    """How a tensor or a module is stored; of a module, what all its tensors share, and ``None`` where they differ.

    Args:
        count: numbers.
        dtype: of the numbers in the file, e.g. ``float32``.
        bits: of one stored number, integer or label.
        scheme: ``dense``, ``quantized`` or ``palettized``.
        group_size: weights that share a scale.
        num_bytes: packed as the scheme implies.
        file_bytes: in the file as it is.
        codes: of packed tensors, the extremes of codes, scales and zero points, and how many scales there are.
    """

    count: int = 0
    dtype: str | None = None
    bits: int | None = None
    scheme: str | None = None
    group_size: int | None = None
    num_bytes: int = 0
    file_bytes: int = 0
    codes: Mapping[str, float | None] = field(default_factory=dict)

    def __add__(self, other: Storage) -> Storage:
        return Storage(
            self.count + other.count,
            self.dtype if self.dtype == other.dtype else None,
            self.bits if self.bits == other.bits else None,
            self.scheme if self.scheme == other.scheme else None,
            self.group_size if self.group_size == other.group_size else None,
            self.num_bytes + other.num_bytes,
            self.file_bytes + other.file_bytes,
            _merged(self.codes, other.codes),
        )

    def columns(self) -> dict[str, Any]:
        """By the names of the result's columns."""
        return {
            "dtype": self.dtype,
            "bits": self.bits,
            "scheme": self.scheme,
            "group_size": self.group_size,
            "bytes": self.num_bytes,
            "file_bytes": self.file_bytes,
            "bits_per_parameter": 8 * self.num_bytes / self.count if self.count else None,
            **self.codes,
        }


def _merged(first: Mapping[str, float | None], second: Mapping[str, float | None]) -> dict[str, float | None]:
    merged = dict(first)
    for name, value in second.items():
        before = merged.get(name)
        if before is None or value is None:
            merged[name] = value if before is None else before
        else:
            pick = min if name.endswith("_min") else max if name.endswith("_max") else add
            merged[name] = pick(before, value)
    return merged


def packed_bytes(scheme: StorageScheme, shape: tuple[int, ...], *, element_bits: int, nonzero: int) -> int:
    """Bytes of one tensor stored as its scheme says: values or labels, bit map, scales or codebooks.

    Args:
        scheme: of the tensor.
        shape: of the tensor.
        element_bits: of its dtype, for dense numbers.
        nonzero: how many of its numbers are not zero; what a bit map leaves to be written out.
    """
    bits = scheme.bits or element_bits
    count = math.prod(shape)
    values = _bytes(bits * math.ceil(count / scheme.dim))
    if scheme.pruned and scheme.dim == 1:
        values = min(values, _bytes(count) + _bytes(bits * nonzero))
    return values + _bytes(scheme.num_tables(shape) * _table_bits(scheme))


def _table_bits(scheme: StorageScheme) -> int:
    if scheme.kind == "palettized":
        return (scheme.codebook_size or 0) * scheme.dim * scheme.table_bits
    return scheme.table_bits + (0 if scheme.symmetric else scheme.bits or 0)


def _bytes(bits: int) -> int:
    return math.ceil(bits / 8)
