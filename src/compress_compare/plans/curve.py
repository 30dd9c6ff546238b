"""The plans of all budgets at once: what each further saving is predicted to cost."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ..errors import MissingExtra
from .recommend import Budget, Kind, Plan, recommend, spread

POINTS = 60
"""Budgets that are tried, evenly from the smallest to that of the uncompressed model."""


def kinds(table: pa.Table) -> list[Kind]:
    """The kinds of budget that the table can be asked for."""
    if not len(table):
        return []
    known: list[Kind] = ["bytes", "bits_per_weight"]
    if not table["macs"].null_count:
        known.append("macs")
    if not table["latency"].null_count:
        known.append("latency")
    return known


def curve(table: pa.Table, kind: Kind, *, higher_is_better: bool, points: int = POINTS) -> list[Plan]:
    """Return the different plans of evenly spread budgets, the smallest first and the empty plan last.

    They are exact where SciPy is installed, else greedy.

    Args:
        table: the result of ``sensitivity``.
        kind: of the budget.
        higher_is_better: direction of the metric in the table.
        points: how many budgets to try.

    Raises:
        InvalidValue: as ``recommend``.
    """
    least, most = spread(table, kind)
    found: dict[tuple[int, ...], Plan] = {}
    for limit in np.linspace(least, most, points):
        # the ends are sums of the same numbers in another order
        budget = Budget(kind, float(limit) + 1e-9 * most)
        try:
            plan = recommend(table, budget, higher_is_better=higher_is_better)
        except MissingExtra:
            plan = recommend(table, budget, higher_is_better=higher_is_better, method="greedy")
        found.setdefault(plan.rows, plan)
    return sorted(found.values(), key=lambda plan: plan.used)
