"""Whether two measured numbers differ, or tie: one rule for headlines, charts, the reality check and the gate.

The page decides by the same rule in `ui/src/format/ties.ts`; one table of cases tests both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Z95 = 1.96
"""Standard errors in half of a 95% interval."""
POINTS = 0.001
"""A difference of a fraction that is worth no words: a tenth of a percentage point."""
SHARE = 0.005
"""The same of any other number, as a share of the larger one."""
SAME_TIME = 1.25
"""Two times within this factor are the same; medians of short runs differ as much from minute to minute."""
TIMES = frozenset({"s", "ms", "µs", "us", "ns", "min"})
"""Units of time."""

Order = Literal["above", "below", "tie"]


@dataclass(frozen=True)
class Estimate:
    """A finite number and its standard error; an error of ``None`` counts as none."""

    value: float
    error: float | None = None


def order(one: Estimate, other: Estimate, *, fraction: bool, unit: str = "") -> Order:
    """Say whether ``one`` is above or below ``other`` by more than both their intervals and what is worth words.

    The readings count as independent: two models measured on the same examples differ by less than that suggests, so
    a paired test, where there is one, may still tell them apart.

    Args:
        one: a reading of a metric.
        other: another one.
        fraction: whether the metric is a fraction of one.
        unit: of the metric; of times, all within a quarter are the same.
    """
    difference = one.value - other.value
    largest = max(abs(one.value), abs(other.value))
    share = 1 - 1 / SAME_TIME if unit in TIMES else SHARE
    least = max(POINTS if fraction else share * largest, Z95 * math.hypot(one.error or 0.0, other.error or 0.0))
    # numbers such as 0.9 - 0.899 are a little more than the limit that they stand for
    if abs(difference) <= least * (1 + 1e-9):
        return "tie"
    return "above" if difference > 0 else "below"


def leaders(readings: Sequence[Estimate], *, highest: bool, fraction: bool, unit: str = "") -> list[int]:
    """Places of all that tie with the highest (or the lowest) reading, the latter included; empty without any."""
    if not readings:
        return []
    sign = 1 if highest else -1
    best = max(readings, key=lambda reading: sign * reading.value)
    return [
        place for place, reading in enumerate(readings) if order(best, reading, fraction=fraction, unit=unit) == "tie"
    ]
