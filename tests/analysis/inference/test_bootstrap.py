"""The paired bootstrap, against SciPy's and against plain resampling."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from compress_compare.analysis.inference import bootstrap

RESAMPLES = 20_000


def scipys(differences: np.ndarray) -> tuple[float, float]:
    random = np.random.default_rng(5)
    found = stats.bootstrap((differences,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=random, batch=500)
    return found.confidence_interval.low, found.confidence_interval.high


@pytest.mark.parametrize(
    "differences",
    [
        np.repeat([-1.0, 0.0, 1.0], [40, 950, 10]),
        np.random.default_rng(1).normal(0.1, 1, 500),
        np.random.default_rng(2).exponential(1, 60) - 1,
        np.random.default_rng(3).standard_t(4, 3000),
    ],
    ids=["flips", "normal", "skewed", "heavy tails, binned"],
)
def test_it_is_that_of_scipy(differences: np.ndarray) -> None:
    found = bootstrap.percentile(differences, resamples=RESAMPLES, seed=0)
    # Both are quantiles of random draws, which vary by a few hundredths of a standard error.
    tolerance = 0.06 * differences.std(ddof=1) / np.sqrt(len(differences))
    assert found == pytest.approx(scipys(differences), abs=tolerance)


def test_bins_keep_the_mean_and_every_instance() -> None:
    differences = np.random.default_rng(4).standard_cauchy(50_001)
    values, counts = bootstrap._binned(np.sort(differences))
    assert counts.sum() == len(differences)
    assert counts.min() >= 1
    assert len(values) == bootstrap.DISTINCT
    assert values @ counts == pytest.approx(differences.sum())
    assert values[0] == differences.min()
    assert values[-1] == differences.max()


@pytest.mark.parametrize("count", [2001, 2002, 2500])
def test_few_more_than_the_distinct_ones(count: int) -> None:
    values, counts = bootstrap._binned(np.arange(float(count)))
    assert counts.sum() == count
    assert counts.min() >= 1
    assert values @ counts == pytest.approx(count * (count - 1) / 2)


def test_one_instance_and_none() -> None:
    assert bootstrap.percentile(np.array([0.25]), resamples=10, seed=0) == (0.25, 0.25)
    assert np.isnan(bootstrap.percentile(np.array([]), resamples=10, seed=0)).all()


def test_the_same_seed_gives_the_same_limits() -> None:
    differences = np.random.default_rng(6).normal(size=100)
    first, second = (bootstrap.percentile(differences, resamples=500, seed=3) for _ in range(2))
    assert first == second
    assert first != bootstrap.percentile(differences, resamples=500, seed=4)


def moments(differences: np.ndarray) -> tuple[np.ndarray, list[int]]:
    return np.array([[(differences**power).sum()] for power in (1, 2, 3, 4)]), [len(differences)]


@pytest.mark.parametrize(
    ("lost", "won", "count"), [(3, 0, 1000), (3, 1, 20), (10, 2, 300), (0, 4, 50), (400, 100, 10_000)]
)
def test_the_expansion_of_flips_is_less_than_one_instance_off(lost: int, won: int, count: int) -> None:
    differences = np.repeat([-1.0, 0.0, 1.0], [lost, count - lost - won, won])
    low, high = bootstrap.expanded(*moments(differences))
    assert (low[0], high[0]) == pytest.approx(scipys(differences), abs=1 / count)


@pytest.mark.parametrize("count", [10, 100, 3000])
@pytest.mark.parametrize("kind", ["normal", "exponential", "lognormal"])
def test_the_expansion_of_numbers(kind: str, count: int) -> None:
    differences = getattr(np.random.default_rng(count), kind)(size=count)
    low, high = bootstrap.expanded(*moments(differences))
    drawn = scipys(differences)
    assert (low[0], high[0]) == pytest.approx(drawn, abs=0.03 * (drawn[1] - drawn[0]))


def test_the_expansion_where_nothing_changed_and_for_few() -> None:
    sums = np.array([[0.0, 0.25, 0.5], [0, 0.0625, 0.125], [0, 0.25**3, 2 * 0.25**3], [0, 0.25**4, 2 * 0.25**4]])
    low, high = bootstrap.expanded(sums, [5, 1, 2])
    assert low.tolist() == pytest.approx([0, np.nan, 0.25], nan_ok=True)
    assert high.tolist() == pytest.approx([0, np.nan, 0.25], nan_ok=True)
    assert np.isnan(bootstrap.expanded(np.zeros((4, 1)), [0])).all()


def test_the_expansion_is_that_of_cornish_and_fisher() -> None:
    differences = np.random.default_rng(8).exponential(size=12) ** 2
    skewness = stats.skew(differences) / np.sqrt(12)
    kurtosis = stats.kurtosis(differences) / 12
    found = bootstrap.expanded(*moments(differences))
    for limit, z in zip(found, stats.norm.ppf([0.025, 0.975]), strict=True):
        # Abramowitz, Stegun: Handbook of Mathematical Functions, 26.2.49, up to the terms in 1/n
        quantile = (
            z + skewness * (z**2 - 1) / 6 + kurtosis * (z**3 - 3 * z) / 24 - skewness**2 * (2 * z**3 - 5 * z) / 36
        )
        assert limit[0] == pytest.approx(differences.mean() + differences.std() / np.sqrt(12) * quantile)


def test_many_distinct_differences_are_put_into_bins_and_two_thousand_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    binned = []
    made = bootstrap._binned
    monkeypatch.setattr(bootstrap, "_binned", lambda ordered: binned.append(len(ordered)) or made(ordered))
    for count in (bootstrap.DISTINCT, bootstrap.DISTINCT + 1):
        bootstrap.percentile(np.arange(float(count)), resamples=3, seed=0)
    assert binned == [bootstrap.DISTINCT + 1]


def test_extremes_stay_alone_and_the_rest_is_in_bins_of_its_means() -> None:
    ordered = np.arange(4000.0)
    values, counts = bootstrap._binned(ordered)
    extremes = bootstrap.EXTREMES
    assert values[:extremes].tolist() == ordered[:extremes].tolist()
    assert values[-extremes:].tolist() == ordered[-extremes:].tolist()
    # the 3,500 in the middle in 1,500 bins of two or three
    inner = counts[extremes:-extremes]
    assert (len(inner), inner.sum(), set(inner.tolist())) == (1500, 3500, {2, 3})
    starts = extremes + np.cumsum(inner) - inner
    assert values[extremes:-extremes] == pytest.approx(starts + (inner - 1) / 2)
