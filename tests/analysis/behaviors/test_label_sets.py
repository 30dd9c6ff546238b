import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics
from sklearn.preprocessing import MultiLabelBinarizer

from compress_compare.analysis.behaviors import grouping, metrics, pairs, tables
from compress_compare.analysis.behaviors.frame import Frame
from tests.analysis.behaviors.frames import dataset, outputs

NAMES = ("bird", "car", "dog", "tree")


@pytest.fixture(scope="module")
def sets():
    random = np.random.default_rng(4)
    labels = [[name for name in NAMES if random.random() < 0.4] for _ in range(200)]
    models = [
        [[name for name in NAMES if (name in one) ^ (random.random() < flip)] for one in labels] for flip in (0.1, 0.3)
    ]
    return labels, models


@pytest.fixture(scope="module")
def frame(sets):
    labels, models = sets
    ids = np.arange(200)
    answered = {f"m{k}": outputs(ids[::-1], given[::-1]) for k, given in enumerate(models)}
    return Frame(dataset(ids, labels=[set(one) for one in labels]), answered)


def test_metrics_are_those_of_scikit_learn(sets, frame):
    labels, models = sets
    binary = MultiLabelBinarizer(classes=NAMES).fit(labels)
    for k, given in enumerate(models):
        true, answer = binary.transform(labels), binary.transform(given)
        for name, expected in {
            "correct": sklearn_metrics.accuracy_score(true, answer),
            "jaccard": sklearn_metrics.jaccard_score(true, answer, average="samples", zero_division=1),
            "label_f1": sklearn_metrics.f1_score(true, answer, average="samples", zero_division=1),
            "hamming": sklearn_metrics.hamming_loss(true, answer),
        }.items():
            found = metrics.values(frame, name, metric=metrics.find(frame, name, directions={}))[f"m{k}"]
            assert found.mean() == pytest.approx(expected), name


def test_groups_are_single_labels_of_which_an_instance_can_have_several(sets, frame):
    labels, models = sets
    definition = metrics.find(frame, "jaccard", directions={})
    pair = pairs.pair(frame, "m1", name="jaccard", metric=definition)
    found = tables.groups([pair], "jaccard", by=grouping.grouping(frame, ()), higher_is_better=True).to_pylist()
    assert [row["group"] for row in found] == list(NAMES)
    for row in found:
        having = [k for k, one in enumerate(labels) if row["group"] in one]
        scores = [
            [len({*a} & {*b}) / max(len({*a} | {*b}), 1) for a, b in zip(given, labels, strict=True)]
            for given in models
        ]
        assert row["count"] == len(having)
        assert row["value"] == pytest.approx(np.mean([scores[1][k] for k in having]))
        assert row["base_value"] == pytest.approx(np.mean([scores[0][k] for k in having]))
        changed = sum(models[0][k] != models[1][k] for k in having)
        assert row["right_to_wrong"] + row["wrong_to_right"] + row["wrong_to_wrong"] == changed


def test_integers_are_labels_too(frame):
    ids = [1, 2]
    small = Frame(dataset(ids, labels=[[2, 1], []]), {"a": outputs(ids, [[1, 2], [3]]), "b": outputs(ids, [[1], []])})
    assert metrics.values(small, "correct", metric=metrics.BUILTIN["correct"])["a"].tolist() == [1, 0]
    assert small.classes().to_pylist() == ["(none)", "1", "1, 2", "3"]
    assert "true_probability" not in metrics.available(small)
