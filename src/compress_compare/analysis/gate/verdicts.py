"""A bound against an estimate with its interval. Only an interval that lies on one side of the bound decides."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

GateOutcome = Literal["pass", "fail", "undecided"]


@dataclass(frozen=True)
class GateEstimate:
    """A number and the limits of its interval.

    Args:
        value: the estimate.
        low: lower limit; equal to the value where nothing was sampled.
        high: upper limit.
        method: how the limits were found, e.g. ``Newcombe paired score, 95%``.
        count: how many instances or runs are behind it.
    """

    value: float
    low: float
    high: float
    method: str
    count: int | None = None

    @property
    def usable(self) -> bool:
        """Whether all three are numbers."""
        return all(math.isfinite(number) for number in (self.value, self.low, self.high))


def at_most(estimate: GateEstimate, limit: float) -> GateOutcome:
    """Whether the number is at most ``limit``: a test of non-inferiority where the number is a drop.

    It passes if the whole interval is at or below the limit and fails if the whole interval is above it. Each happens
    by chance with at most the interval's one-sided error, 2.5% for one of 95%.

    Source: the confidence-interval approach of Westlake 1972 and of ICH E9, section 3.3.2.
    """
    if not estimate.usable:
        return "undecided"
    if estimate.high <= limit:
        return "pass"
    return "fail" if estimate.low > limit else "undecided"


def at_least(estimate: GateEstimate, limit: float) -> GateOutcome:
    """Whether the number is at least ``limit``, likewise."""
    if not estimate.usable:
        return "undecided"
    if estimate.low >= limit:
        return "pass"
    return "fail" if estimate.high < limit else "undecided"


def overall(outcomes: Iterable[GateOutcome]) -> GateOutcome:
    """One outcome for all: a failure outweighs what is undecided. Nothing at all is undecided."""
    found = set(outcomes)
    if "fail" in found:
        return "fail"
    return "pass" if found == {"pass"} else "undecided"
