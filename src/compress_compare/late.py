"""Importing late: what a table of names says, when a name is first used, so that what needs little starts quickly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def attribute(module: str, name: str) -> Any:
    """An attribute of a module, which is imported for it.

    Args:
        module: in full; from a table in the source, never from data.
        name: of the attribute.
    """
    return getattr(import_module(module), name)


def names(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package whose names are imported when they are asked for.

    Args:
        package: its ``__name__``.
        homes: by public name, the module below the package that defines it; a module that stands for itself is its own.
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)
        module = f"{package}.{homes[name]}"
        return import_module(module) if homes[name] == name else attribute(module, name)

    def listed() -> list[str]:
        return sorted({*vars(import_module(package)), *homes})

    return find, listed
