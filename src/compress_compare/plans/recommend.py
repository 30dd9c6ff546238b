"""Recommends a level for each layer, so that a budget is met and the metric changes least.

The change of the metric is assumed to be the sum of the losses of single layers, as measured by
:func:`~compress_compare.plans.sensitivity.sensitivity`: a first approximation, to be measured afterwards. Changes are
measured on few examples, and the best of many are the luckiest ones. So the loss of a layer is the one to be expected
given its standard error, where an improvement counts as none. The exact method is integer programming, as in Hubara et
al.: Accurate Post Training Quantization with Small Calibration Sets. ICML 2021, section 3.4.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from .. import operations
from ..analysis.inference.normal import positive_part
from ..errors import InvalidValue, MissingExtra
from ..operations import BaseOperation

Kind = Literal["bytes", "bits_per_weight", "macs", "latency"]
_WITHOUT = {
    "macs": ("recommend.macs", "The sensitivities have no multiply-accumulates.", "Give Study an example."),
    "latency": ("recommend.latency", "The sensitivities have no latencies.", "Give Study a clock."),
}


@dataclass(frozen=True)
class Budget:
    """A limit of the compressed model.

    Args:
        kind: ``bytes`` of the packed model, average ``bits_per_weight`` of the layers in the table with scales and
            codebooks included, ``macs`` of the model, or its ``latency`` in seconds.
        limit: in that unit.
    """

    kind: Kind
    limit: float


@dataclass(frozen=True)
class Plan:
    """A mixed compression.

    Args:
        levels: name and parameters (JSON text) of each level that is used, with the layers at it.
        change: predicted change of the metric: the expected losses of its layers, added up.
        used: predicted cost of the plan, in the unit of the budget.
        untouched: layers without a level.
        low: lower end of the 95% interval of ``change``, from the intervals of the chosen rows; ``None`` if one has
            none. It covers the sampling of examples, with layers taken as independent; that losses add up is assumed.
        high: upper end.
        size: predicted packed bytes of the model.
        rows: the chosen rows of the table.
    """

    levels: tuple[tuple[str, str, tuple[str, ...]], ...]
    change: float
    used: float
    untouched: tuple[str, ...]
    low: float | None = None
    high: float | None = None
    size: float = 0.0
    rows: tuple[int, ...] = ()

    @cached_property
    def operations(self) -> tuple[BaseOperation, ...]:
        """The operations, to be applied in this order; each covers all layers with the same level."""
        return tuple(
            operations.get(name).from_parameters({**json.loads(parameters), "targets": list(layers)})
            for name, parameters, layers in self.levels
        )


def recommend(
    table: pa.Table, budget: Budget, *, higher_is_better: bool, method: Literal["exact", "greedy"] = "exact"
) -> Plan:
    """Return the plan that meets a budget with the smallest predicted loss.

    An improvement counts as no loss, because it is mostly chance. Where the table has standard errors, a level that
    changes nothing is preferred to one whose gains and losses on single examples happen to cancel out.

    Args:
        table: the result of ``sensitivity``.
        budget: the limit.
        higher_is_better: direction of the metric in the table.
        method: ``exact`` by integer programming, or ``greedy``: the next level is the one that saves most for its loss.

    Raises:
        InvalidValue: ``recommend.budget`` if even the smallest plan exceeds it, ``recommend.macs`` or
            ``recommend.latency`` if the table lacks them.
        MissingExtra: if SciPy is not installed and the method is ``exact``.
    """
    listed = table.to_pylist()
    places = [place for place, row in enumerate(listed) if np.isfinite(row["change"])]
    rows = [listed[place] for place in places]
    before, need = _need(listed, budget)
    savings, losses = savings_and_losses(rows, budget.kind, higher_is_better=higher_is_better)
    layers = [row["layer"] for row in rows]
    most = _most(layers, savings)
    if before - most > need:
        least = (before - most) * budget.limit / need if need else before - most
        detail = f"The smallest plan is predicted to need {least:,.4g}, the budget is {budget.limit:,.4g}."
        unit = "seconds" if budget.kind == "latency" else budget.kind.replace("_", " ")
        title = f"No plan of these levels needs so few {unit}."
        raise InvalidValue("recommend.budget", title, detail=detail, hint="Measure stronger levels, or allow more.")
    choose = _exact if method == "exact" else _greedy
    found = choose(savings, losses, layers=layers, needed=before - need)
    chosen = [places[index] for index in found]
    return planned(listed, chosen, kind=budget.kind, higher_is_better=higher_is_better)


def planned(listed: Sequence[dict[str, Any]], rows: Sequence[int], *, kind: Kind, higher_is_better: bool) -> Plan:
    """Return the plan that takes these rows of a table of sensitivities, at most one of each layer.

    Raises:
        InvalidValue: ``plan.rows`` for places that the table does not have, or two levels of one layer.
    """
    if any(not 0 <= place < len(listed) for place in rows):
        raise InvalidValue("plan.rows", "The plan names a row that is not there.", hint="Ask for the table again.")
    chosen = [listed[place] for place in rows]
    treated = {row["layer"] for row in chosen}
    if len(treated) < len(chosen):
        raise InvalidValue("plan.rows", "The plan gives a layer two levels.", hint="Choose one row of each layer.")
    before, unit = _need(listed, Budget(kind, 1.0))
    used = before - sum(_saving(row, kind) for row in chosen)
    changes = (-1.0 if higher_is_better else 1.0) * expected_losses(chosen, higher_is_better=higher_is_better)
    low, high = _interval(chosen, changes)
    return Plan(
        levels=_grouped(chosen),
        change=float(changes.sum()),
        used=float(used / unit if kind == "bits_per_weight" else used),
        untouched=tuple(dict.fromkeys(row["layer"] for row in listed if row["layer"] not in treated)),
        low=low,
        high=high,
        size=float(listed[0]["model_bytes_before"] - sum(_saving(row, "bytes") for row in chosen)),
        rows=tuple(rows),
    )


def _interval(chosen: list[dict[str, Any]], changes: np.ndarray) -> tuple[float | None, float | None]:
    """Limits of a sum from the limits of its parts, taken as independent (Zou and Donner 2008, MOVER)."""
    if any(row.get("ci_low") is None or row.get("ci_high") is None for row in chosen):
        return None, None
    lows, highs = (np.array([row[name] for row in chosen], dtype=float) for name in ("ci_low", "ci_high"))
    below = np.sqrt((np.maximum(changes - lows, 0.0) ** 2).sum())
    above = np.sqrt((np.maximum(highs - changes, 0.0) ** 2).sum())
    return float(changes.sum() - below), float(changes.sum() + above)


def _most(layers: list[str], savings: np.ndarray) -> float:
    """What the level of each layer that saves most saves together."""
    best = dict.fromkeys(layers, 0.0)
    for layer, saving in zip(layers, savings.tolist(), strict=True):
        best[layer] = max(best[layer], saving)
    return sum(best.values())


def _need(rows: Sequence[dict[str, Any]], budget: Budget) -> tuple[float, float]:
    """What the uncompressed model needs, and what it may, in the same unit: bytes, multiply-accumulates or seconds."""
    if not rows:
        raise InvalidValue("recommend.empty", "The table of sensitivities has no row.")
    if budget.kind in _WITHOUT:
        if any(row[f"{budget.kind}_before"] is None for row in rows):
            code, title, hint = _WITHOUT[budget.kind]
            raise InvalidValue(code, title, hint=hint)
        return float(rows[0][f"{budget.kind}_before"]), budget.limit
    if budget.kind == "bytes":
        return float(rows[0]["model_bytes_before"]), budget.limit
    layers = {row["layer"]: row for row in rows}.values()
    return float(sum(row["layer_bytes_before"] for row in layers)), budget.limit * sum(r["weights"] for r in layers) / 8


def savings_and_losses(
    rows: Sequence[dict[str, Any]], kind: Kind, *, higher_is_better: bool
) -> tuple[np.ndarray, np.ndarray]:
    """What each row saves, in bytes, multiply-accumulates or seconds, and its loss, which is never below zero."""
    savings = np.array([_saving(row, kind) for row in rows], dtype=float)
    return savings, expected_losses(rows, higher_is_better=higher_is_better)


def expected_losses(rows: Sequence[dict[str, Any]], *, higher_is_better: bool) -> np.ndarray:
    """The mean of each row's loss, improvements counted as none, if its change is normal with its standard error."""
    losses = (-row["change"] if higher_is_better else row["change"] for row in rows)
    errors = (row.get("standard_error") or 0.0 for row in rows)
    return np.array([positive_part(loss, error) for loss, error in zip(losses, errors, strict=True)], dtype=float)


