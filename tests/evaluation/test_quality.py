import math

import numpy as np
import pytest
from scipy.special import log_softmax

from compress_compare.evaluation.quality import accuracy, log_probabilities, negative_log_likelihood, predictions

LOGITS = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 0.0, 5.0], [4.0, 0.0, 1.0]])
LABELS = np.array([0, 1, 1, 0])


def test_accuracy_over_all_and_per_class():
    overall, zero, one = accuracy(LOGITS, LABELS)
    assert (overall.value, overall.slice, overall.count) == (0.75, None, 4)
    assert overall.standard_error == pytest.approx(math.sqrt(0.75 * 0.25 / 4))
    assert (zero.value, zero.slice, zero.count) == (1.0, "0", 2)
    assert (one.value, one.slice, one.count) == (0.5, "1", 2)
    assert one.standard_error == pytest.approx(0.35355339)


def test_negative_log_likelihood_agrees_with_scipy():
    losses = -log_softmax(LOGITS, axis=1)[range(4), LABELS]
    value = negative_log_likelihood(LOGITS, LABELS)
    assert value.value == pytest.approx(losses.mean(), rel=1e-14)
    assert value.standard_error == pytest.approx(losses.std(ddof=1) / 2, rel=1e-14)
    assert value.count == 4


def test_log_probabilities_are_stable_for_large_scores():
    assert log_probabilities(np.array([[1000.0, 1000.0]])) == pytest.approx(math.log(0.5))


def test_an_answer_with_nan_is_wrong_and_its_likelihood_is_nan():
    logits = LOGITS.copy()
    logits[0, 2] = np.nan
    assert predictions(logits).tolist() == [-1, 1, 2, 0]
    assert accuracy(logits, LABELS)[0].value == 0.5
    value = negative_log_likelihood(logits, LABELS)
    assert math.isnan(value.value)
    assert value.standard_error is None


def test_a_label_without_any_probability_is_infinitely_unlikely():
    value = negative_log_likelihood(np.array([[0.0, -np.inf], [0.0, 0.0]]), np.array([1, 0]))
    assert value.kind == "inf"


def test_no_instances():
    assert math.isnan(accuracy(np.empty((0, 3)), np.empty(0, int))[0].value)
    assert math.isnan(negative_log_likelihood(np.empty((0, 3)), np.empty(0, int)).value)
