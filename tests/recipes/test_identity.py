from hypothesis import given, settings
from hypothesis import strategies as st

from compress_compare.recipes import identity
from compress_compare.records import Operation

values = st.one_of(st.integers(0, 9), st.floats(0, 1), st.booleans(), st.text("ab", max_size=3))
made = st.builds(
    lambda name, parameters: Operation(name, **parameters),
    st.sampled_from("xyz"),
    st.dictionaries(st.sampled_from("pqr"), values),
)


@settings(deadline=None)
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
