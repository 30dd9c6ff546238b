"""Names of tensors that stand for each other, by hand."""

import pytest

from compress_compare.readers import names
from compress_compare.readers.weights import StoredTensor, Weights


def weights(*listed):
    return Weights({name: StoredTensor("F32", (2,), 8, None) for name in listed})


BASE = ("a.w.weight", "a.w.bias", "b.weight")


@pytest.mark.parametrize("start", ["left.", "left.right."])
def test_a_start_of_all_names_of_one_side_is_taken_off(start):
    longer = weights(*(start + name for name in BASE))
    found = names.lined_up(weights(*BASE), longer)
    assert found.plain == {start + name: name for name in BASE}
    assert found.rules == dict.fromkeys(BASE, "prefix")
    assert found.of(f"{start}b.weight") == "b.weight" and found.of("c") == "c"
    back = names.lined_up(longer, weights(*BASE))
    assert back.plain == {name: start + name for name in BASE}
    assert back.rules == {start + name: "prefix" for name in BASE}


def test_one_name_alone_is_no_start_and_less_than_half_is_none():
    assert names.lined_up(weights("a.w"), weights("left.a.w")).plain == {}
    two_of_five = weights("left.a.w", "left.b.w", "x.c.w", "y.d.w", "z.e.w")
    assert names.lined_up(weights("a.w", "b.w", "f.w", "g.w", "h.w"), two_of_five).plain == {}
    two_of_four = weights("left.a.w", "left.b.w", "x.c.w", "y.d.w")
    assert names.lined_up(weights("a.w", "b.w", "f.w", "g.w"), two_of_four).plain == {
        "left.a.w": "a.w",
        "left.b.w": "b.w",
    }


def test_names_that_both_have_stay():
    found = names.lined_up(weights(*BASE), weights(*BASE, "left.b.weight"))
    assert found.plain == {} and found.rules == {}


def test_what_two_names_could_stand_for_is_left():
    found = names.lined_up(weights("a.weight"), weights("module.a.weight", "model.a.weight"))
    assert found.plain == {}
