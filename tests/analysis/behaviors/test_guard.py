import numpy as np
import pytest

from compress_compare.analysis.behaviors import guard
from compress_compare.analysis.behaviors.frame import Frame
from compress_compare.errors import InvalidValue

from .frames import dataset, outputs

IDS = np.arange(20)
CLASSES = np.arange(20) % 3
WORDS = [f"w{i}" for i in CLASSES]


def check(labels, base, model, **vectors):
    names = {"base": "base_vectors", "model": "model_vectors"}
    answered = {
        model_: outputs(IDS, predictions, vectors=vectors.get(names[model_]))
        for model_, predictions in (("base", base), ("model", model))
    }
    given = Frame(dataset(IDS, labels=labels), answered)
    guard.check_kinds(given)
    guard.check_label_sets(given)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((CLASSES, CLASSES, WORDS), "different kinds of predictions"),
        ((CLASSES, CLASSES, CLASSES / 2), "different kinds of predictions"),
        ((WORDS, CLASSES, CLASSES), "Labels and predictions are of different kinds"),
        ((CLASSES, CLASSES, CLASSES + 50), "'model' predicts none of the labels"),
        ((WORDS, WORDS, ["other"] * 20), "'model' predicts none of the labels"),
    ],
)
def test_what_differs_is_said(arguments, sentence):
    with pytest.raises(InvalidValue, match=sentence) as caught:
        check(*arguments)
    assert caught.value.code == "behaviors.not_comparable"


def test_vectors_of_another_size_are_refused():
    vectors = {"base_vectors": {"probabilities": np.eye(20, 3)}, "model_vectors": {"probabilities": np.eye(20, 4)}}
    with pytest.raises(InvalidValue, match="probabilities of different size"):
        check(CLASSES, CLASSES, CLASSES, **vectors)


@pytest.mark.parametrize("model", [CLASSES, CLASSES.astype(np.int32), np.zeros(20, int)])
def test_what_can_be_compared_is(model):
    check(CLASSES, CLASSES, model)


def test_free_text_that_hits_no_label_is_compared():
    check([f"answer {i}" for i in range(20)], ["x"] * 20, ["y"] * 20)
