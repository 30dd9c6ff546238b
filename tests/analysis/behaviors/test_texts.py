import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_compare.analysis.behaviors import metrics, texts
from compress_compare.analysis.behaviors.frame import Frame

from .frames import dataset, outputs

WORDS = st.lists(st.sampled_from("abcde"), max_size=12)


def levenshtein(first, second):
    """The textbook recursion, cell by cell."""
    row = list(range(len(second) + 1))
    for i, left in enumerate(first, 1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(second, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (left != right))
    return row[-1]


@given(WORDS, WORDS)
def test_edits_are_levenshteins(first, second):
    longer = max(len(first), len(second))
    expected = levenshtein(first, second) / longer if longer else 0
    assert texts.relative_edits(first, second) == pytest.approx(expected)


def test_f1_by_hand():
    assert texts.f1(["the", "cat", "sat"], ["cat", "sat", "down"]) == pytest.approx(2 / 3)
    assert texts.f1(["a", "a"], ["a"]) == pytest.approx(2 * 1 / 3)
    assert texts.f1([], []) == 1
    assert texts.f1(["a"], []) == 0


def test_words_are_normalized_as_in_squad():
    assert texts.words("The  Cat's, (an) apple!") == ["cats", "apple"]


def test_answers_are_scored_against_the_label():
    labels = ["the cat sat", "Paris", "a dog"]
    given = Frame(
        dataset([1, 2, 3], labels=labels),
        {
            "m0": outputs([3, 2, 1], ["x", "y", "z"], texts=["A dog.", "paris", "cat sat"]),
            "m1": outputs([1, 3], ["x", "y"], texts=["the cat sat down", "one two"]),
        },
    )
    found = {
        name: metrics.values(given, name, metric=metrics.find(given, name, directions={}))
        for name in ("exact_match", "token_f1", "edit_distance")
    }
    assert found["exact_match"]["m0"].tolist() == [1, 1, 1]
    assert np.array_equal(found["token_f1"]["m1"], [0.8, np.nan, 0], equal_nan=True)
    assert np.allclose(found["edit_distance"]["m1"], [1 / 3, np.nan, 1], equal_nan=True)


def test_whoever_watches_is_told_how_many_texts_of_all_are_scored(monkeypatch):
    count = texts.STEP + 1
    answers = outputs(range(count), ["x"] * count, texts=["a dog"] * count)
    given = Frame(dataset(range(count), labels=["dog"] * count), dict.fromkeys(("m0", "m1", "m2"), answers))
    told = []
    monkeypatch.setattr(texts.progress, "step", lambda what, done, *, total: told.append((what, done, total)))
    found = texts.exact_match(given)
    assert all(scores.tolist() == [1.0] * count for scores in found.values())
    places = [model * count + row for model in range(3) for row in (0, texts.STEP)]
    assert told == [("Comparing texts", place, 3 * count) for place in places]


def test_words_beyond_the_limit_are_left_out_of_the_edits():
    many = ["x"] * texts.MAX_WORDS
    assert texts.relative_edits([*many, "y"], many) == 0
    assert texts.relative_edits([*many[:-1], "y"], many) == 1 / texts.MAX_WORDS


def test_edits_of_nothing():
    assert [texts.relative_edits(*sides) for sides in ((["a"], []), ([], ["a"]), ([], []))] == [1, 1, 0]
    assert texts.relative_edits(["a", "b"], ["b"]) == 0.5
