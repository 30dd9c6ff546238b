from collections import Counter

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from compress_compare.analysis.behaviors import changes, pairs

from .frames import classified, frame


def test_changes_are_counted_and_the_most_frequent_is_first():
    labels, probabilities = classified(count=300)
    given = frame(labels, probabilities)
    by_model = {model: pairs.changes(given, model) for model in given.models}
    rows = changes.most_frequent(by_model, given.classes()).to_pylist()
    before, after = (one.argmax(1) for one in probabilities[:2])
    expected = Counter((a, b) for a, b in zip(before.tolist(), after.tolist(), strict=True) if a != b)
    found = [row for row in rows if row["model"] == "m1"]
    assert {(row["base_prediction"], row["prediction"]): row["count"] for row in found} == expected
    assert [row["count"] for row in found] == sorted(expected.values(), reverse=True)
    for row in found:
        assert row["rate"] == pytest.approx(row["count"] / 300)
        assert row["rate_of_base"] == pytest.approx(row["count"] / (before == row["base_prediction"]).sum())


def test_the_confusion_matrix_is_that_of_scikit_learn():
    labels, probabilities = classified(count=300)
    given = frame(labels, probabilities)
    table = changes.confusion(pairs.changes(given, "m2"), given.classes()).to_pylist()
    now, before = (confusion_matrix(labels, probabilities[place].argmax(1)) for place in (2, 0))
    found = np.zeros((4, 4), int)
    for row in table:
        found[row["label"], row["prediction"]] = row["change"]
        assert row["count"] == now[row["label"], row["prediction"]]
    assert np.array_equal(found, now - before)
