"""The intervals of a gate against those of SciPy and statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats import proportion

from compress_compare.analysis.behaviors.pairs import PairedValues
from compress_compare.analysis.gate import estimates
from compress_compare.records import Metric, MetricValue

ACCURACY = Metric("Accuracy", higher_is_better=True, min=0, max=1)
LOSS = Metric("Loss", higher_is_better=False)


def paired(base: list[float], model: list[float], *, is_share: bool) -> PairedValues:
    values = np.array(base, dtype=np.float64), np.array(model, dtype=np.float64)
    return PairedValues("m", *values, np.ones(len(base), dtype=bool), None, is_share)


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize(("right", "count"), [(0, 30), (3, 200), (71, 71), (180, 200)])
def test_a_rate_has_the_interval_of_wilson(right: int, count: int, confidence: float) -> None:
    found = estimates.rate(right, count, confidence=confidence)
    expected = proportion.proportion_confint(right, count, alpha=1 - confidence, method="wilson")
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-12)
    assert found.value == right / count
    assert f"{100 * confidence:g}%" in found.method


def test_all_right_of_71_is_not_without_an_interval() -> None:
    found = estimates.stated(MetricValue(1.0, count=71, standard_error=0.0), ACCURACY, confidence=0.95)
    assert found is not None
    assert found.low == pytest.approx(proportion.proportion_confint(71, 71, method="wilson")[0])


def test_a_metric_in_per_cent_is_a_share_without_a_declared_range() -> None:
    value, shown = MetricValue(1.0, count=71, standard_error=0.0), Metric("A", format=".1%", higher_is_better=True)
    found = estimates.stated(value, shown, confidence=0.95)
    assert found is not None
    assert found.low == pytest.approx(proportion.proportion_confint(71, 71, method="wilson")[0])


def test_no_variation_is_no_evidence() -> None:
    same, other = MetricValue(2.0, count=71, standard_error=0.0), MetricValue(2.0, count=71, standard_error=0.1)
    assert estimates.stated(same, LOSS, confidence=0.95) is None
    assert estimates.stated_change(same, other, metric=LOSS, confidence=0.95) is None
    assert estimates.stated_ratio(other, same, confidence=0.95) is None


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_stated_shares_as_independent_samples(confidence: float) -> None:
    base, model = MetricValue(0.95, count=1000), MetricValue(0.93, count=1000)
    found = estimates.stated_change(base, model, metric=ACCURACY, confidence=confidence)
    expected = proportion.confint_proportions_2indep(
        930, 1000, 950, 1000, method="newcomb", compare="diff", alpha=1 - confidence
    )
    assert found is not None
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)


def test_stated_means_with_their_standard_errors() -> None:
    base, model = MetricValue(1.0, count=5, standard_error=0.2), MetricValue(1.5, count=9, standard_error=0.1)
    found = estimates.stated_change(base, model, metric=LOSS, confidence=0.95)
    degrees = math.floor((0.2**2 + 0.1**2) ** 2 / (0.2**4 / 4 + 0.1**4 / 8))
    half = stats.t.ppf(0.975, degrees) * math.hypot(0.2, 0.1)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-9)


def test_stated_without_anything_that_says_how_it_varies() -> None:
    assert estimates.stated(MetricValue(0.9), ACCURACY, confidence=0.95) is None
    assert estimates.stated(MetricValue(0.9, count=100), LOSS, confidence=0.95) is None
    assert estimates.stated(MetricValue(0.9, count=1, standard_error=0.1), LOSS, confidence=0.95) is None
    assert estimates.stated_change(MetricValue(1.0), MetricValue(1.0), metric=LOSS, confidence=0.95) is None
    assert estimates.stated_ratio(MetricValue(1.0), MetricValue(1.0), confidence=0.95) is None


def test_a_larger_standard_error_than_the_binomial_one_is_believed() -> None:
    clustered = MetricValue(0.9, count=1000, standard_error=0.05)
    found = estimates.stated(clustered, ACCURACY, confidence=0.95)
    assert found is not None
    assert found.high - found.low == pytest.approx(2 * stats.t.ppf(0.975, 999) * 0.05, rel=1e-6)


def test_a_ratio_by_its_logarithm() -> None:
    base, model = MetricValue(0.010, standard_error=0.0002), MetricValue(0.005, standard_error=0.0001)
    found = estimates.stated_ratio(base, model, confidence=0.95)
    factor = math.exp(stats.norm.ppf(0.975) * math.hypot(0.02, 0.02))
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5 / factor, 0.5 * factor))
    assert found.count is None


def test_a_ratio_counts_the_smaller_of_both_samples() -> None:
    base, model = MetricValue(2.0, count=30, standard_error=0.1), MetricValue(1.0, count=20, standard_error=0.1)
    found = estimates.stated_ratio(base, model, confidence=0.95)
    one = estimates.stated_ratio(base, MetricValue(1.0, standard_error=0.1), confidence=0.95)
    assert found is not None and one is not None
    assert (found.count, one.count) == (20, None)
    assert estimates.stated_ratio(base, MetricValue(1.0, count=1, standard_error=0.1), confidence=0.95) is None
    assert estimates.stated_ratio(base, MetricValue(-1.0, count=20, standard_error=0.1), confidence=0.95) is None


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_paired_means_have_the_interval_of_the_t_test(confidence: float) -> None:
    random = np.random.default_rng(1)
    base = random.normal(size=25)
    model = base + random.normal(0.1, 0.3, size=25)
    found = estimates.paired_change(paired(list(base), list(model), is_share=False), confidence=confidence)
    expected = stats.ttest_rel(model, base).confidence_interval(confidence)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_paired_shares_have_the_interval_of_newcombe() -> None:
    """The example of Newcombe 1998, table III: 36 both, 12 and 2, 0 neither gives 0.0569 to 0.3404 by method 10."""
    base = [1] * 36 + [1] * 12 + [0] * 2
    model = [1] * 36 + [0] * 12 + [1] * 2
    found = estimates.paired_change(paired(base, model, is_share=True), confidence=0.95)
    assert (-found.high, -found.low) == pytest.approx((0.0569, 0.3404), abs=5e-5)


def test_groups_are_judged_each_by_itself() -> None:
    base, model = [1, 1, 1, 0, 1, 1], [1, 0, 1, 0, 1, 1]
    pair = paired(base, model, is_share=True)
    groups = np.array([0, 0, 0, 1, 1, 1])
    found = estimates.paired_changes(pair, groups, size=3, confidence=0.95)
    alone = estimates.paired_change(paired(base[:3], model[:3], is_share=True), confidence=0.95)
    assert found[0] == alone
    assert [one.count for one in found] == [3, 3, 0]
    assert not found[2].usable


def test_what_was_sampled_of_one_model() -> None:
    random = np.random.default_rng(2)
    model = random.normal(3, 1, size=12)
    found = estimates.sampled(paired([0.0] * 12, list(model), is_share=False), confidence=0.95)
    expected = stats.ttest_1samp(model, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_simultaneous_intervals() -> None:
    assert estimates.simultaneous(0.95, 10) == pytest.approx(0.995)
    assert estimates.simultaneous(0.95, 0) == pytest.approx(0.95)


@pytest.mark.parametrize("error", [0.1, 0.2, 0.3, 0.7, 1e-7, 1e3 / 3])
@pytest.mark.parametrize("count", [2, 3, 5, 9, 12, 40])
def test_of_equal_errors_and_counts_no_degree_of_freedom_is_lost_to_rounding(count: int, error: float) -> None:
    """Welch's formula gives exactly 2 (n - 1) then: (2 s²)² over 2 s⁴ / (n - 1)."""
    base, model = (MetricValue(value, count=count, standard_error=error) for value in (4.0, 5.0))
    found = estimates.stated_change(base, model, metric=LOSS, confidence=0.95)
    assert found is not None
    assert found.high - 1 == pytest.approx(
        stats.t.ppf(0.975, 2 * (count - 1)) * math.sqrt(2) * error, rel=1e-9, abs=1e-9
    )


