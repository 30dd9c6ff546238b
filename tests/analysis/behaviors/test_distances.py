import numpy as np
import pytest
from scipy import stats
from scipy.spatial import distance
from scipy.special import rel_entr

from compress_compare.analysis.behaviors import against_base, distances

from .frames import classified, frame


@pytest.fixture(scope="module")
def vectors():
    random = np.random.default_rng(1)
    base, model = (random.dirichlet(np.full(7, 0.3), 200) for _ in range(2))
    base[:20, 2] = 0
    base[:20] /= base[:20].sum(axis=1, keepdims=True)
    model[10:20, 2] = 0
    model[10:20] /= model[10:20].sum(axis=1, keepdims=True)
    return base, model


def test_kl_divergence(vectors):
    assert distances.kl_divergence(*vectors) == pytest.approx(rel_entr(*vectors).sum(axis=1), abs=1e-12)


def test_kl_divergence_is_infinite_where_the_model_rules_out_what_the_base_does_not():
    assert distances.kl_divergence(np.array([[0.5, 0.5, 0.0]]), np.array([[1.0, 0.0, 0.0]])).tolist() == [np.inf]
    assert distances.kl_divergence(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]])).tolist() == [0.0]


@pytest.mark.parametrize("compare", [distances.kl_divergence, distances.js_divergence, distances.total_variation])
def test_nan_stays_nan(compare):
    good, bad = np.array([[0.5, 0.5]]), np.array([[np.nan, 0.5]])
    assert np.isnan([compare(good, bad), compare(bad, good)]).all()


def test_js_divergence(vectors):
    expected = [distance.jensenshannon(p, q) ** 2 for p, q in zip(*vectors, strict=True)]
    assert distances.js_divergence(*vectors) == pytest.approx(expected, abs=1e-12)
    assert distances.js_divergence(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])) == pytest.approx([np.log(2)])


def test_total_variation(vectors):
    expected = [distance.cityblock(p, q) / 2 for p, q in zip(*vectors, strict=True)]
    assert distances.total_variation(*vectors) == pytest.approx(expected)


def test_mse(vectors):
    expected = [distance.sqeuclidean(p, q) / 7 for p, q in zip(*vectors, strict=True)]
    assert distances.mse(*vectors) == pytest.approx(expected)


def test_cosine(vectors):
    expected = [1 - distance.cosine(p, q) for p, q in zip(*vectors, strict=True)]
    assert distances.cosine(*vectors) == pytest.approx(expected)
    assert np.isnan(distances.cosine(np.zeros((1, 2)), np.ones((1, 2)))).all()


def test_no_cosine_is_above_one_by_rounding():
    random = np.random.default_rng(0)
    many = random.normal(size=(10_000, 3))
    assert distances.cosine(many, many).max() == 1
    assert distances.cosine(many, -many).min() == -1


def test_means_over_elements():
    base, model = np.array([[1.0, 2.0], [0.0, 4.0]]), np.array([[2.0, 1.0], [1.0, 4.0]])
    assert distances.mean_difference(base, model).tolist() == [0.0, 0.5]
    assert distances.mean_ratio(base, model).tolist() == [1.25, np.inf]


def test_many_probabilities_in_single_precision_are_those_of_scipy():
    """Zeros on either side, missing rows and tiny changes included."""
    random = np.random.default_rng(6)
    base = random.dirichlet(np.ones(20), 500).astype(np.float32)
    model = (0.999 * base + 0.001 * random.dirichlet(np.ones(20), 500)).astype(np.float32)
    base[0], model[0] = np.eye(20)[0], np.eye(20)[1]
    base[1] = np.eye(20)[2]
    model[2] = np.nan
    base[3] = np.nan
    base[4] = model[4] = np.eye(20)[5]
    logs = distances.single_logs(base)
    found = distances.single_kl(base, logs, rows=model, out=np.empty_like(base))
    expected = rel_entr(base.astype(float), model.astype(float)).sum(axis=1)
    assert found == pytest.approx(np.maximum(expected, 0), abs=1e-6, nan_ok=True)
    assert np.isinf(found[0])
    assert np.isnan(found[2:4]).all()


@pytest.mark.parametrize("kind", ["probabilities", "logits"])
@pytest.mark.parametrize("many", [10, 4_000_000])
def test_the_divergence_is_that_of_scipy_in_either_precision(monkeypatch, kind, many):
    monkeypatch.setattr(against_base, "MANY", many)
    labels, given = classified(7)
    found = against_base.kl_divergence(frame(labels, given, kind=kind))
    for model, expected in (("m0", np.zeros(60)), ("m1", stats.entropy(given[0], given[1], axis=1))):
        assert found[model] == pytest.approx(expected, abs=2e-6)


def test_no_cosine_of_vectors_of_other_lengths_is_above_one_by_rounding():
    many = np.random.default_rng(2).normal(size=(5_000, 3))
    for factor in (3.0, 0.7, 1e-5):
        assert 1 - 1e-12 < distances.cosine(many, factor * many).max() <= 1
        assert -1 <= distances.cosine(many, -factor * many).min() < -1 + 1e-12


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_missing_probability_is_missing_wherever_it_stands(place):
    row = np.array([[0.0, 0.0, 1.0]])
    missing = row.copy()
    missing[0, place] = np.nan
    assert np.isnan([distances.kl_divergence(row, missing), distances.kl_divergence(missing, row)]).all()
    assert np.isnan(distances.single_logs(missing.astype(np.float32))[0, 0])
    assert np.isfinite(distances.single_logs(row.astype(np.float32))).all()
