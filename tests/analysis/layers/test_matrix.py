"""Parts of a tensor as a matrix against NumPy's slices, and how much is decoded for them."""

import numpy as np
import pytest

from compress_compare.analysis.layers import matrix
from compress_compare.analysis.layers.values import Values


def watched(shape):
    """Numbers that count up, and a list that is filled with the spans that are asked for."""
    numbers, spans = np.arange(np.prod(shape), dtype=np.float32), []

    def decode(first, last):
        spans.append((first, last))
        return numbers[first:last]

    return numbers.reshape(shape), Values(shape, "F32", numbers[:0], decode=decode), spans


@pytest.mark.parametrize("piece", [1, 5, 30, 1000])
@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize(
    ("rows", "columns"), [((0, 7), (0, 10)), ((2, 6), (3, 6)), ((1, 7), (9, 10)), ((3, 3), (0, 2))]
)
def test_parts_make_up_the_slice(monkeypatch, piece, step, rows, columns):
    monkeypatch.setattr(matrix, "PIECE", piece)
    array, tensor, _ = watched((7, 2, 5))
    found = list(matrix.blocks(tensor, rows, columns=columns, step=step))
    expected = array.reshape(7, 10)[rows[0] : rows[1], columns[0] : columns[1]]
    assert np.array_equal(
        np.concatenate([np.empty((0, columns[1] - columns[0])), *(part for _, part in found)]), expected
    )
    assert all(part.dtype == np.float64 for _, part in found)
    lengths = [len(part) for _, part in found]
    assert [first for first, _ in found] == [rows[0] + sum(lengths[:at]) for at in range(len(found))]
    assert all(length % step == 0 for length in lengths[:-1])


def test_without_a_step_rows_may_be_torn_apart(monkeypatch):
    monkeypatch.setattr(matrix, "PIECE", 4)
    assert [len(part) for _, part in matrix.blocks(watched((3, 4))[1], (0, 3), columns=(0, 4))] == [1, 1, 1]


@pytest.mark.parametrize(
    ("wanted", "spans"),
    [(2, [(0, 8), (8, 16), (16, 24)]), (1, [(3, 4), (11, 12), (19, 20)]), (5, [(0, 8), (8, 16), (16, 24)])],
)
def test_of_wide_rows_no_more_is_decoded_than_is_asked_for(monkeypatch, wanted, spans):
    """Whole rows up to four times as wide as what is wanted of them."""
    monkeypatch.setattr(matrix, "PIECE", 8)
    _, tensor, asked = watched((3, 8))
    list(matrix.blocks(tensor, (0, 3), columns=(3, 3 + wanted)))
    assert asked == spans


@pytest.mark.parametrize(("columns", "heights"), [((0, 8), [2, 2, 1]), ((0, 1), [5])])
def test_a_part_has_as_many_rows_as_are_decoded_at_once(monkeypatch, columns, heights):
    monkeypatch.setattr(matrix, "PIECE", 16)
    assert [len(part) for _, part in matrix.blocks(watched((5, 8))[1], (0, 5), columns=columns)] == heights


def test_sizes_of_scalars_lists_and_more_dimensions():
    assert [matrix.size(shape) for shape in ((), (3,), (3, 4), (2, 3, 4), (0, 5), (5, 0))] == [
        *((1, 1), (3, 1), (3, 4), (2, 12), (0, 5), (5, 0))
    ]
    assert [part.tolist() for _, part in matrix.blocks(Values.of(np.zeros((2, 0))), (0, 2), columns=(0, 0))] == [
        [[], []]
    ]


def test_rows_just_wider_than_four_times_what_is_wanted_are_not_decoded_whole():
    _, tensor, asked = watched((2, 9))
    list(matrix.blocks(tensor, (0, 2), columns=(1, 3)))
    assert asked == [(1, 3), (10, 12)]


@pytest.mark.parametrize(("step", "heights"), [(1, [5, 2]), (2, [4, 3]), (3, [3, 3, 1]), (4, [4, 3]), (6, [6, 1])])
def test_rows_of_a_step_are_decoded_together(monkeypatch, step, heights):
    monkeypatch.setattr(matrix, "PIECE", 40)
    found = matrix.blocks(watched((7, 8))[1], (0, 7), columns=(0, 8), step=step)
    assert [len(part) for _, part in found] == heights
