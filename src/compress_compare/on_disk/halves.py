"""Memory that tensors are read into again and again: new pages cost more than the arithmetic on them. Needs torch."""

from __future__ import annotations

import mmap

import torch
from torch import Tensor

_ALIGNED = 4096
"""Bytes, of which places are multiples: what stands so is written without a copy."""


class Halves:
    """Two halves, of which one is filled while what stands in the other is still being written.

    Args:
        num_bytes: of a half.
    """

    def __init__(self, num_bytes: int) -> None:
        self.num_bytes = num_bytes
        self._halves = [torch.frombuffer(_mapped(num_bytes), dtype=torch.uint8) for _ in range(2)]
        self._used = 0
        self.number = 0
        """Of the half that is filled, from 0 on."""

    def fits(self, num_bytes: int) -> bool:
        """Whether tensors of so many bytes, each on a boundary, go into what is left of this half."""
        return self._used + num_bytes <= self.num_bytes

    def turn(self) -> None:
        """Go to the other half, whose tensors nobody may need any more."""
        self._halves.reverse()
        self._used = 0
        self.number += 1

    def take(self, num_bytes: int) -> Tensor:
        """So many bytes of this half, in which they must fit."""
        place = self._halves[0][self._used : self._used + num_bytes]
        self._used += room(num_bytes)
        return place


def room(num_bytes: int) -> int:
    """The bytes that a tensor takes with what is left free behind it."""
    return num_bytes + -num_bytes % _ALIGNED


def _mapped(num_bytes: int) -> mmap.mmap:
    """Memory of large pages where the system has them; it takes none before it is used."""
    memory = mmap.mmap(-1, num_bytes)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return memory
