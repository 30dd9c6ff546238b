"""Which model is which: by how it was made, not by its name. And names that people can read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from ..records import JSON, MAX_NAME, Operation

SUFFIX = 8
"""Characters of the hash behind an id that would otherwise be taken."""


def of_root(id: str, operation: Operation | None) -> str:
    """The identity of a model without a base: its id and how it was made."""
    return _hash("root", id, *_operation(operation), "")


def of_step(base: str, operation: Operation | None, *, references: Iterable[tuple[str, str]] = ()) -> str:
    """The identity of a model from that of its base, the operation and its references (role, identity)."""
    return _hash("step", base, *_operation(operation), json.dumps(sorted(map(list, references))))


def readable(base: str, operation: Operation, *, main: Iterable[str]) -> str:
    """``cnn-magnitude-prune-0.5``: the base, the operation, the values of main parameters, others with their names."""
    mains = set(main)
    parts = [base, operation.name.replace(" ", "-")]
    for name, value in operation.parameters.items():
        parts += [_text(value)] if name in mains else [name.replace("_", "-"), _text(value)]
    return "-".join(part for part in parts if part)


def unique(candidate: str, identity: str, *, taken: Mapping[str, str]) -> str:
    """The id to use: the candidate, with part of the hash behind it if it is too long or another model has it."""
    if len(candidate) <= MAX_NAME and taken.get(candidate, identity) == identity:
        return candidate
    return f"{candidate[: MAX_NAME - SUFFIX - 1]}-{identity[:SUFFIX]}"


def _text(value: JSON) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    text = value if isinstance(value, str | int) else json.dumps(value, separators=(",", ":"))
    return "".join(character for character in str(text) if character not in '[]"{} ')


def _operation(operation: Operation | None) -> tuple[str, str]:
    return ("", "") if operation is None else (operation.name, operation.canonical_parameters)


def _hash(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
