"""Importing late: what a table of names says, when a name is first used, so that what needs little starts quickly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


class LateModule:
    """Stands for a module, which is imported when something in it is first used.

    Args:
        name: of the module, in full; from the source, never from data.
    """

    def __init__(self, name: str) -> None:
        self._late_name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._late_name), attribute)


def modules(package: str, *found: str) -> tuple[Any, ...]:
    """Modules below a package that are imported late, one for each name.

    For type checkers they are imported as usual, below ``if TYPE_CHECKING``; this stands below its ``else``.

    Args:
        package: in full.
        found: names of modules in it.
    """
    return tuple(LateModule(f"{package}.{name}") for name in found)


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
