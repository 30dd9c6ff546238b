"""What every reader returns."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..analysis.layers.values import Values
from ..schemes import scheme
from ..schemes.scheme import TensorScheme
from .mapped import Mapped
from .packed import Packing

FORGET_EVERY = 64_000_000
"""Bytes read after which their memory is given back."""


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """One tensor of a checkpoint.

    Args:
        dtype: as the file names it.
        shape: of the tensor.
        num_bytes: what it takes in the file.
        values: its numbers; ``None`` where the format does not stand for real numbers.
        packing: how the numbers are packed, where the file holds integer codes and scales.
        unread: who packs the numbers in a way that is not read; empty where that is not so.
        rule: by which rule they are computed from several tensors of the file, such as ``mask``; empty for none.
        is_grouped: whether the shape is that of groups of its numbers, in their order; its own is not known.
        turnable: whether its dimensions may stand in the other order than elsewhere.
    """

    dtype: str
    shape: tuple[int, ...]
    num_bytes: int
    values: Values | None
    packing: Packing | None = None
    unread: str = ""
    rule: str = ""
    turnable: bool = False
    is_grouped: bool = False


@dataclass(frozen=True, eq=False)
class Weights:
    """The tensors of a checkpoint by name, what the writer left beside them, and the files they lie in."""

    tensors: Mapping[str, StoredTensor]
    extra: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[Mapped, ...] = ()

    @cached_property
    def tied(self) -> dict[str, str]:
        """Further names of tensors, each with the name under which its numbers are."""
        tied = self.extra.get("tied", {})
        return {alias: name for alias, name in tied.items() if name in self.tensors} if isinstance(tied, dict) else {}

    @property
    def kept(self) -> dict[str, dict[int, list[int]]]:
        """By name and dimension, which of the original channels are left; empty where the file does not say."""
        try:
            listed = {
                name: {int(dimension): [int(index) for index in indices] for dimension, indices in dimensions.items()}
                for name, dimensions in self.extra.get("kept", {}).items()
            }
        except (TypeError, ValueError, AttributeError):
            return {}
        return listed

    @cached_property
    def schemes(self) -> dict[str, TensorScheme]:
        """What the file says about how its tensors are meant to be packed, by their names.

        Raises:
            InvalidValue: ``model.bad_header`` if that is not understood.
        """
        return scheme.from_json(self.extra.get("scheme", {}))

    @cached_property
    def by_module(self) -> dict[str, list[str]]:
        """The names of all tensors that begin with each module's, also of those in its inner modules."""
        found: dict[str, list[str]] = {}
        for name in self.tensors:
            parts = name.split(".")
            for end in range(max(len(parts) - 4, 0), len(parts)):
                found.setdefault(".".join(parts[:end]), []).append(name)
        return found

    @property
    def unread(self) -> dict[str, int]:
        """How many weights are packed in a way that is not read, by who packs them so."""
        found: dict[str, int] = {}
        for stored in self.tensors.values():
            if stored.unread:
                found[stored.unread] = found.get(stored.unread, 0) + 1
        return found

    def names(self) -> list[str]:
        """The names in the order of execution where the file says it, else sorted with numbers as numbers."""
        order = self.extra.get("order")
        if isinstance(order, list) and set(order) >= set(self.tensors):
            return [name for name in order if name in self.tensors]
        return sorted(self.tensors, key=_natural)

    def forget(self) -> None:
        """Give back the memory of what has been read."""
        for file in self.files:
            file.forget()


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, or with ``#2``, ``#3``, … behind it the first that is not taken."""
    number, free = 2, name
    while free in taken:
        number, free = number + 1, f"{name}#{number}"
    return free


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
