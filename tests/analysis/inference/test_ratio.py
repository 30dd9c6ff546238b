"""The standard error of a mean over tokens, whose texts were drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from compress_compare.analysis.inference.ratio import ratio


def test_it_is_that_of_a_regression_through_the_origin_with_clusters() -> None:
    api = pytest.importorskip("statsmodels.api")
    draw = np.random.default_rng(0)
    sizes = draw.integers(3, 40, 25)
    values = [draw.normal(1.0, 1.0, size) + draw.normal() for size in sizes]
    texts = np.repeat(np.arange(25), sizes)
    y = np.concatenate(values)
    fitted = api.OLS(y, np.ones(len(y))).fit(
        cov_type="cluster", cov_kwds={"groups": texts, "use_correction": False, "df_correction": False}
    )
    found, error = ratio([value.sum() for value in values], sizes)
    assert found == pytest.approx(float(fitted.params[0]), rel=1e-12)
    assert error == pytest.approx(float(fitted.bse[0]) * math.sqrt(25 / 24), rel=1e-9)


def test_equal_sizes_make_it_the_standard_error_of_a_mean() -> None:
    values = np.array([0.5, 1.25, -2.0, 4.0])
    found, error = ratio(values * 3, [3, 3, 3, 3])
    assert (found, error) == pytest.approx((values.mean(), stats.sem(values)))


def test_one_cluster_has_no_error() -> None:
    found, error = ratio([6.0], [4])
    assert found == 1.5 and math.isnan(error)
