"""What a user says about how the weights of a model are to be packed, for models that were not made here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidValue
from . import scheme
from .scheme import TensorScheme

MAX_BITS = 16
FILE = "compress-compare.scheme.json"
"""Beside the files of a checkpoint, what was said about its tensors."""
MAX_BYTES = 100_000_000


@dataclass(frozen=True)
class Scheme:
    """How weights are packed: integers of some bits with scales.

    Args:
        bits: of an integer, 1–16.
        group_size: consecutive weights of an output channel that share a scale; ``None`` for the whole channel.
        symmetric: whether there is no zero point.

    Raises:
        InvalidValue: ``scheme.bits``, ``scheme.group_size``.
    """

    bits: int
    group_size: int | None = None
    symmetric: bool = True

    def __post_init__(self) -> None:
        if type(self.bits) is not int or not 1 <= self.bits <= MAX_BITS:
            raise InvalidValue("scheme.bits", f"Bits are a whole number from 1 to 16, not {self.bits!r:.40}.")
        if self.group_size is not None and (type(self.group_size) is not int or self.group_size < 1):
            raise InvalidValue(
                "scheme.group_size", f"A group size is a whole number from 1 on, not {self.group_size!r:.40}."
            )

    def of_tensor(self) -> TensorScheme:
        """The same of one tensor."""
        strategy: Any = "channel" if self.group_size is None else "group"
        return TensorScheme(
            "quantized", self.bits, strategy=strategy, group_size=self.group_size, symmetric=self.symmetric
        )


def schemes(declared: Mapping[str, Scheme], names: Iterable[str]) -> dict[str, TensorScheme]:
    """The scheme of each tensor that a pattern names; the first that does so counts.

    Args:
        declared: by pattern: the name of a tensor, of a module above it, or ``re:`` and a regular expression that
            matches the whole name.
        names: of the tensors.

    Raises:
        InvalidValue: ``scheme.type`` for what is no mapping to ``Scheme``, ``scheme.pattern`` for a pattern that is no
            regular expression or names no tensor.
    """
    if not isinstance(declared, Mapping) or not all(isinstance(each, Scheme) for each in declared.values()):
        raise InvalidValue(
            "scheme.type",
            "A scheme is a mapping from patterns to cc.Scheme.",
            hint='For example: {"re:.*proj.weight": cc.Scheme(bits=4, group_size=32)}',
        )
    listed, found = list(names), dict[str, TensorScheme]()
    for pattern, one in declared.items():
        named = [name for name in listed if _names(pattern, name)]
        if not named:
            raise InvalidValue("scheme.pattern", f"The pattern {pattern!r:.200} names no tensor of the checkpoint.")
        for name in named:
            found.setdefault(name, one.of_tensor())
    return found


def parsed(content: bytes) -> dict[str, TensorScheme]:
    """The content of `FILE`, which may lie in a folder of anyone.

    Raises:
        InvalidValue: ``model.bad_header``.
    """
    try:
        data = json.loads(content) if len(content) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        data = None
    if data is None:
        raise InvalidValue("model.bad_header", f"{FILE} is not JSON of at most {MAX_BYTES:,} bytes.")
    return scheme.from_json(data)


def _names(pattern: str, name: str) -> bool:
    if not pattern.startswith("re:"):
        return name == pattern or name.startswith(f"{pattern}.")
    try:
        return re.fullmatch(pattern[3:], name) is not None
    except re.error as error:
        raise InvalidValue(
            "scheme.pattern", f"{pattern!r:.200} is not a regular expression.", detail=f"{error}."
        ) from error
