"""JSON as the standard means it, within bounds: what Python's reader lets pass silently is refused with a reason."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from ..errors import InvalidValue, UserError

MAX_DEPTH = 64
MAX_VALUES = 200_000
"""In one text: small values take some fifty times their bytes once they are read."""
MAX_INTEGER = 2**63 - 1
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_STEPS = np.zeros(256, np.int8)
"""How much deeper the text is after each byte outside of a string."""
_STEPS[list(b"[{")], _STEPS[list(b"]}")] = 1, -1


class BadJSON(UserError):
    """The text is not JSON, or JSON that no two programs read alike."""


def loads(text: bytes) -> Any:
    """Parse UTF-8 JSON.

    Raises:
        BadJSON: ``json.bad_unicode`` for other encodings, a byte order mark, lone surrogates; ``json.too_deep`` beyond
            64 levels; ``json.too_many_values``; ``json.duplicate_key``; ``json.number_too_large`` beyond 64 bits;
            ``json.invalid`` for the rest.
        InvalidValue: ``value.not_finite`` for NaN, Infinity, and numbers too large for a double.
    """
    decoded = _decode(text)
    outside = _outside_strings(text)
    if _depth(outside) > MAX_DEPTH:
        raise BadJSON("json.too_deep", f"The JSON is nested more than {MAX_DEPTH} levels deep.", hint="Flatten it.")
    if _num_values(outside) > MAX_VALUES:
        raise BadJSON(
            "json.too_many_values", f"The JSON has more than {MAX_VALUES:,} values.", hint="Send fewer at a time."
        )
    try:
        value = json.loads(
            decoded, object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
        )
    except (json.JSONDecodeError, RecursionError) as error:
        where = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "nesting"
        raise BadJSON(
            "json.invalid", "The text is not valid JSON.", detail=f"The first error is at {where}."
        ) from error
    if _SURROGATE.search(text):
        _check_surrogates(value)
    return value


def _decode(text: bytes) -> str:
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad_unicode(f"Byte {error.start} is not UTF-8.") from error
    if decoded.startswith("\ufeff"):
        raise _bad_unicode("It begins with a byte order mark.")
    if "\0" in decoded:
        raise _bad_unicode("It contains NUL characters, as UTF-16 does.")
    return decoded


def _outside_strings(text: bytes) -> npt.NDArray[np.uint8]:
    """The bytes that are in no string, but for quotation marks; a string without an end takes the rest."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    letters = np.frombuffer(text, np.uint8)
    return letters[~np.logical_xor.accumulate(letters == ord('"'))]


def _depth(outside: npt.NDArray[np.uint8]) -> int:
    steps = _STEPS[outside]
    return int(np.cumsum(steps[steps != 0], dtype=np.int32).max(initial=0))


def _num_values(outside: npt.NDArray[np.uint8]) -> int:
    """Values, members of objects counted as one: each but the first of its list or object follows a comma."""
    return int(np.isin(outside, list(b",[{"), kind="table").sum())


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise BadJSON("json.duplicate_key", "An object has the same key twice.", detail=f"The key is {twice[:64]!a}.")
    return value


def _integer(digits: str) -> int:
    if len(digits) > 20 or not -MAX_INTEGER - 1 <= int(digits) <= MAX_INTEGER:
        raise BadJSON(
            "json.number_too_large",
            "An integer does not fit in 64 bits.",
            detail=f"It has {len(digits.lstrip('-')):,} digits.",
            hint="Write it as a string, or as a number with a decimal point.",
        )
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        _constant(digits)
    return value


def _constant(found: str) -> NoReturn:
    raise InvalidValue(
        "value.not_finite",
        "JSON numbers are finite.",
        detail=f"Found {found[:32]}.",
        hint='Write "NaN" or "Infinity" as text.',
    )


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise _bad_unicode(f"U+{ord(error.object[error.start]):04X} is half of a surrogate pair.") from error


def _bad_unicode(detail: str) -> BadJSON:
    return BadJSON(
        "json.bad_unicode", "The JSON is not valid Unicode text.", detail=detail, hint="Send UTF-8 without a BOM."
    )
