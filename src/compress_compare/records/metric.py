"""Metrics: their definitions and values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .. import checks
from ..errors import InvalidValue
from .names import JSON, check_name, check_parameter

_D3_FORMAT = re.compile(r"(?:(.)?([<>=^]))?([+\-( ])?([$#])?(0)?(\d+)?(,)?(\.\d+)?(~)?([bcdeEfgGnoprsxX%])?")


@dataclass(frozen=True)
class Metric:
    """The definition of a number that models have.

    Args:
        name: as shown, e.g. ``Top-1 Accuracy``.
        unit: SI base unit or a counted thing, e.g. ``s``, ``B``; empty for a pure number.
        format: a d3-format string, e.g. ``.1%``.
        higher_is_better: the direction; ``None`` when it is not known.
        primary: shown first and charted by default.
        min: smallest possible value, if there is one.
        max: largest possible value, if there is one.
        description: one sentence for tooltips.
    """

    name: str
    unit: str = ""
    format: str = ""
    higher_is_better: bool | None = None
    primary: bool = False
    min: float | None = None
    max: float | None = None
    description: str = ""

    def __post_init__(self) -> None:
        check_name(self.name, "metric name")
        of = f"of metric {self.name!r}"
        for field_name in ("unit", "format", "description"):
            object.__setattr__(self, field_name, checks.text(getattr(self, field_name), f"The {field_name} {of}"))
        object.__setattr__(self, "primary", checks.truth(self.primary, f"The primary {of}"))
        if self.higher_is_better is not None:
            better = checks.truth(self.higher_is_better, f"The higher_is_better {of}")
            object.__setattr__(self, "higher_is_better", better)
        for end in ("min", "max"):
            if getattr(self, end) is not None:
                object.__setattr__(self, end, _number(getattr(self, end), f"The {end} {of}"))
        if not _D3_FORMAT.fullmatch(self.format):
            raise InvalidValue(
                "metric.format",
                f"The format of metric {self.name!r} is not a d3-format string.",
                detail=f"Found {self.format!r}.",
                hint="Use e.g. '.1%' for fractions, '.3s' for sizes, '.2f' for plain numbers.",
            )
        for bound in (self.min, self.max):
            if bound is not None and not math.isfinite(bound):
                raise InvalidValue("value.not_finite", f"The range of metric {self.name!r} must be finite.")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise InvalidValue("metric.range", f"Metric {self.name!r} has min {self.min:g} above max {self.max:g}.")

    @property
    def is_share(self) -> bool:
        """Whether its values are proportions, shown in per cent: its range or its format says so."""
        return (self.min == 0 and self.max == 1) or self.format.strip().endswith("%")


Kind = Literal["number", "nan", "inf", "-inf"]


@dataclass(frozen=True)
class MetricValue:
    """One measured number. NaN and infinities stay what they are.

    Args:
        value: the number, in the metric's unit.
        slice: the class or subgroup it was measured on; ``None`` for all.
        device: what it was measured on, e.g. ``cpu (1 thread, batch 1)``; ``None`` where it does not matter.
        count: how many samples or runs are behind it.
        standard_error: of the value, in the metric's unit.
        dataset: the name of the data it was measured on, e.g. ``digits-test``; ``None`` where it is not said.
        protocol: how it was measured, as JSON data: e.g. harness, version, template, few-shot, limit. Values of unlike
            dataset or protocol are different values, and are never compared without a word.
    """

    value: float
    slice: str | None = None
    device: str | None = None
    count: int | None = None
    standard_error: float | None = None
    dataset: str | None = None
    protocol: Mapping[str, JSON] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        if type(self.value) is not float:
            object.__setattr__(self, "value", _number(self.value))
        if self.slice is not None:
            check_name(self.slice, "metric slice")
        if self.device is not None:
            check_name(self.device, "metric device")
        if self.dataset is not None:
            check_name(self.dataset, "dataset name")
        if self.protocol is not None:
            object.__setattr__(self, "protocol", _protocol(self.protocol))
        if self.count is not None and self.count < 0:
            raise InvalidValue("value.range", f"A metric's count must not be negative; found {self.count}.")
        spread = self.standard_error
        if spread is not None and not (math.isfinite(spread) and spread >= 0):
            raise InvalidValue("value.range", f"A standard error must be finite and not negative; found {spread}.")

    @property
    def protocol_json(self) -> str:
        """The protocol as JSON text that is equal exactly when the protocols are; empty if nothing is said."""
        return (
            json.dumps(self.protocol, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            if self.protocol
            else ""
        )

    @property
    def kind(self) -> Kind:
        """``number``, or the kind of a value that is not finite."""
        if math.isfinite(self.value):
            return "number"
        if math.isnan(self.value):
            return "nan"
        return "inf" if self.value > 0 else "-inf"


def _protocol(protocol: Any) -> Mapping[str, JSON] | None:
    """What was said, as JSON data; an empty mapping says nothing."""
    if not isinstance(protocol, Mapping):
        raise InvalidValue(
            "metric.protocol",
            "The protocol of a metric value must be a mapping.",
            detail=f"Found {type(protocol).__name__}.",
            hint="For example {'harness': 'lm-eval 0.4', 'few_shot': 5, 'limit': 100}.",
        )
    return {
        check_name(key, "protocol key"): check_parameter(one, f"protocol.{key}") for key, one in protocol.items()
    } or None


def _number(value: Any, what: str = "A metric value") -> float:
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidValue(
            "metric.value",
            f"{what} must be a number.",
            detail=f"Found {value!r:.64} of type {type(value).__name__}.",
        ) from error
