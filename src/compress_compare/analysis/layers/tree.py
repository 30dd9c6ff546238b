"""The tree of modules that the names of tensors imply, and merging from the leaves up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

Key = tuple[str, str | None]


def split(name: str) -> tuple[str, str]:
    """Module and parameter of a tensor: ``layer1.0.conv.weight`` → ``layer1.0.conv``, ``weight``."""
    module, _, parameter = name.rpartition(".")
    return module, parameter


def path(module: str) -> list[str]:
    """A module and all that it is in, from the root, which is the empty name; a name may begin with a dot."""
    parts = module.split(".")
    return ["", *filter(None, (".".join(parts[:end]) for end in range(1, len(parts) + 1)))]


def depth(module: str) -> int:
    """How many modules are on the path to a module, the root not counted."""
    return module.count(".") + (module[:1] not in ("", "."))


def rows(names: Iterable[str]) -> list[Key]:
    """The rows of the tree in order: each module (parameter ``None``), then its tensors and the modules in it.

    Args:
        names: of tensors; modules come in the order in which they are met first.
    """
    inside: dict[str, dict[Key, None]] = {"": {}}
    for name in names:
        module, parameter = split(name)
        for outer, inner in pairwise(path(module)):
            inside[outer].setdefault((inner, None))
            inside.setdefault(inner, {})
        inside[module][module, parameter] = None
    found: list[Key] = []
    waiting: list[Key] = [("", None)]
    while waiting:
        key = waiting.pop()
        found.append(key)
        if key[1] is None:
            waiting += reversed(inside[key[0]])
    return found


def merge(leaves: Mapping[Key, Any], order: Iterable[Key]) -> dict[Key, Any]:
    """The statistics of every row that has any: of tensors as given, of modules added up from what is in them.

    Args:
        leaves: of tensors; what has a method ``outer`` is passed on to its module through it.
        order: rows, each module before what is in it.
    """
    merged = dict(leaves)
    for module, parameter in reversed(list(order)):
        if (module, parameter) not in merged or (module, parameter) == ("", None):
            continue
        outer = (module, None) if parameter is not None else (module.rpartition(".")[0], None)
        part = merged[module, parameter]
        part = part.outer() if hasattr(part, "outer") else part
        merged[outer] = merged[outer] + part if outer in merged else part
    return merged
