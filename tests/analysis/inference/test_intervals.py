import numpy as np
import pytest
from scipy import stats

from compress_compare.analysis.inference import intervals


def limits(table):
    both, base_only, model_only, neither = table
    low, high = intervals.newcombe(both, base_only, model_only=model_only, neither=neither)
    return float(low), float(high)


@pytest.mark.parametrize(("successes", "count"), [(0, 10), (3, 10), (10, 10), (919, 1017)])
def test_wilson_is_that_of_scipy(successes, count):
    expected = stats.binomtest(successes, count).proportion_ci(0.95, "wilson")
    assert [float(limit) for limit in intervals.wilson(successes, count)] == pytest.approx(list(expected))


@pytest.mark.parametrize("table", [(36, 2, 9, 3), (20, 12, 2, 16), (900, 32, 14, 71), (5, 5, 5, 5), (2, 6, 7, 1)])
def test_newcombe_by_its_formula_from_scipys_wilson_limits(table):
    both, base_only, model_only, neither = table
    n = sum(table)
    answers = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], table, axis=0)
    (base, model), lows, highs = answers.mean(axis=0), [], []
    for column in answers.T:
        low, high = stats.binomtest(int(column.sum()), n).proportion_ci(0.95, "wilson")
        lows.append(low)
        highs.append(high)
    phi = np.corrcoef(answers.T)[0, 1]
    determinant = both * neither - base_only * model_only
    if determinant > 0:
        phi *= max(determinant - n / 2, 0) / determinant
    below = (model - lows[1]) ** 2 - 2 * phi * (model - lows[1]) * (highs[0] - base) + (highs[0] - base) ** 2
    above = (highs[1] - model) ** 2 - 2 * phi * (highs[1] - model) * (base - lows[0]) + (base - lows[0]) ** 2
    expected = (model - base - below**0.5, model - base + above**0.5)
    assert limits(table) == pytest.approx(expected)


def test_newcombe_covers_the_truth_and_stays_within_bounds():
    random = np.random.default_rng(2)
    for chances in ([0.88, 0.03, 0.01, 0.08], [0.5, 0.1, 0.1, 0.3], [0.95, 0.002, 0.02, 0.028]):
        tables = random.multinomial(300, chances, 4000).T
        low, high = intervals.newcombe(tables[0], tables[1], model_only=tables[2], neither=tables[3])
        truth = chances[2] - chances[1]
        assert 0.935 <= ((low <= truth) & (truth <= high)).mean() <= 0.985
        assert low.min() >= -1
        assert high.max() <= 1


def test_newcombe_is_close_to_the_paired_bootstrap():
    base, model = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], (900, 32, 14, 71), axis=0).T

    def mean_change(first, second, axis=-1):
        return (second - first).mean(axis=axis)

    bootstrap = stats.bootstrap((base, model), mean_change, paired=True, rng=0, n_resamples=4000).confidence_interval
    assert limits((900, 32, 14, 71)) == pytest.approx(list(bootstrap), abs=2e-3)


def test_an_empty_group_has_no_interval():
    assert np.isnan(limits((0, 0, 0, 0))).all()


def test_paired_t_is_that_of_scipy():
    random = np.random.default_rng(3)
    base, model = random.normal(size=40), random.normal(size=40) + 0.3
    change = model - base
    low, high = intervals.paired_t([change.mean()], [change.std(ddof=1)], counts=[40])
    expected = stats.ttest_rel(model, base).confidence_interval(0.95)
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high))
    assert np.isnan(intervals.paired_t([1.0], [np.nan], counts=[1])).all()


def test_a_share_of_all_is_not_certain_where_its_error_was_logged_as_zero() -> None:
    found = intervals.share_errors([1.0, 0.0, 1.0, 0.5, 1.0], errors=[0, 0, 0.1, 0, 0], counts=[71, 20, 71, 71, 0])
    # Wilson's limits of 71 of 71 are 71 / (71 + z^2) and 1, of 0 of 20 they are 0 and z^2 / (20 + z^2)
    z2 = 1.959964**2
    assert found[0] == pytest.approx((1 - 71 / (71 + z2)) / 2 / 1.959964, rel=1e-5)
    assert found[1] == pytest.approx(z2 / (20 + z2) / 2 / 1.959964, rel=1e-5)
    assert found[2:].tolist() == [0.1, 0, 0]
