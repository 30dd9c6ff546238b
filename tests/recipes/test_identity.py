import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_compare.recipes import identity
from compress_compare.records import MAX_NAME, Operation

values = st.one_of(st.integers(0, 9), st.floats(0, 1), st.booleans(), st.text("ab", max_size=3))
made = st.builds(
    lambda name, parameters: Operation(name, **parameters),
    st.sampled_from("xyz"),
    st.dictionaries(st.sampled_from("pqr"), values),
)


@given(made, made, st.sampled_from(["root", "other"]), st.sampled_from(["root", "other"]))
def test_two_models_have_one_identity_exactly_when_they_are_made_the_same_way(one, other, base, other_base):
    same = (base, one.name, one.canonical_parameters) == (other_base, other.name, other.canonical_parameters)
    assert (identity.of_step(base, one) == identity.of_step(other_base, other)) is same
    assert identity.of_step(base, one) != identity.of_root(base, one)


def test_references_count_in_any_order():
    pairs = [("teacher", "a"), ("other", "b")]
    operation = Operation("distill")
    assert identity.of_step("x", operation, references=pairs) == identity.of_step(
        "x", operation, references=pairs[::-1]
    )
    assert identity.of_step("x", operation, references=pairs) != identity.of_step("x", operation)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5"),
        (1e-05, "1e-05"),
        (3, "3"),
        (True, "true"),
        (False, "false"),
        (None, "none"),
        ("a b", "ab"),
        (["Linear", "Conv2d"], "Linear,Conv2d"),
        ({"bits": 4}, "bits:4"),
    ],
)
def test_a_name_says_how_a_model_was_made(value, text):
    operation = Operation("magnitude prune", how_much=value)
    assert identity.readable("cnn", operation, main=["how_much"]) == f"cnn-magnitude-prune-{text}"
    assert identity.readable("cnn", operation, main=["other"]) == f"cnn-magnitude-prune-how-much-{text}"


def test_a_name_that_is_free_or_its_own_is_kept():
    longest = "x" * MAX_NAME
    assert identity.unique(longest, "0123456789", taken={}) == longest
    assert identity.unique("net", "0123456789", taken={"net": "0123456789", "other": "ab"}) == "net"
    assert identity.unique("net", "0123456789", taken={"net": "ab"}) == "net-01234567"
    too_long = identity.unique("x" * (MAX_NAME + 1), "0123456789", taken={})
    assert too_long == "x" * (MAX_NAME - 9) + "-01234567"
    assert len(too_long) == MAX_NAME
