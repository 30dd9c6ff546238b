"""Reading a number with its unit, as in ``4 kB``, ``5 ms``, ``2.5%`` or ``1.2M``."""

from __future__ import annotations

import math
import re

from ...errors import InvalidValue

BYTES, SECONDS, PERCENT = "B", "s", "%"
DECIMAL = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
BINARY = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}
FRACTIONS = {"m": 1e-3, "µ": 1e-6, "μ": 1e-6, "u": 1e-6, "n": 1e-9}
UNITS: dict[str, tuple[float, str]] = {
    "%": (0.01, PERCENT),
    "pp": (0.01, PERCENT),
    "min": (60.0, SECONDS),
    "h": (3600.0, SECONDS),
    **{f"{prefix}B": (scale, BYTES) for prefix, scale in {**DECIMAL, **BINARY}.items()},
    **{f"{prefix}s": (scale, SECONDS) for prefix, scale in {"": 1.0, **FRACTIONS}.items()},
    **{prefix: (scale, "") for prefix, scale in DECIMAL.items() if prefix},
}
"""What a unit is worth, and in which SI base unit. A prefix alone counts things."""
_QUANTITY = re.compile(r"\s*([+\-−]?(?:\d[\d_,]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-zµμ%]*)\s*")


def quantity(text: str | int | float, *, unit: str) -> float:
    """The number that ``text`` says, in the unit of a metric.

    ``kB`` is 1,000 bytes and ``KiB`` is 1,024. A percentage is a hundredth, as fractions are logged.

    Args:
        text: a number, or a text of a number and a unit.
        unit: of the metric: ``B``, ``s``, another one, or empty for a pure number.

    Raises:
        InvalidValue: ``value.quantity`` for a text that is no number, a number that is not finite, or a unit that is
            not one of the metric.
    """
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise _refused(text, "It must be a number, with a unit if it has one.")
    if not isinstance(text, str):
        return _finite(float(text), text)
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise _refused(text, "It must be a number, with a unit if it has one.")
    number = float(match[1].replace("−", "-").replace(",", "").replace("_", ""))
    name = match[2]
    if name == unit or not name:
        return _finite(number * (0.01 if unit == PERCENT and name == PERCENT else 1.0), text)
    if name not in UNITS:
        raise _refused(text, f"The unit {name!r} is not known.")
    scale, base = UNITS[name]
    if base == "" or base == unit or (base == PERCENT and unit == ""):
        return _finite(number * scale, text)
    raise _refused(text, f"The metric is in {unit or 'no unit'}, which {name!r} is not.")


def _finite(number: float, text: object) -> float:
    if not math.isfinite(number):
        raise _refused(text, "It must be finite.")
    return number


def _refused(text: object, detail: str) -> InvalidValue:
    hint = "Write it as 0.02, 2%, 4 kB, 300 KiB, 5 ms or 1.2M."
    return InvalidValue("value.quantity", f"{str(text)[:60]!r} is not a quantity.", detail=detail, hint=hint)
