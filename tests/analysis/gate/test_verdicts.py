"""Only an interval on one side of a bound decides, and it errs as seldom as it says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from compress_compare.analysis.behaviors.pairs import PairedValues
from compress_compare.analysis.gate import estimates
from compress_compare.analysis.gate.verdicts import GateEstimate, at_least, at_most, overall


@pytest.mark.parametrize(
    ("low", "high", "most", "least"),
    [
        (0.00, 0.01, "pass", "fail"),
        (0.01, 0.02, "pass", "undecided"),
        (0.02, 0.02, "pass", "pass"),
        (0.01, 0.03, "undecided", "undecided"),
        (0.02, 0.03, "undecided", "pass"),
        (0.021, 0.03, "fail", "pass"),
        (math.nan, math.nan, "undecided", "undecided"),
        (-math.inf, 0.01, "undecided", "undecided"),
    ],
)
def test_a_bound_of_2_points(low: float, high: float, most: str, least: str) -> None:
    found = GateEstimate((low + high) / 2, low, high, "test")
    assert at_most(found, 0.02) == most
    assert at_least(found, 0.02) == least


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["pass", "pass"], "pass"),
        (["pass", "undecided"], "undecided"),
        (["pass", "undecided", "fail"], "fail"),
        ([], "undecided"),
    ],
)
def test_together(outcomes: list, expected: str) -> None:
    assert overall(outcomes) == expected


@pytest.mark.parametrize(("lost", "won"), [(0.03, 0.01), (0.05, 0.03)])
def test_a_model_at_the_margin_passes_by_chance_at_most_as_often_as_said(lost: float, won: float) -> None:
    """A true drop of exactly the margin is passed, and failed, in about 2.5% of samples each."""
    random = np.random.default_rng(0)
    passed = failed = 0
    samples = 2000
    for _ in range(samples):
        kinds = random.choice(3, size=600, p=[1 - lost - won, lost, won])
        base = np.where(kinds == 2, 0.0, 1.0)
        model = np.where(kinds == 1, 0.0, 1.0)
        pair = PairedValues("m", base, model, np.ones(600, dtype=bool), None, True)
        drop = estimates.negated(estimates.paired_change(pair, confidence=0.95))
        passed += at_most(drop, lost - won) == "pass"
        failed += at_most(drop, lost - won) == "fail"
    assert passed / samples <= 0.035
    assert failed / samples <= 0.045
