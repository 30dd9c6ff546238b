import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from compress_compare.analysis.inference import significance
from compress_compare.analysis.inference.significance import benjamini_hochberg, distribution, holm, mean_bound


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_the_binomial_test_of_the_discordant_pairs(first, second):
    expected = stats.binomtest(first, first + second, 0.5).pvalue if first + second else 1.0
    assert significance.mcnemar_exact(first, second) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("first", "second"), [(499_000, 501_000), (495_000, 505_000), (10, 4_000), (0, 1)])
def test_mcnemar_of_many(first, second):
    expected = stats.binomtest(first, first + second, 0.5).pvalue
    assert significance.mcnemar_exact(first, second) == pytest.approx(expected, rel=1e-6, abs=1e-300)


def test_mcnemar_against_statsmodels():
    contingency_tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    expected = contingency_tables.mcnemar([[50, 12], [3, 35]], exact=True).pvalue
    assert significance.mcnemar_exact(12, 3) == pytest.approx(expected)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_benjamini_hochberg_is_scipys(p):
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p, method="bh"))


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_that_of_statsmodels(seed):
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p = np.random.default_rng(seed).random(30) ** 3
    assert holm(p) == pytest.approx(multitest.multipletests(p, method="holm")[1])


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]).tolist() == []


@pytest.mark.parametrize(
    ("lost", "size", "found"), [(20, 50, 5), (20, 50, 12), (200, 400, 150), (5, 12, 3), (1, 10, 1)]
)
def test_the_bound_is_never_below_the_exact_chance(lost, size, found):
    """Losing is 1 of 1,000 instances ``lost`` times; a group of ``size`` has ``found``: exactly hypergeometric."""
    population = distribution(np.repeat([0.0, -1.0], [1000 - lost, lost]))
    exact = stats.hypergeom(1000, lost, size).sf(found - 1)
    bound = mean_bound(population, [size], means=[-found / size])[0]
    assert exact <= bound
    assert bound <= min(1, 2 * np.exp(-size * _binary_rate(found / size, lost / 1000))) * (1 + 1e-6)


def _binary_rate(observed, expected):
    return stats.entropy([observed, 1 - observed], [expected, 1 - expected])


def test_the_bound_of_numbers_is_never_below_the_normal_chance():
    values = np.random.default_rng(0).normal(size=20_000)
    for size, mean in ((30, 0.5), (100, 0.3), (400, -0.2)):
        z = abs(mean - values.mean()) / values.std() * np.sqrt(size)
        bound = mean_bound(distribution(values), [size], means=[mean])[0]
        assert 2 * stats.norm.sf(z) <= bound <= 2 * np.exp(-(z**2) / 2) * 1.2


def test_a_population_without_spread_makes_nothing_surprising():
    assert mean_bound(distribution(np.zeros(10)), [3, 4], means=[0.0, 0.0]).tolist() == [1.0, 1.0]
    assert mean_bound(distribution(np.full(10, 3.0)), [3, 4], means=[3.0, 3.0000001]).tolist() == [1.0, 1.0]


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=300))
def test_a_distribution_keeps_the_mean_and_at_least_the_spread(values):
    array = np.array(values)
    found = distribution(array)
    scale = max(1.0, np.abs(array).max())
    assert found.weights.sum() == pytest.approx(1)
    mean = found.weights @ found.values
    assert mean == pytest.approx(array.mean(), abs=1e-9 * scale)
    assert found.weights @ (found.values - mean) ** 2 >= array.var() - 1e-6 * scale**2