@pytest.mark.parametrize("counts", [(2, 2), (2, 9), (9, 2), (30, 7), (None, 7), (7, None), (None, None)])
@pytest.mark.parametrize("errors", [(0.2, 0.1), (0.1, 0.2), (1e-9, 0.3), (0.3, 1e-9)])
def test_two_standard_errors_have_the_degrees_of_welch(
    counts: tuple[int | None, int | None], errors: tuple[float, float]
) -> None:
    base, model = (
        MetricValue(v, count=n, standard_error=e) for v, n, e in zip((2.0, 3.0), counts, errors, strict=True)
    )
    degrees = math.inf
    if counts[0] is not None and counts[1] is not None:
        parts = [error**2 for error in errors]
        below = sum(part**2 / (n - 1) for part, n in zip(parts, (counts[0], counts[1]), strict=True))
        degrees = math.floor(sum(parts) ** 2 / below + 1e-9)
    change = estimates.stated_change(base, model, metric=LOSS, confidence=0.9)
    ratio = estimates.stated_ratio(base, model, confidence=0.9)
    assert change is not None and ratio is not None
    half = stats.t.ppf(0.95, degrees) * math.hypot(*errors)
    assert (change.low, change.high) == pytest.approx((1 - half, 1 + half), rel=1e-8)
    assert change.count == ratio.count == (None if None in counts else min(filter(None, counts)))
    factor = math.exp(stats.t.ppf(0.95, degrees) * math.hypot(errors[0] / 2, errors[1] / 3))
    assert (ratio.low, ratio.high) == pytest.approx((1.5 / factor, 1.5 * factor), rel=1e-8)
