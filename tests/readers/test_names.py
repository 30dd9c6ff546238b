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


@pytest.mark.parametrize(
    ("own", "other", "is_one"),
    [
        ("a_b_weight", "a.b.weight", True),
        ("a.b.weight", "a_b_weight", True),
        ("a.b_weight", "a_b.weight", False),
        ("a_b.weight", "a.b.weight", False),
        ("a_b_c", "a_b.d", False),
    ],
)
def test_dots_may_be_written_as_underscores_on_one_side(own, other, is_one):
    found = names.lined_up(weights(other), weights(own))
    assert found.plain == ({own: other} if is_one else {})
    assert found.rules == ({other: "prefix"} if is_one else {})


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("model.model.a.weight", "a.weight"),
        ("a.model.b.weight", "a.model.b.weight"),
        ("a._orig_mod.b.base_layer.weight", "a.b.weight"),
        ("model.block_sparse_moe.experts.0.w1.weight", "mlp.experts.0.gate_proj.weight"),
        ("mlp.w1.weight", "mlp.w1.weight"),
        ("experts.w2.w3", "experts.down_proj.w3"),
        ("model.weight", "weight"),
        ("weight", "weight"),
        ("module", "module"),
    ],
)
def test_a_name_without_what_wrappers_add(name, plain):
    assert names.plain_name(name) == plain


def test_a_start_is_taken_off_where_it_explains_two_and_half_of_the_fewer():
    few, many = weights("a.w", "b.w"), weights("left.a.w", "left.b.w", *(f"x{at}.y.w" for at in range(9)))
    assert names.lined_up(few, many).plain == {"left.a.w": "a.w", "left.b.w": "b.w"}
    assert names.lined_up(many, few).plain == {"a.w": "left.a.w", "b.w": "left.b.w"}


def test_of_two_starts_the_one_of_more_names_is_taken():
    theirs = weights("a.w", "b.w", "c.w", "d.w", "e.w")
    ours = weights("one.a.w", "one.b.w", "two.c.w", "two.d.w", "two.e.w")
    assert names.lined_up(theirs, ours).plain == {f"two.{name}.w": f"{name}.w" for name in "cde"}
