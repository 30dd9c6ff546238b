"""What a caller gave, as what was asked for: names, lists and mappings. Anything else is refused in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .errors import InvalidValue


def texts(values: Any, what: str) -> list[str]:
    """A list of strings; a single string is a list of one.

    Args:
        values: what the caller gave.
        what: its name in the plural, to begin a sentence with, e.g. ``Models``.

    Raises:
        InvalidValue: ``value.type``.
    """
    if isinstance(values, str):
        return [values]
    listed = items(values, what)
    for value in listed:
        if not isinstance(value, str):
            raise _refused(what, "strings", value)
    return listed


def items(values: Any, what: str) -> list[Any]:
    """A list of anything, from any iterable but a string, bytes or a mapping.

    Raises:
        InvalidValue: ``value.type``.
    """
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise _refused(what, "a list", values)
    return list(values)


def column(values: Any, what: str) -> Any:
    """An array of any library as it is, anything else as a list.

    Raises:
        InvalidValue: ``value.type``.
    """
    array = any(hasattr(values, name) for name in ("__array__", "__arrow_c_array__", "__arrow_c_stream__"))
    return values if array else items(values, what)


def mapping(values: Any, what: str) -> Mapping[Any, Any]:
    """A mapping; ``None`` is an empty one.

    Raises:
        InvalidValue: ``value.type``.
    """
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise _refused(what, "a mapping", values)
    return values


def text(value: Any, what: str) -> str:
    """A string; ``None`` is an empty one.

    Raises:
        InvalidValue: ``value.type``.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _refused(what, "text", value)
    return value


def truth(value: Any, what: str) -> bool:
    """True or false, of Python or NumPy, or 1 or 0. A string is neither: ``"false"`` would be true.

    Raises:
        InvalidValue: ``value.type``.
    """
    if isinstance(value, str | bytes) or value not in (True, False):
        raise _refused(what, "true or false", value)
    return bool(value)


def _refused(what: str, expected: str, found: Any) -> InvalidValue:
    shown = f"Found {found!r:.64} of type {type(found).__name__}."
    return InvalidValue("value.type", f"{what} must be {expected}.", detail=shown)
