"""What a per-instance metric is: how it is computed, what it needs, and how people read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypedDict

from ...records import Metric
from ...table import Row
from ..quantities.writing import written, written_difference
from .frame import Frame
from .joined import Floats

LABELS, CLASSES, NUMBERS, TEXTS = "labels", "classes", "numbers", "texts"
VECTORS, SETS, TOKENS = "vectors", "sets", "tokens"
BOXES, MASKS = "boxes", "masks"
"""What a metric can need of what was logged."""


class _Fraction(TypedDict):
    format: str
    low: float
    high: float


FRACTION: _Fraction = {"format": ".1%", "low": 0, "high": 1}


@dataclass(frozen=True)
class InstanceMetric:
    """A number per instance, and how people read it.

    Args:
        compute: from the frame to one float64 ``[instances]`` per model, the base included; NaN where a model lacks
            the instance.
        higher_is_better: the direction; ``None`` where there is none.
        needs: what must have been logged.
        meaning: one sentence.
        title: what it is called; empty for its name.
        format: how numbers are written, in d3-format's language; empty for three significant digits.
        unit: for example ``nats``.
        low: the smallest possible value; ``None`` where there is none.
        high: the largest possible value; ``None`` where there is none.
        against_base: whether it compares with the base by itself.
        yes_no: whether it is 0 or 1 and says no more than right or wrong.
    """

    compute: Callable[[Frame], Mapping[str, Floats]]
    higher_is_better: bool | None
    needs: tuple[str, ...]
    meaning: str
    title: str = ""
    format: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    against_base: bool = False
    yes_no: bool = False

    def write(self, column: str, row: Row) -> str | None:
        """A number of a table of models or groups, as a notebook shows it."""
        if column not in ("value", "base_value", "difference", "ci_low", "ci_high"):
            return None
        metric = Metric(row["metric"], unit=self.unit, format=self.format, min=self.low, max=self.high)
        return written(row[column], metric) if "value" in column else written_difference(row[column], metric)
