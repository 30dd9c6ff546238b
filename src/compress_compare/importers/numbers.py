"""Numbers as other tools write them: NaN, the infinities and a missing value stay four things."""

from __future__ import annotations

import ast
import json
import math
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ..records import MAX_NAME

LARGEST = 1.7976931348623157e308
"""What databases hold in place of an infinity."""
_WORDS = {"nan": math.nan, "inf": math.inf, "infinity": math.inf, "+inf": math.inf, "+infinity": math.inf}
_NEGATIVE = {"-inf", "-infinity"}
_MISSING = {"", "n/a", "na", "none", "null", "-", "–", "—"}
_DIGITS = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_GROUPED_COMMA = re.compile(r"[+-]?\d{1,3}([.\u00a0\u202f ]\d{3})*,\d+")


def number(value: Any) -> float | None:
    """The number that a tool wrote as a number or as one of the words for what is not finite; None for anything else.

    The largest number of double precision stands for an infinity.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int) and abs(value) >= 10**308:
        return math.inf if value > 0 else -math.inf
    if isinstance(value, int | float):
        found = float(value) if abs(value) < 10**308 or not math.isfinite(value) else math.copysign(math.inf, value)
        return math.copysign(math.inf, found) if abs(found) >= LARGEST else found
    return word(value) if isinstance(value, str) else None


def whole(value: Any) -> int | None:
    """The number of things that a tool wrote; None for what cannot be one."""
    found = number(value)
    return int(found) if found is not None and math.isfinite(found) and found >= 0 and found.is_integer() else None


def word(value: str) -> float | None:
    """NaN or an infinity from its name."""
    lower = value.strip().lower()
    return -math.inf if lower in _NEGATIVE else _WORDS.get(lower)


def is_missing(value: Any) -> bool:
    """Whether a cell says that there is no value: null, nothing, ``N/A``, a dash."""
    return value is None or (isinstance(value, str) and value.strip().lower() in _MISSING)


def parsed(value: str, *, decimal_comma: bool = False) -> tuple[Decimal | float, bool] | None:
    """The number in a text, exactly, and whether it is followed by a per cent sign; None if it is not one.

    Args:
        value: e.g. ``93.55%``, ``1,014.45``, ``0,9355``, ``inf``.
        decimal_comma: whether the column writes a comma for the decimal point.
    """
    stripped = value.strip().replace("−", "-")
    percent = stripped.endswith("%")
    digits = stripped[:-1].rstrip() if percent else stripped
    named = word(digits)
    if named is not None:
        return named, percent
    if decimal_comma and (_GROUPED_COMMA.fullmatch(digits) or re.fullmatch(r"[+-]?\d+,\d+", digits)):
        digits = re.sub(r"[.\u00a0\u202f ]", "", digits).replace(",", ".")
    elif not decimal_comma and _GROUPED.fullmatch(digits):
        digits = digits.replace(",", "")
    if not _DIGITS.fullmatch(digits):
        return None
    try:
        return Decimal(digits), percent
    except InvalidOperation:
        return None


def scalar(value: Any) -> Any:
    """A parameter as data: texts that are numbers, true, false, null or lists in JSON become those.

    What is not finite stays text, as a parameter must be finite.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if not isinstance(value, str):
        return value
    stripped = value.strip()
    if stripped in ("True", "False", "None"):
        return {"True": True, "False": False, "None": None}[stripped]
    if len(stripped) < 10_000 and stripped[:1] in "[{-0123456789tfn" and stripped:
        try:
            found = json.loads(stripped, parse_constant=lambda name: name)
        except (ValueError, RecursionError):
            return value
        return value if isinstance(found, float) and not math.isfinite(found) else found
    return value


def metric_name(value: object) -> str:
    """A name that a project takes for a metric: the columns of its table of models are taken."""
    name = clean_name(value)
    taken = ("id", "base", "operation", "parameters", "step", "tags", "references")
    return f"{name[:200]} (metric)" if name in taken else name


def plain(protocol: Mapping[str, Any]) -> dict[str, Any]:
    """How something was measured, without what was not said, as a project takes it."""
    said = {name: value for name, value in protocol.items() if isinstance(value, str | int | float)}
    return {name: clean_name(value) if isinstance(value, str) else value for name, value in said.items()}


def clean_name(value: object) -> str:
    """A name that a project takes: in normal form C, without control characters, of at most 256 characters."""
    plain = unicodedata.normalize("NFC", str(value)).strip()
    plain = "".join(" " if unicodedata.category(one) in ("Cc", "Cs", "Cf") else one for one in plain)
    return plain[:MAX_NAME].strip() or "unnamed"


def dictionary(cell: Any) -> Any:
    """A cell of a table that holds a mapping, as JSON or as Python writes it, is that mapping."""
    if isinstance(cell, str) and cell.startswith("{") and len(cell) < 20_000:
        found = scalar(cell)
        if isinstance(found, Mapping):
            return found
        try:
            return ast.literal_eval(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return cell
    return cell
