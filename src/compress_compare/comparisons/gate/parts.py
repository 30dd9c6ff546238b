"""Rules about parts: groups of instances, and the tensors that a model's steps should have changed."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np

from ...analysis.behaviors import grouping
from ...analysis.gate import estimates
from ...analysis.gate.verdicts import GateEstimate, GateOutcome, at_most, overall
from ...errors import InvalidValue
from ...records import Metric
from ..coverage import between
from .evidence import GateEvidence, NotEnoughError
from .held import SHARE, HeldRule, drop, interval
from .report import GateCheck

LISTED = 5
"""Groups and tensors that a reason names at most."""


def of_groups(evidence: GateEvidence, held: HeldRule) -> GateCheck:
    """The largest drop of any group of instances.

    All pass if each passes by itself, which errs at most as often as one test does (Berger 1982). That one of them
    fails is said only where its interval is beyond the limit at a confidence at which all intervals hold together.
    """
    rule, limit = held.rule, held.limit
    name = rule.options.get("instances", "correct")
    frame, pair = evidence.pair_on(name, rule)
    try:
        by = grouping.grouping(frame, rule.options.get("by", ()))
    except InvalidValue as error:
        raise NotEnoughError(f"{error.title} {error.detail or error.hint}".strip()) from error
    better = evidence.higher_is_better(frame, name)
    if better is None:
        raise NotEnoughError(f"The metric {name!r} has no direction.")
    listed = pair if by.rows is None else pair.take(by.rows)
    codes, names = by.codes.astype(np.int64), by.names.to_pylist()

    def drops(confidence: float) -> list[GateEstimate]:
        changes = estimates.paired_changes(listed, codes, size=len(names), confidence=confidence)
        return [estimates.negated(change) if better else change for change in changes]

    each, together = drops(held.confidence), drops(estimates.simultaneous(held.confidence, len(names)))
    outcomes = [_grouped(one, wide, limit=limit) for one, wide in zip(each, together, strict=True)]
    rows = [
        {"group": group, "outcome": outcome, "value": one.value, "low": one.low, "high": one.high, "count": one.count}
        for group, outcome, one in zip(names, outcomes, each, strict=True)
    ]
    worst = max(range(len(each)), key=lambda place: (not each[place].usable, each[place].high))
    metric = SHARE if pair.proportion else Metric(name)
    shown = f"{names[worst]}: {interval(each[worst], lambda number: drop(number, metric))}"
    found = GateCheck(rule, overall(outcomes), limit, estimate=each[worst], shown=shown, reason=_which(rows))
    return replace(found, details=tuple(rows))


def _grouped(one: GateEstimate, together: GateEstimate, *, limit: float) -> GateOutcome:
    outcome = at_most(one, limit)
    return "undecided" if outcome == "fail" and at_most(together, limit) != "fail" else outcome


def _which(rows: list[dict[str, Any]]) -> str:
    parts = []
    for outcome, said in (("fail", "failed"), ("undecided", "not enough data")):
        names = [str(row["group"]) for row in rows if row["outcome"] == outcome]
        if names:
            parts.append(f"{said}: {_some(names)}")
    return f"{'; '.join(parts)}, of {len(rows)}." if parts else f"All {len(rows)} passed."


def of_coverage(evidence: GateEvidence, held: HeldRule) -> GateCheck:
    """The share of tensors that changed, of those that the steps from the base to the model should have changed."""
    path = [step.model for step in evidence.model.lineage]
    if evidence.base.id not in path:
        raise NotEnoughError(f"{evidence.base.id!r} is not an ancestor of {evidence.model.id!r}.")
    steps = path[path.index(evidence.base.id) :]
    names: dict[str, list[str]] = {"changed": [], "skipped": [], "unexpected": [], "unread": []}
    for parent, child in itertools.pairwise(steps):
        try:
            table = between(evidence.store, parent, child=child)
        except InvalidValue as error:
            raise NotEnoughError(f"{child}: {error.title}") from error
        for row in table.select(["tensor", "status", "expected"]).to_pylist():
            if row["status"] in names and (row["status"] != "changed" or row["expected"]):
                names[row["status"]].append(row["tensor"])
    changed, skipped = len(names["changed"]), len(names["skipped"])
    if not changed + skipped:
        raise NotEnoughError("No tensor should have changed, so nothing is covered.")
    share = changed / (changed + skipped)
    failed = bool(names["unexpected"]) or share < held.limit
    outcome: GateOutcome = "fail" if failed else "undecided" if names["unread"] else "pass"
    said = [f"{status}: {_some(names[status])}" for status in ("skipped", "unexpected", "unread") if names[status]]
    shown, found = f"{changed} of {changed + skipped} tensors", estimates.exact(share)
    return GateCheck(held.rule, outcome, held.limit, estimate=found, shown=shown, reason="; ".join(said))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{', '.join(names[:LISTED])}{more}"
