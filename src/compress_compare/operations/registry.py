"""Finding operations by name: those of this package, and what other packages add through entry points."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from .. import plugins, records
from ..errors import NotFound
from .base import BaseOperation


def imported(names: Mapping[str, object]) -> dict[str, type[BaseOperation]]:
    """Name → class of all operations among the ``names`` of a module.

    Raises:
        ValueError: if two classes have one name.
    """
    found: dict[str, type[BaseOperation]] = {}
    for cls in names.values():
        if isinstance(cls, type) and issubclass(cls, BaseOperation) and cls is not BaseOperation:
            other = found.setdefault(cls.name, cls)
            if other is not cls:
                raise ValueError(f"{other.__module__} and {cls.__module__} both have the name {cls.name!r}.")
    return found


def added(builtin: Mapping[str, type[BaseOperation]]) -> list[plugins.Added[type[BaseOperation]]]:
    """The operations of other packages, each with the error if it cannot be used."""
    return plugins.added("operation", builtin, load=_load)


def table(builtin: Mapping[str, type[BaseOperation]]) -> dict[str, type[BaseOperation]]:
    """Name → class of all operations: the built-in ones and those of entry points in ``compress_compare.operations``.

    Raises:
        UserError: ``operation.entry_point`` naming the package whose operation cannot be loaded or takes a taken name.
    """
    return plugins.joined(builtin, added(builtin))


def lookup(name: str, known: Mapping[str, type[BaseOperation]]) -> type[BaseOperation]:
    """The class of an operation by its name, with spaces or underscores.

    Raises:
        NotFound: ``operation.unknown``, with the nearest name.
    """
    spaced = name.replace("_", " ")
    if spaced in known:
        return known[spaced]
    near = difflib.get_close_matches(spaced, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
    raise NotFound("operation.unknown", f"There is no operation {name!r}.", hint=hint)


def from_record(record: records.Operation, known: Mapping[str, type[BaseOperation]]) -> BaseOperation:
    """The operation that a record describes, so that ``from_record(op.record()) == op``.

    Raises:
        NotFound: ``operation.unknown``.
        InvalidValue: ``parameter.*``.
    """
    return lookup(record.name, known).from_parameters(record.parameters)


def _load(plugin: plugins.Plugin) -> tuple[str, type[BaseOperation]]:
    loaded = plugin.load()
    if not (isinstance(loaded, type) and issubclass(loaded, BaseOperation) and hasattr(loaded, "name")):
        raise plugin.broken(f"{plugin.value} is not an operation class.")
    return loaded.name, loaded
