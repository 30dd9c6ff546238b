import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_compare.demos.pydoc.pieces import Pieces

TEXT = b"low low low low low lower lower newest newest newest newest newest newest widest widest widest"


def test_the_commonest_neighbors_are_joined_first():
    # By hand: "es" and "st" occur nine times (newest, widest); "es" is the lower pair. Then "est".
    pieces = Pieces.learned(TEXT, 258)
    assert pieces.spelled[256:] == (b"es", b"est")
    assert [pieces.spelled[piece] for piece in pieces.encode(b"widest")] == [b"w", b"i", b"d", b"est"]


def test_learning_ends_when_nothing_is_left_to_join():
    pieces = Pieces.learned(b"ab ab", 1000)
    assert set(pieces.spelled[256:]) == {b"ab", b" ab"}
    assert len(pieces) == 258


@given(st.binary(max_size=200))
def test_every_text_comes_back(text):
    pieces = Pieces.learned(TEXT, 280)
    assert pieces.decode(pieces.encode(text)) == text


@pytest.mark.parametrize("size", [256, 257, 300])
def test_more_pieces_make_a_text_no_longer(size):
    shorter, longer = Pieces.learned(TEXT, size + 1), Pieces.learned(TEXT, size)
    assert len(shorter.encode(TEXT)) <= len(longer.encode(TEXT))