def _saving(row: dict[str, Any], kind: Kind) -> float:
    if kind in _WITHOUT:
        return float(row[f"{kind}_before"] - row[kind])
    return float(row["layer_bytes_before"] - row["layer_bytes"])


def _exact(savings: np.ndarray, losses: np.ndarray, *, layers: list[str], needed: float) -> list[int]:
    """Minimize the sum of losses, with at most one level per layer and savings of at least ``needed``."""
    try:
        from scipy.optimize import Bounds, LinearConstraint, milp
    except ImportError as error:
        raise MissingExtra("scipy", purpose="An exact recommendation", extra="torch") from error
    each = np.array([[float(layer == one) for layer in layers] for one in dict.fromkeys(layers)])
    constraints = [LinearConstraint(each, ub=1), LinearConstraint(savings[None], lb=needed)]
    exactly = {"mip_rel_gap": 0.0}
    tie = 1e-9 * (losses.max(initial=0.0) or 1.0)  # of equal losses, the plan with fewer treated layers
    found = milp(
        losses + tie, integrality=np.ones(len(losses)), bounds=Bounds(0, 1), constraints=constraints, options=exactly
    )
    return [int(index) for index in np.flatnonzero(found.x > 0.5)]


def _greedy(savings: np.ndarray, losses: np.ndarray, *, layers: list[str], needed: float) -> list[int]:
    """Again and again the level that saves most per additional loss, until enough is saved."""
    chosen: dict[str, int] = {}
    saved = 0.0
    while saved < needed:
        steps = []
        for index, layer in enumerate(layers):
            now = chosen.get(layer)
            more = savings[index] - (savings[now] if now is not None else 0.0)
            worse = losses[index] - (losses[now] if now is not None else 0.0)
            if more > 0:
                steps.append((worse <= 0, more / max(worse, 1e-300), more, -index))
        _, _, more, index = max(steps)
        chosen[layers[-index]] = -index
        saved += more
    return sorted(chosen.values())


def _grouped(rows: list[dict[str, Any]]) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """One level for all layers of equal treatment."""
    layers: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        layers.setdefault((row["operation"], row["parameters"]), []).append(row["layer"])
    return tuple((name, parameters, tuple(own)) for (name, parameters), own in layers.items())
