"""Simple properties of texts, tokens and images, by hand."""

import numpy as np
import pytest

from compress_compare.analysis.behaviors import features
from compress_compare.analysis.behaviors.frame import Frame
from tests.analysis.behaviors.frames import dataset, outputs

IDS = np.arange(3)


def frame(metadata=None, **payload):
    return Frame(dataset(IDS, labels=[0, 1, 0], metadata=metadata, **payload), {"m0": outputs(IDS, [0, 1, 1])})


def test_of_texts():
    found = frame(texts=["one  two\nthree", "why?", ""])
    assert features.names(found) == ["text words", "text asks"]
    assert features.column(found, "text words").to_pylist() == [3, 1, 0]
    assert features.column(found, "text asks").to_pylist() == [False, True, False]


def test_of_tokens():
    found = frame(tokens=[["a", "b"], [], ["c"]])
    assert features.names(found) == ["token count"]
    assert features.column(found, "token count").to_pylist() == [2, 0, 1]


def test_of_images():
    pytest.importorskip("PIL")
    half = np.zeros((4, 4), np.uint8)
    half[:2] = 255
    found = frame(images=[np.full((4, 4), 51, np.uint8), half, np.zeros((2, 2), np.uint8)])
    assert features.names(found) == ["image brightness", "image contrast"]
    assert features.column(found, "image brightness").to_pylist() == pytest.approx([0.2, 0.5, 0.0])
    assert features.column(found, "image contrast").to_pylist() == pytest.approx([0.0, 0.5, 0.0])


def test_a_column_of_the_same_name_comes_first():
    found = frame(metadata={"text words": [7, 8, 9]}, texts=["a", "b", "c"])
    assert features.names(found) == ["text asks"]
