"""The plans of all budgets at once: what each further saving is predicted to cost.

Layer after layer joins the sums of those before it, and only sums that no other beats in both saving and loss are kept
(Pareto dynamic programming for the multiple-choice knapsack; Kellerer, Pferschy, Pisinger: Knapsack Problems. 2004,
section 11.5). Where that leaves more than ``KEPT``, only the least loss of each of so many steps of saving stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from .recommend import Kind, Plan, planned, savings_and_losses

POINTS = 120
"""Plans that are returned at most."""
KEPT = 4000
"""Sums that are kept after each layer."""


def kinds(table: pa.Table) -> list[Kind]:
    """The kinds of budget that the table can be asked for."""
    if not len(table):
        return []
    known: list[Kind] = ["bytes", "bits_per_weight"]
    if not table["macs"].null_count:
        known.append("macs")
    if not table["latency"].null_count:
        known.append("latency")
    return [kind for kind in known if kind != "macs" or len(set(table["macs"].to_pylist())) > 1]


def curve(table: pa.Table, kind: Kind, *, higher_is_better: bool, points: int = POINTS) -> list[Plan]:
    """Return the plans that lose least for what they need, the smallest first and the empty plan last.

    Args:
        table: the result of ``sensitivity``.
        kind: of the budget.
        higher_is_better: direction of the metric in the table.
        points: how many plans at most, spread over the budgets.
    """
    listed = table.to_pylist()
    places = [place for place, row in enumerate(listed) if np.isfinite(row["change"])]
    rows = [listed[place] for place in places]
    savings, losses = savings_and_losses(rows, kind, higher_is_better=higher_is_better)
    # of equal losses, the plan with fewer treated layers
    losses = losses + 1e-9 * (losses.max(initial=0.0) or 1.0)
    layers: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        layers.setdefault(row["layer"], []).append(index)
    sums = _Sums(np.zeros(1), np.zeros(1), [])
    for own in layers.values():
        sums = _joined(sums, savings[own], losses[own], np.array(own))
    chosen = [sums.rows(index) for index in _spread(sums.savings, points)]
    taken = [sorted(places[index] for index in plan) for plan in chosen]
    return [planned(listed, own, kind=kind, higher_is_better=higher_is_better) for own in taken]


@dataclass(frozen=True)
class _Sums:
    """Sums over the layers so far, the largest saving first; of each layer, what every sum came from."""

    savings: np.ndarray
    losses: np.ndarray
    steps: list[tuple[np.ndarray, np.ndarray]]

    def rows(self, index: int) -> list[int]:
        """The rows that a sum is of."""
        found = []
        for parents, chosen in reversed(self.steps):
            if chosen[index] >= 0:
                found.append(int(chosen[index]))
            index = int(parents[index])
        return found


def _joined(sums: _Sums, savings: np.ndarray, losses: np.ndarray, rows: np.ndarray) -> _Sums:
    """All sums with each level of one more layer, or none, but for those that are beaten."""
    saved = (sums.savings[:, None] + np.r_[0.0, savings]).ravel()
    lost = (sums.losses[:, None] + np.r_[0.0, losses]).ravel()
    order = np.lexsort((lost, -saved))
    least = np.minimum.accumulate(lost[order])
    kept = order[np.r_[True, lost[order][1:] < least[:-1]]]
    if len(kept) > KEPT:
        steps = np.floor(saved[kept] / (saved[kept[0]] or 1.0) * KEPT)
        # losses fall along the sums, so that the last of a step has its least
        last = np.r_[steps[1:] != steps[:-1], True]
        last[0] = True
        kept = kept[last]
    levels = 1 + len(rows)
    step = (kept // levels, np.r_[-1, rows][kept % levels])
    return _Sums(saved[kept], lost[kept], [*sums.steps, step])


def _spread(savings: np.ndarray, points: int) -> list[int]:
    """Places of at most so many savings, evenly over their range, both ends among them."""
    if len(savings) <= points:
        return list(range(len(savings)))
    wanted = np.linspace(savings[0], savings[-1], points)
    return [int(place) for place in np.unique(np.searchsorted(-savings, -wanted).clip(0, len(savings) - 1))]
