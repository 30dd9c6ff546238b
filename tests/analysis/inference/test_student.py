from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from compress_compare.analysis.inference import student
from compress_compare.analysis.inference.normal import normal_quantile
from compress_compare.analysis.inference.student import t_cdf, t_quantile, t_quantiles

# Two-sided 95% and 99% points from printed tables.
TABLE = {1: (12.7062, 63.6567), 2: (4.30265, 9.92484), 3: (3.18245, 5.84091), 4: (2.77645, 4.60409)}
TABLE |= {5: (2.57058, 4.03214), 10: (2.22814, 3.16927), 30: (2.04227, 2.75000), 120: (1.97993, 2.61742)}
TABLE |= {1_000: (1.96234, 2.58075), 10**9: (1.95996, 2.57583)}


@pytest.mark.parametrize("degrees", TABLE)
def test_quantiles_are_those_of_the_tables(degrees: int) -> None:
    assert t_quantile(0.975, degrees) == pytest.approx(TABLE[degrees][0], rel=3e-6)
    assert t_quantile(0.995, degrees) == pytest.approx(TABLE[degrees][1], rel=3e-6)


@pytest.mark.parametrize("degrees", [1, 2, 3, 7, 50, 399, 400])
def test_against_scipy(degrees: int) -> None:
    for t in (-3.0, 0.0, 0.5, 2.0, 30.0):
        assert t_cdf(t, degrees) == pytest.approx(stats.t.cdf(t, degrees), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("degrees", [400, 401, 5_000])
def test_series_and_expansion_meet(degrees: int) -> None:
    assert t_quantile(0.975, degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-9)


@pytest.mark.parametrize("probability", [0.9, 0.975, 0.995])
def test_many_at_once_are_those_of_scipy(probability: float) -> None:
    degrees = [1, 2, 7, 29, 30, 31, 100, 1000, 10**6]
    found = t_quantiles(probability, degrees)
    assert found == pytest.approx(stats.t.ppf(probability, degrees), rel=1e-6)
    assert np.isnan(t_quantiles(probability, [0, 0.5])).all()


@pytest.mark.parametrize("probability", [0.5, 0.6, 0.9, 0.975, 0.995, 0.9999])
def test_up_to_thirty_degrees_the_series_is_taken_and_above_the_expansion_is_near(probability: float) -> None:
    few, many = np.arange(1, 31), np.arange(31, 600)
    assert t_quantiles(probability, few) == pytest.approx(stats.t.ppf(probability, few), rel=1e-11, abs=1e-11)
    near = 2e-7 if probability <= 0.995 else 3e-6
    assert t_quantiles(probability, many) == pytest.approx(stats.t.ppf(probability, many), rel=near, abs=1e-12)
    assert t_quantiles(probability, [[30, 31], [0.99, 1]]).shape == (2, 2)


@pytest.mark.parametrize("probability", [0.6, 0.9, 0.975, 0.995])
def test_the_error_of_the_expansion_falls_with_the_fifth_power_of_the_degrees(probability: float) -> None:
    """Four terms are right, so what is left is of the order of the next one: 1/32 of it for twice the degrees."""
    degrees = np.array([40.0, 80.0])
    first, second = student._expanded(normal_quantile(probability), degrees) - stats.t.ppf(probability, degrees)
    assert first / second == pytest.approx(32, rel=0.05)
