"""Which element of a probability vector each class is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compress_compare.analysis.behaviors.frame import Frame
from compress_compare.errors import InvalidValue

from .frames import dataset, outputs

SIZE = 4


def columns(values: list[Any], **more: Any) -> list[int]:
    """Of vectors of four probabilities, where labels take these values; the base predicts the first of them."""
    ids = np.arange(len(values))
    vectors = {"probabilities": np.full((len(values), SIZE), 1 / SIZE, np.float32)}
    answers = outputs(ids, np.array([values[0]] * len(values)), vectors=vectors, **more)
    return Frame(dataset(ids, labels=np.array(values)), {"m": answers}).class_columns().tolist()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, 2, 3], [0, 1, 2, 3]),
        ([3], [3]),
        ([2, 0], [0, 2]),
        ([0, 3], [0, 3]),
        ([1, 2, 3, 4], [0, 1, 2, 3]),
        ([-1, 0, 1, 2], [0, 1, 2, 3]),
        ([10, 20, 30, 40], [0, 1, 2, 3]),
        ([True, False], [0, 1]),
        (["d", "b", "a", "c"], [0, 1, 2, 3]),
    ],
)
def test_integers_below_the_size_are_places_and_of_others_as_many_as_there_are_places(
    values: list[Any], expected: list[int]
) -> None:
    assert columns(values) == expected


@pytest.mark.parametrize("values", [[0, 4], [4], [-1, 0], [0, 1, 2, 3, 4], ["a", "b", "c"], ["a"]])
def test_what_fits_in_neither_way_is_not_known(values: list[Any]) -> None:
    with pytest.raises(InvalidValue) as caught:
        columns(values)
    assert caught.value.code == "behaviors.classes"
    assert caught.value.detail == (
        f"Vectors have 4 probabilities; labels and predictions have {len(values)} distinct values."
    )


def test_names_that_were_logged_say_it() -> None:
    names = ["cat", "dog", "owl", "bat"]
    assert columns(["bat", "cat", "elk"], classes=names) == [3, 0, -1]
