"""Which weights the data of a calibration reached, said in the scheme and in the log. Needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ...schemes.scheme import TensorScheme

if TYPE_CHECKING:
    from ..targets import Weight
    from ..types import Context
    from .moments import Inputs

NEAREST = "rounded to nearest: no product with it was followed on calibration data"
_NAMED = 8


@dataclass
class Reached:
    """Collects what was looked at, and what no data reached."""

    total: int = 0
    missed: list[str] = field(default_factory=list)

    def note(self, stored: TensorScheme, weight: Weight, *, found: Inputs | None) -> TensorScheme:
        """The entry of a weight, with a note where no data reached it or some of its experts."""
        self.total += 1
        if found is None:
            self.missed.append(weight.name)
            return replace(stored, note=NEAREST)
        parts = list(found.parts(found.layout.size(tuple(weight.parameter.shape))[0]))
        without = sum(moments is None for _, _, moments in parts)
        if not without:
            return stored
        self.missed.append(f"{weight.name} ({without} of {len(parts)} parts)")
        return replace(stored, note=f"{without} of {len(parts)} parts {NEAREST}")

    def again(self, stored: TensorScheme, name: str) -> TensorScheme:
        """Count a weight that an earlier, interrupted run had finished."""
        self.total += 1
        if stored.note:
            self.missed.append(name)
        return stored

    def say(self, context: Context) -> None:
        """One line in the log about what no data reached."""
        if self.missed:
            named = ", ".join(self.missed[:_NAMED])
            more = f" and {len(self.missed) - _NAMED} more" if len(self.missed) > _NAMED else ""
            count = f"{len(self.missed)} of {self.total} weights"
            why = "as no product with them was followed on calibration data"
            context.progress(1.0, f"{count} rounded to nearest, {why}: {named}{more}")


def left_alone(context: Context, reasons: Mapping[str, str]) -> None:
    """One line in the log about weights that stay as they are, and why, for each reason."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        by_reason.setdefault(reason, []).append(name)
    for reason, names in by_reason.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        context.progress(0.0, f"left as they are: {', '.join(names[:_NAMED])}{more}: {reason}")
