"""Which tensor stands where which stood."""

import pytest

from compress_compare.analysis.layers.align import align
from compress_compare.errors import InvalidValue


def pairs(base, model, kept=None):
    return [(match.base, match.model, match.how) for match in align(base, model, kept=kept)]


def test_by_name():
    assert pairs({"a.w": (2,), "b.w": (3,)}, {"b.w": (3,), "a.w": (2,)}) == [
        ("a.w", "a.w", "name"),
        ("b.w", "b.w", "name"),
    ]


def test_what_has_no_counterpart_is_listed():
    assert pairs({"a.w": (2,), "gone.w": (7,)}, {"a.w": (2,), "new.w": (9,)}) == [
        ("a.w", "a.w", "name"),
        ("gone.w", None, "base only"),
        (None, "new.w", "model only"),
    ]


def test_a_guess_by_shape_pairs_the_only_candidate_of_a_shape():
    base = {"conv1.weight": (8, 3, 3, 3), "conv2.weight": (8, 8, 3, 3), "conv3.weight": (8, 8, 3, 3)}
    model = {"a.weight": (8, 3, 3, 3), "b.weight": (8, 8, 3, 3), "c.weight": (8, 8, 3, 3)}
    found = align(base, model)
    assert [(match.base, match.model, match.how) for match in found] == [
        ("conv1.weight", "a.weight", "shape"),
        ("conv2.weight", None, "base only"),
        ("conv3.weight", None, "base only"),
        (None, "b.weight", "model only"),
        (None, "c.weight", "model only"),
    ]
    assert [match.is_guess for match in found] == [True, False, False, False, False]


def test_a_matrix_may_stand_the_other_way_round():
    assert pairs(
        {"fc.weight": (6, 4), "up": (3, 6, 4), "conv.weight": (8, 3, 3, 3)}, {"fc.weight": (4, 6), "up": (3, 4, 6)}
    )[:2] == [
        ("fc.weight", "fc.weight", "transposed"),
        ("up", "up", "transposed"),
    ]
    assert pairs({"fc.weight": (6, 4)}, {"fc.weight": (4, 5)}) == [("fc.weight", "fc.weight", "resized")]


def test_kept_channels():
    base, model = {"w": (4, 3, 3, 3)}, {"w": (2, 3, 3, 3)}
    (match,) = align(base, model, kept={"w": {0: [1, 3]}})
    assert (match.how, match.kept, match.comparable) == ("kept", ((1, 3), None, None, None), True)


def test_kept_channels_that_do_not_fit_are_not_believed():
    base, model = {"w": (4, 3)}, {"w": (2, 3)}
    for wrong in ({0: [1]}, {0: [1, 4]}, {0: [-1, 2]}, {1: [0, 1, 2]}, {}):
        (match,) = align(base, model, kept={"w": wrong})
        assert (match.how, match.comparable) == ("resized", False)


def test_two_factors_stand_for_their_product():
    base = {"fc.weight": (10, 8), "fc.bias": (10,), "conv.weight": (6, 4, 3, 3)}
    model = {
        "fc.0.weight": (2, 8),
        "fc.1.weight": (10, 2),
        "fc.1.bias": (10,),
        "conv.0.weight": (3, 4, 3, 3),
        "conv.1.weight": (6, 3, 1, 1),
    }
    fc, bias, conv = align(base, model)
    assert (fc.model, fc.second, fc.how) == ("fc.0.weight", "fc.1.weight", "product")
    assert (bias.model, bias.how) == ("fc.1.bias", "product")
    assert (conv.model, conv.second, conv.how) == ("conv.0.weight", "conv.1.weight", "product")


def test_two_layers_that_do_not_multiply_to_the_shape_are_no_product():
    found = align({"fc.weight": (10, 8)}, {"fc.0.weight": (2, 8), "fc.1.weight": (10, 3)})
    assert [match.how for match in found] == ["base only", "model only", "model only"]


def test_nothing_is_dropped_or_used_twice():
    base = {f"b{i}.{kind}": (i % 3, 2) for i in range(20) for kind in ("weight", "bias")}
    model = {f"{'b' if i % 2 else 'm'}{i}.{kind}": (i % 4, 2) for i in range(20) for kind in ("weight", "bias")}
    found = align(base, model)
    assert sorted(match.base for match in found if match.base) == sorted(base)
    assert sorted(match.model for match in found if match.model) == sorted(model)


def test_what_is_chosen_comes_before_every_rule():
    base, model = {"a.w": (2,), "b.w": (2,), "c.w": (3,)}, {"b.w": (2,), "x.v": (2,), "c.w": (3,)}
    found = [(match.base, match.model, match.how) for match in align(base, model, chosen={"a.w": "b.w", "c.w": "gone"})]
    assert found == [
        ("a.w", "b.w", "chosen"),
        ("b.w", None, "base only"),
        ("c.w", "c.w", "name"),
        (None, "x.v", "model only"),
    ]


def test_tensors_of_other_shapes_cannot_be_chosen():
    with pytest.raises(InvalidValue, match=r"'a.w' of the base is 2 × 3, and 'b.w' is 6: they cannot be compared"):
        align({"a.w": (2, 3)}, {"b.w": (6,)}, chosen={"a.w": "b.w"})
