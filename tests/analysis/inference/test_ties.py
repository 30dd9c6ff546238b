"""Readings tie within their intervals, by the same cases as on the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compress_compare.analysis.inference.ties import Estimate, leaders, order

CASES = json.loads(Path(__file__).with_name("ties.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_order(case: dict[str, Any]) -> None:
    one, other = Estimate(*case["one"]), Estimate(*case["other"])
    assert order(one, other, fraction=case["fraction"], unit=case["unit"]) == case["order"]


def test_leaders() -> None:
    falls = [Estimate(-0.50), Estimate(-0.10), Estimate(-0.5005), Estimate(-0.50)]
    assert leaders(falls, highest=False, fraction=True) == [0, 2, 3]
    assert leaders(falls, highest=True, fraction=True) == [1]
    assert leaders([], highest=True, fraction=True) == []
