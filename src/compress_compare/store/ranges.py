"""Values against the range that their metric declares: a percentage logged as a fraction is found at once."""

from __future__ import annotations

from ..errors import InvalidValue
from ..records import Metric, MetricValue

SLACK = 1e-9
"""How far, relative to its size, a number may lie outside: sums of floats do."""


def check(metric: Metric, value: MetricValue) -> None:
    """Pass if a value lies in the range of its metric; NaN and infinities say that something went wrong, and may stay.

    Raises:
        InvalidValue: ``metric.range``, saying what may have been meant.
    """
    if value.kind != "number":
        return
    if _inside(metric, value.value):
        return
    hundredth = value.value / 100
    meant = metric.max == 1 and value.value > 1 and _inside(metric, hundredth)
    raise InvalidValue(
        "metric.range",
        f"{value.value:g} is outside of the range of {metric.name!r:.80}, which is {_range(metric)}.",
        hint=f"Did you mean {hundredth:.15g}?"
        if meant
        else "Correct the value, or define the metric with another range.",
    )


def _inside(metric: Metric, value: float) -> bool:
    slack = SLACK * max(1.0, abs(value))
    low, high = metric.min, metric.max
    return (low is None or value >= low - slack) and (high is None or value <= high + slack)


def _range(metric: Metric) -> str:
    if metric.min is None:
        return f"at most {metric.max:g}"
    return f"at least {metric.min:g}" if metric.max is None else f"{metric.min:g} to {metric.max:g}"
