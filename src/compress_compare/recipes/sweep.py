"""Sweeps: one operation for every combination of values."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from ..operations import BaseOperation


def sweep(cls: type[BaseOperation], **parameters: Any) -> list[BaseOperation]:
    """Return one operation for every combination of values: ``sweep(Quantize, bits=[8, 4], strategy="channel")``.

    A parameter that itself takes a list, e.g. ``targets``, is swept by a list of lists.
    """
    return [cls.from_parameters(chosen) for chosen in combinations(cls, parameters)]


def combinations(cls: type[BaseOperation], parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All choices of one value per parameter, in order."""
    listed = list_parameters(cls)
    choices = [value if is_swept(value, name in listed) else [value] for name, value in parameters.items()]
    for values in itertools.product(*choices):
        yield dict(zip(parameters, values, strict=True))


def list_parameters(cls: type[BaseOperation]) -> set[str]:
    """The parameters whose value is a list."""
    return {name for name, schema in cls.json_schema().get("properties", {}).items() if schema.get("type") == "array"}


def is_swept(value: Any, takes_list: bool) -> bool:
    """Return whether a value is a list of several."""
    if not isinstance(value, list | tuple):
        return False
    return not takes_list or (bool(value) and all(isinstance(item, list | tuple) for item in value))
