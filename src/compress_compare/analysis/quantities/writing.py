"""Writing a value in its metric's own format and unit: ``91.6%``, ``147 kB``, ``0.38 ms``. The page does the same."""

from __future__ import annotations

import math
import re

from ...records import Metric

MISSING = "–"
MINUS = "−"
PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))
PREFIXED = frozenset({"s", "B", "FLOP", "FLOPs", "MAC", "MACs", "J", "W", "Hz", "bit", "bits"})
"""Units that take SI prefixes where a metric gives no format of its own."""
_FORMAT = re.compile(r"(?:.?[<>=^])?([+\-( ])?[$#]?0?\d*(,)?(?:\.(\d+))?(~)?([a-zA-Z%])?")
DIGITS = 3


def written(value: float | None, metric: Metric) -> str:
    """A value of a metric as people read it; a dash where it is missing.

    Args:
        value: in the metric's unit.
        metric: its definition; the format is a d3-format string.
    """
    if value is None:
        return MISSING
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else f"{MINUS}∞"
    match = _FORMAT.fullmatch(metric.format)
    kind = (match and match[5]) or ""
    digits = int(match[3]) if match and match[3] else None
    if not metric.format or not match:
        if metric.is_share:
            return f"{fixed(value * 100, min(2, _decimals(value * 100)))}%"
        if metric.unit in PREFIXED:
            return prefixed(value, metric.unit)
        return _with_unit(plain(value), metric.unit)
    if kind == "s":
        return prefixed(value, metric.unit, digits=max(DIGITS, digits or DIGITS))
    if kind in ("%", "p"):
        decimals = (6 if digits is None else digits) if kind == "%" else _decimals(value * 100, digits or 12)
        return f"{fixed(value * 100, decimals, trim=bool(match[4]))}%"
    return _with_unit(_by_kind(value, kind, digits=digits, match=match), metric.unit)


def written_difference(value: float | None, metric: Metric) -> str:
    """A signed change of a metric; percentage points for a fraction."""
    if value is None or math.isnan(value):
        return MISSING
    sign = MINUS if value < 0 else "+" if value > 0 else ""
    if metric.is_share and math.isfinite(value):
        return f"{sign}{fixed(abs(value) * 100, max(1, min(3, _decimals(value * 100, 2))))} pp"
    return f"{sign}{written(abs(value), metric)}"


def plain(value: float) -> str:
    """Three significant digits, thousands separated; whole numbers are never rounded away."""
    size = abs(value)
    if size == 0:
        return "0"
    if size < 1e-4 or size >= 1e15:
        return f"{value:.3g}".replace("-", MINUS, 1) if value < 0 else f"{value:.3g}"
    if float(value).is_integer() or size >= 1000:
        return fixed(value, 0)
    return fixed(value, _decimals(value), trim=True)


def prefixed(value: float, unit: str, *, digits: int = DIGITS) -> str:
    """With an SI prefix, one to three digits before the point: ``147 kB``; bytes and counts below 1,000 are whole."""
    smallest = 1e-9 if unit == "s" else 1.0
    usable = [place for place in PREFIXES if place[0] >= smallest]
    last = usable[-1] if value else (1.0, "")
    factor, letter = next((place for place in usable if abs(value) >= place[0] * 0.9995), last)
    scaled = value / factor
    whole = letter == "" and unit != "s" and float(value).is_integer()
    text = fixed(scaled, 0 if whole else _decimals(scaled, digits), trim=True)
    return f"{text} {letter}{unit}" if letter or unit else text


def fixed(value: float, decimals: int, *, trim: bool = False) -> str:
    """Fixed decimals with thousands separated and a real minus; trailing zeros dropped where ``trim``."""
    text = f"{abs(value):,.{min(decimals, 20)}f}"
    if trim and "." in text:
        text = text.rstrip("0").rstrip(".")
    negative = value < 0 and any(digit in "123456789" for digit in text)
    return f"{MINUS}{text}" if negative else text


def _by_kind(value: float, kind: str, *, digits: int | None, match: re.Match[str]) -> str:
    """The other types of d3-format: ``d``, ``f``, ``e``, ``g``, ``r`` and none."""
    if kind == "" and digits is None:
        return plain(value)
    if kind in ("d", "f"):
        text = fixed(value, 0 if kind == "d" else 6 if digits is None else digits, trim=bool(match[4]))
        text = text if match[2] else text.replace(",", "")
    elif kind == "r":
        text = fixed(value, _decimals(value, digits or 6), trim=bool(match[4]))
    else:
        code = kind if kind in ("e", "g", "E", "G") else "g"
        text = f"{value:.{6 if digits is None else digits}{code}}".replace("-", MINUS, int(value < 0))
    return f"+{text}" if match[1] == "+" and value > 0 else text


def _decimals(value: float, digits: int = DIGITS) -> int:
    if value == 0 or not math.isfinite(value):
        return 0
    return max(0, digits - 1 - math.floor(math.log10(abs(value)) + 1e-12))


def _with_unit(text: str, unit: str) -> str:
    if not unit:
        return text
    return f"{text}{unit}" if unit in ("%", "°") else f"{text} {unit}"
