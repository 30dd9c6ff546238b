from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from compress_compare.analysis.behaviors import exemplars
from compress_compare.analysis.behaviors.pairs import Changes

BASE = np.array([0, 0, 0, 0, 1], dtype=np.int32)
MODELS = {
    name: Changes(BASE, np.array(after, dtype=np.int32), None)
    for name, after in {"a": [0, 1, 2, -1, 1], "b": [0, 0, 2, 1, 1], "c": [0, 1, 1, -1, 1]}.items()
}


def test_disagreements_are_counted_among_the_models_that_answered():
    changed, answered = exemplars.disagreements(MODELS, 5)
    assert changed.tolist() == [0, 2, 3, 1, 0]
    assert answered.tolist() == [3, 3, 3, 1, 3]


def test_the_largest_share_and_then_the_most_models_come_first():
    changed, answered = exemplars.disagreements(MODELS, 5)
    assert exemplars.ranked(changed, answered, share=0.5, limit=9).tolist() == [2, 3, 1]
    assert exemplars.ranked(changed, answered, share=0.9, limit=9).tolist() == [2, 3]
    assert exemplars.ranked(changed, answered, share=0.0, limit=9).tolist() == [2, 3, 1]


def test_the_most_frequent_prediction_of_the_models():
    assert exemplars.most_frequent(MODELS, np.array([2, 1, 3]), size=3).tolist() == [2, 1, 1]


def test_no_prediction_is_the_most_frequent_of_three_that_are_all_different():
    three = {
        name: Changes(BASE, np.array([0, after, 0, 0, 0], dtype=np.int32), None)
        for name, after in {"a": 0, "b": 1, "c": 2}.items()
    }
    assert exemplars.most_frequent(three, np.array([0, 1]), size=3).tolist() == [0, -1]


def test_two_of_three_classes_may_be_tied():
    three = {
        name: Changes(BASE, np.array(after, dtype=np.int32), None)
        for name, after in {"a": [0, 0, 2, -1, -1], "b": [1, 0, 2, 2, -1], "c": [-1, 1, 1, -1, 1]}.items()
    }
    assert exemplars.most_frequent(three, np.arange(5), size=3).tolist() == [-1, 0, 2, 2, 1]
    assert exemplars.most_frequent(three, np.array([4, 0]), size=4).tolist() == [1, -1]


def test_exactly_the_share_is_enough():
    changed, answered = np.array([1, 1, 0, 2, 2]), np.array([2, 3, 0, 4, 2])
    assert exemplars.ranked(changed, answered, share=0.5, limit=9).tolist() == [4, 3, 0]
    assert exemplars.ranked(changed, answered, share=1.0, limit=9).tolist() == [4]
    assert exemplars.ranked(changed, answered, share=0.0, limit=9).tolist() == [4, 3, 0, 1]


@given(
    st.lists(st.integers(0, 300).flatmap(lambda some: st.tuples(st.integers(0, some), st.just(some))), max_size=40),
    st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 2 / 3, 1.0]),
    st.integers(1, 45),
)
def test_ranks_are_those_of_sorting_all_by_exact_shares(pairs: list[tuple[int, int]], share: float, limit: int) -> None:
    changed, answered = (np.array([pair[at] for pair in pairs], np.uint16) for at in (0, 1))
    left = [row for row, (some, all_) in enumerate(pairs) if some and some / all_ >= share]
    left.sort(key=lambda row: (-Fraction(*pairs[row]), -pairs[row][1], row))
    assert exemplars.ranked(changed, answered, share=share, limit=limit).tolist() == left[:limit]


def test_many_models_are_counted() -> None:
    many = {str(number): MODELS["a" if number % 3 else "c"] for number in range(300)}
    changed, answered = exemplars.disagreements(many, 5)
    assert changed.tolist() == [0, 300, 300, 0, 0]
    assert answered.tolist() == [300, 300, 300, 0, 300]
    assert exemplars.disagreements({}, 2)[0].tolist() == [0, 0]
