from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from compress_compare.analysis.inference.paired import paired_change


def test_numbers_have_the_paired_t_interval_of_scipy() -> None:
    generator = np.random.default_rng(0)
    base, model = generator.normal(size=(2, 40))
    found = paired_change(base, model)
    expected = stats.ttest_rel(model, base).confidence_interval(0.95)
    assert (found.mean, found.low, found.high) == pytest.approx((np.mean(model - base), *expected))
    assert (found.count, found.method) == (40, "paired t, 95%")


def test_right_and_wrong_have_an_interval_even_where_nothing_changed() -> None:
    right = np.r_[np.ones(90), np.zeros(10)]
    same = paired_change(right, right)
    assert same.mean == 0 and same.low < 0 < same.high and same.low == pytest.approx(-same.high)
    worse = paired_change(right, np.r_[np.ones(60), np.zeros(40)])
    low, high = proportion_confint(60, 100, method="wilson")
    assert worse.mean == pytest.approx(-0.3) and worse.method.startswith("Newcombe")
    # narrower than the Wilson interval of the model's own share, as nearly all that is wrong was kept wrong
    assert low - 0.9 < worse.low < -0.3 < worse.high < high - 0.9 + 0.1


def test_arrays_of_other_examples_are_refused() -> None:
    with pytest.raises(ValueError, match="not of the same examples"):
        paired_change([1.0], [1.0, 0.0])
