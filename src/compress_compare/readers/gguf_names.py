"""Names of GGUF beside those of other tools, and the order of rows in which llama.cpp keeps queries and keys.

The table of names is that of the ``gguf`` package (see ``scripts/gguf_names.py``). Several tensors of GGUF can have one
name elsewhere, as architectures differ; then it is the one that the file has, and that no other name takes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib import resources

import numpy as np

from ..analysis.layers.values import Array, Values
from .weights import Weights

ENDS = (".weight", ".bias")
MAX_DROPPED = 3
"""Parts of a name that a wrapper may have put before it."""

ROTATED = re.compile(r"blk\.\d+\.attn_(q|k)\.(weight|bias)$")
"""The tensors whose rows llama.cpp interleaves for some architectures, in each head its first and second half."""


def counterparts(gguf: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """For tensors of a GGUF file, those of another checkpoint that they were converted from, by name.

    Args:
        gguf: names in the GGUF file.
        others: names in the other.
    """
    there, others = set(gguf), set(others)
    left = {other: [name for name in _possible(other, others) if name in there] for other in sorted(others)}
    left = {other: names for other, names in left.items() if names}
    found: dict[str, str] = {}
    while True:
        single = {other: names[0] for other, names in left.items() if len(names) == 1}
        claimed = list(single.values())
        certain = {other: name for other, name in single.items() if claimed.count(name) == 1 or len(claimed) > 4096}
        certain = {other: name for other, name in certain.items() if name not in found}
        if not certain:
            return found
        found |= {name: other for other, name in certain.items()}
        left = {
            other: [name for name in names if name not in found]
            for other, names in left.items()
            if other not in certain
        }


def _possible(other: str, others: Collection[str]) -> Iterator[str]:
    """The names that GGUF may have for a tensor; experts in one tensor are no ``.weight`` elsewhere, but there."""
    end = next((end for end in ENDS if other.endswith(end)), "")
    parts = other.removesuffix(end).split(".")
    for dropped in range(min(MAX_DROPPED, len(parts) - 1) + 1):
        rest = parts[dropped:]
        numbers = [part for part in rest if part.isdecimal()]
        names = _table().get(".".join("{}" if part.isdecimal() else part for part in rest), ())
        if names:
            found = [name.format(*numbers) for name in names if name.count("{}") == len(numbers)]
            yield from (name + end for name in found)
            if not end and f"{other}.weight" not in others:
                yield from (f"{name}.weight" for name in found)
            return


@cache
def _table() -> dict[str, tuple[str, ...]]:
    """By the name elsewhere, with a place for each number, those of GGUF."""
    content = resources.files(__package__).joinpath("gguf_names.json").read_text()
    found: dict[str, tuple[str, ...]] = {}
    for name, others in json.loads(content).items():
        for other in others:
            found[other] = (*found.get(other, ()), name)
    return found


def heads(weights: Weights, kind: str) -> int | None:
    """How many heads of queries (``q``) or keys (``k``) the file says that there are."""
    notes = weights.extra.get("gguf")
    if not isinstance(notes, Mapping):
        return None
    ends = [".attention.head_count_kv", ".attention.head_count"] if kind == "k" else [".attention.head_count"]
    for end in ends:
        for key, value in notes.items():
            if key.endswith(end) and isinstance(value, int) and value > 0:
                return value
    return None


def unrotated(values: Values, heads: int) -> Values:
    """Queries or keys with the rows of each head in the order that other tools have."""
    size = values.count // heads
    columns = values.count // values.shape[0]
    half = values.shape[0] // heads // 2

    def decode(first: int, last: int) -> Array:
        found = values.numbers(first * size, last * size).reshape(last - first, half, 2, columns)
        return np.ascontiguousarray(found.swapaxes(1, 2)).reshape(last - first, size)

    return replace(values, table=None, decode=decode, unit=size)


def possible_heads(rows: int, said: int | None) -> list[int]:
    """How many heads a tensor of so many rows may have."""
    if said is not None and rows % said == 0 and rows // said % 2 == 0:
        return [said]
    return [heads for heads in range(1, rows // 2 + 1) if rows % heads == 0 and rows // heads % 2 == 0]
