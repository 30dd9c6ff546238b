"""A rule with its bound as a number, and how a number held against it is judged and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...analysis.gate.estimates import EXACT
from ...analysis.gate.verdicts import GateEstimate, at_least, at_most
from ...analysis.quantities.writing import written_difference
from ...records import Metric
from .report import GateCheck
from .rules import GateRule

SHARE = Metric("share", format=".1%", min=0, max=1)


@dataclass(frozen=True)
class HeldRule:
    """A rule, its bound in the unit of what it is about, and the confidence of the intervals that decide."""

    rule: GateRule
    limit: float
    confidence: float


def numbered(held: HeldRule, found: GateEstimate, *, write: Callable[[float], str]) -> GateCheck:
    """Judge a number by its interval.

    Args:
        held: the rule.
        found: the number.
        write: puts it into words.
    """
    is_floor = held.rule.bound == "min"
    outcome = at_least(found, held.limit) if is_floor else at_most(found, held.limit)
    reason = ""
    if outcome == "undecided":
        reason = f"Not enough data: the interval does not lie on one side of {write(held.limit)}."
    return GateCheck(held.rule, outcome, held.limit, estimate=found, shown=interval(found, write), reason=reason)


def interval(found: GateEstimate, write: Callable[[float], str]) -> str:
    """A number with its limits in words; alone where it was counted."""
    if found.method == EXACT:
        return write(found.value)
    return f"{write(found.value)} ({write(found.low)} to {write(found.high)})"


def drop(number: float, metric: Metric) -> str:
    """A drop in words; a gain has a minus."""
    return written_difference(number, metric).removeprefix("+")


def times(number: float) -> str:
    """A ratio in words."""
    return f"{number:.3g}×"
