import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_compare.analysis.behaviors import joined


@given(st.lists(st.integers(-1000, 1000), min_size=1, unique=True), st.data())
def test_values_follow_their_ids_in_any_order_and_any_subset(ids, data):
    answered = data.draw(
        st.permutations(ids).flatmap(lambda order: st.integers(1, len(order)).map(lambda n: order[:n]))
    )
    join = joined.join(pa.chunked_array([pa.array(ids)]), pa.chunked_array([pa.array(answered)]))
    expected = [id * 10.0 if id in answered else None for id in ids]
    found = join.floats(pa.chunked_array([pa.array([id * 10 for id in answered])]))
    assert [None if np.isnan(value) else value for value in found] == expected
    assert join.present.tolist() == [id in answered for id in ids]
    assert join.values(pa.array([id * 10.0 for id in answered])).to_pylist() == expected
    classes = joined.classes_of([pa.chunked_array([pa.array(answered)])])
    codes = join.codes(pa.chunked_array([pa.array(answered)]), classes)
    assert [None if code < 0 else classes[code].as_py() for code in codes.tolist()] == [
        id if id in answered else None for id in ids
    ]


def test_equal_order_needs_no_positions():
    ids = pa.chunked_array([pa.array(["a", "b"])])
    assert joined.join(ids, ids).positions is None


def test_classes_are_sorted_and_without_null():
    columns = [pa.chunked_array([["b", None], ["a"]]), pa.chunked_array([["c", "a"]])]
    assert joined.classes_of(columns).to_pylist() == ["a", "b", "c"]


def test_codes_of_integers_with_gaps_and_without():
    assert joined.codes(pa.chunked_array([[5, 7, 5]]), pa.array([5, 7])).tolist() == [0, 1, 0]
    assert joined.codes(pa.chunked_array([[5, 6, 5]]), pa.array([5, 6])).tolist() == [0, 1, 0]
    assert joined.codes(pa.chunked_array([[5, None]]), pa.array([5])).tolist() == [0, -1]


def test_a_null_vector_is_nan():
    column = pa.chunked_array([pa.array([[1, 2], None, [3, 4]], pa.list_(pa.float32(), 2))])
    found = joined.matrix(column)
    assert np.array_equal(found, np.array([[1, 2], [np.nan, np.nan], [3, 4]]), equal_nan=True)
    assert joined.matrix(column.slice(2)).tolist() == [[3, 4]]


def test_blocks_cover_every_row_once():
    vectors = joined.Vectors(np.zeros((200_000, 3), np.float32))
    rows = np.concatenate([np.arange(200_000)[block] for block in vectors.blocks()])
    assert np.array_equal(rows, np.arange(200_000))


@pytest.mark.parametrize("spread", [1, 3, 1_000])
def test_whole_numbers_are_found_whether_they_lie_close_together_or_not(spread):
    random = np.random.default_rng(spread)
    known = random.permutation(np.arange(-40, 60) * spread)
    wanted = np.concatenate([known[::3], [known.min() - 1, known.max() + 1, 2**63 - 1, -(2**63)]])
    places = {int(id): place for place, id in enumerate(known)}
    found = joined.join(pa.chunked_array([pa.array(wanted)]), pa.chunked_array([pa.array(known)]))
    assert found.positions.tolist() == [places.get(int(id), -1) for id in wanted]


def test_numbers_at_both_ends_and_none_at_all_make_no_table():
    ends = pa.chunked_array([pa.array([2**63 - 1, -(2**63)])])
    assert joined.join(pa.chunked_array([pa.array([-(2**63), 5])]), ends).positions.tolist() == [1, -1]
    nothing = pa.chunked_array([pa.array([], pa.int64())])
    assert joined.join(ends, nothing).positions.tolist() == [-1, -1]
    assert joined.join(nothing, ends).positions.tolist() == []


def test_a_number_that_is_missing_inside_a_vector_is_nan():
    rows = [[1, None], [3, 4]]
    for vectors, expected in ((rows, [[1, np.nan], [3, 4]]), ([*rows, None], [[1, np.nan], [3, 4], [np.nan, np.nan]])):
        found = joined.matrix(pa.chunked_array([pa.array(vectors, pa.list_(pa.float32(), 2))]))
        assert found.dtype == np.float32 and np.array_equal(found, np.array(expected), equal_nan=True)


def test_rows_of_a_model_that_lacks_some():
    rows = np.array([[1, 2], [3, 4]], np.float32)
    ids = pa.chunked_array([[7, 8, 9]])
    found = joined.aligned(rows, joined.join(ids, pa.chunked_array([[9, 7]])))
    assert np.array_equal(found, [[3, 4], [np.nan, np.nan], [1, 2]], equal_nan=True)
    assert joined.aligned(rows, joined.join(ids.slice(1), ids.slice(1))) is rows


def test_blocks_have_a_hundred_thousand_numbers():
    def starts(rows, size):
        return [(block.start, block.stop) for block in joined.Vectors(np.zeros((rows, size), np.float32)).blocks()]

    assert starts(5, 50_000) == [(0, 2), (2, 4), (4, 5)]
    assert starts(4, 50_000) == [(0, 2), (2, 4)]
    assert starts(2, 200_000) == [(0, 1), (1, 2)]
    assert starts(0, 3) == []


def test_rows_are_written_to_what_is_given_if_it_fits():
    vectors = joined.Vectors(np.arange(6, dtype=np.float32).reshape(3, 2))
    out = np.zeros((2, 2))
    assert vectors.rows(slice(1, 3), out) is out and out.tolist() == [[2, 3], [4, 5]]
    last = vectors.rows(slice(2, 3), out)
    assert (last.tolist(), last.dtype, out.tolist()) == ([[4, 5]], np.float64, [[2, 3], [4, 5]])
    logits = joined.Vectors(np.log(np.array([[1, 3]], np.float32)), logits=True)
    assert logits.rows(slice(0, 1)) == pytest.approx(np.array([[0.25, 0.75]]))


def test_sets_of_labels_are_named_and_none_is_said():
    sets = pa.chunked_array([[["b", "a"], [], None, ["c"]]])
    assert joined.named(sets).to_pylist() == ["b, a", "(none)", None, "c"]
    plain = pa.chunked_array([["x"]])
    assert joined.named(plain) is plain


def test_ids_that_are_missing_or_of_another_type_make_no_table():
    ids = pa.chunked_array([[3, 1, 2]])
    assert joined.join(pa.chunked_array([[1, None, 3]]), ids).positions.tolist() == [1, -1, 0]
    assert joined.join(pa.chunked_array([["1", "x", "3"]]), ids).positions.tolist() == [1, -1, 0]
    assert joined.join(pa.chunked_array([[1, 2, 5]]), pa.chunked_array([[5, None, 1]])).positions.tolist() == [2, -1, 0]


def test_softmax_of_several_rows():
    logits = np.array([[0.0, np.log(3)], [1000, 1000], [-np.inf, 5], [np.nan, 1]])
    expected = np.array([[0.25, 0.75], [0.5, 0.5], [0, 1], [np.nan, np.nan]])
    assert joined.softmax(logits) == pytest.approx(expected, nan_ok=True)
    three = joined.softmax(np.array([[0.0, 0, 0], [np.log(2), 0, 0]]))
    assert three == pytest.approx(np.array([[1 / 3] * 3, [0.5, 0.25, 0.25]]))
