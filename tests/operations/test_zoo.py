"""Every operation on a part of the zoo: it runs and keeps the law, or it is refused; the refusals are counted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from compress_compare import operations

from . import zoo

pytest.importorskip("transformers", reason="transformers is not installed")
PAGE = Path(__file__).parents[2] / "docs" / "zoo.md"
NO_NORM = {"calibrate", "merge batchnorm"}
"""Refused where there is no batch norm."""
REFUSED = {
    "gpt2": NO_NORM | {"channel prune", "pfa prune"},
    "mixtral": NO_NORM,
    "mamba": NO_NORM | {"channel prune", "pfa prune"},
    "efficientnet": set(),
    "resnext": set(),
    "unet": {"awq quantize", "quantize dynamic"},
    "lstm": NO_NORM | {"channel prune", "pfa prune"},
    "transformer encoder": NO_NORM,
}
"""Model → operations that do not apply to it."""
MOST_REFUSED, MOST_REFUSED_IN_ALL = 18, 55
"""No quiet growth: as many refusals as there are above, and as the page counts, and not one more."""
SLOW = {
    "gpt2": {"quantize static"},
    "mixtral": {"quantize static", "channel prune", "pfa prune"},
    "mamba": {"quantize static"},
}
"""Combinations that take many seconds: ``benchmarks/zoo.py`` runs them."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", operations.OPERATIONS)
@pytest.mark.parametrize("model", zoo.FAST)
def test_every_operation_runs_or_is_refused_as_is_known(model: str, name: str) -> None:
    if name in SLOW.get(model, ()):
        return
    entry = zoo.tried(name, model)
    assert entry.outcome == ("refused" if name in REFUSED[model] else "runs"), entry
    if entry.outcome == "refused":
        assert len(entry.why) < 600 and "\n" not in entry.why
    if operations.get(name).keeps_outputs and entry.outcome == "runs":
        assert entry.change < 1e-3


def test_as_many_are_refused_as_are_known() -> None:
    assert sum(map(len, REFUSED.values())) == MOST_REFUSED
    assert set(REFUSED) == set(zoo.FAST) <= set(zoo.ZOO)


def test_the_page_says_how_many_are_refused_in_all() -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(r"(\d+) of (\d+) combinations run, (\d+) are refused and (\d+) break", text)
    assert found is not None
    runs, total, refused, broken = map(int, found.groups())
    assert runs + refused == total and broken == 0
    assert refused <= MOST_REFUSED_IN_ALL
    assert all(f"| {model} |" in text for model in zoo.ZOO)
