"""The normal quantile, and that statistics stand in this room alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scipy import integrate, stats

from compress_compare.analysis import inference
from compress_compare.analysis.inference.normal import Z, normal_quantile, positive_part

ROOM = Path(inference.__file__).parent
PACKAGE = ROOM.parents[1]
COPIES = re.compile(
    r"NormalDist|\berfc?\b|\bndtri\b|\b1\.9(?:6|59)\d*|\b2\.5758\d*|lgamma|random\.multinomial\(|def (?:holm|mcnemar)"
)
"""What gives away a statistic written elsewhere."""


@pytest.mark.parametrize("probability", [1e-9, 0.025, 0.5, 0.9, 0.975, 1 - 1e-9])
def test_quantiles_are_those_of_scipy(probability: float) -> None:
    assert normal_quantile(probability) == pytest.approx(stats.norm.ppf(probability), rel=1e-12, abs=1e-12)


def test_z_is_that_of_95_percent() -> None:
    assert stats.norm.cdf(Z) - stats.norm.cdf(-Z) == pytest.approx(0.95, rel=1e-12)


@pytest.mark.parametrize(
    ("mean", "deviation"), [(0.0, 1.0), (2.0, 0.5), (-1.0, 2.0), (-40.0, 1.0), (3.0, 0.0), (-3.0, 0.0)]
)
def test_the_positive_part_is_the_integral_of_it(mean: float, deviation: float) -> None:
    if deviation:
        there = stats.norm(mean, deviation)
        expected = integrate.quad(lambda x: x * there.pdf(x), 0, max(0, mean) + 12 * deviation)[0]
    else:
        expected = max(mean, 0)
    assert positive_part(mean, deviation) == pytest.approx(expected, rel=1e-7, abs=1e-12)


def test_statistics_stand_in_one_room() -> None:
    others = [path for path in PACKAGE.rglob("*.py") if ROOM not in path.parents]
    found = [path.name for path in others if COPIES.search(path.read_text(encoding="utf-8"))]
    assert len(others) > 100 and found == []
