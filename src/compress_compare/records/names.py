"""What may name something, and what may be a parameter."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidValue

MAX_NAME = 256
_BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

JSON = str | int | float | bool | None | list["JSON"] | dict[str, "JSON"]


def check_name(value: object, what: str) -> str:
    """Return ``value`` if it can name a ``what``: 1–256 characters, NFC, no control or bidi-override character.

    Names are never used as paths, so ``..`` or ``CON`` are ordinary names.

    Raises:
        InvalidValue: ``name.invalid``, naming the character and its position.
    """
    if not isinstance(value, str):
        raise InvalidValue("name.invalid", f"A {what} must be a string, not {type(value).__name__}.")
    if not value:
        raise InvalidValue("name.invalid", f"A {what} must not be empty.", hint=f"Use 1 to {MAX_NAME} characters.")
    if len(value) > MAX_NAME:
        raise InvalidValue(
            "name.invalid",
            f"A {what} may have at most {MAX_NAME} characters.",
            detail=f"{value[:32]!a}… has {len(value):,}.",
        )
    if value.isascii() and value.isprintable():  # as most are
        return value
    for position, character in enumerate(value):
        if unicodedata.category(character) in ("Cc", "Cs") or character in _BIDI:
            raise InvalidValue(
                "name.invalid",
                f"A {what} may not contain control or direction-override characters.",
                detail=f"Character U+{ord(character):04X} at position {position} of {value[:64]!a}.",
            )
    if not unicodedata.is_normalized("NFC", value):
        raise InvalidValue(
            "name.invalid",
            f"A {what} must be in Unicode normal form C.",
            detail=f"{value[:64]!a} is not.",
            hint="Pass it through unicodedata.normalize('NFC', name).",
        )
    return value


def check_parameter(value: Any, where: str, *, depth: int = 0) -> JSON:
    """Return ``value`` as plain JSON data; NumPy scalars become numbers, tuples become lists.

    Raises:
        InvalidValue: ``value.not_finite`` for NaN or infinity, ``parameter.type`` for anything JSON cannot hold.
    """
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidValue("value.not_finite", "An operation parameter must be finite.", detail=f"{where} is {value}.")
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and depth < 8:
        return [check_parameter(item, f"{where}[{i}]", depth=depth + 1) for i, item in enumerate(value)]
    if isinstance(value, Mapping) and depth < 8:
        return {str(key): check_parameter(item, f"{where}.{key}", depth=depth + 1) for key, item in value.items()}
    raise InvalidValue(
        "parameter.type",
        "An operation parameter must be a string, a number, true, false, null, or a list or mapping of those.",
        detail=f"{where} is {type(value).__name__}.",
    )
