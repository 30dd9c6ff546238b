"""Numbers of tensors a piece at a time, in the types that hold them."""

import numpy as np
import pytest

from compress_compare.analysis.layers.values import Values


@pytest.mark.parametrize(
    ("dtype", "held"),
    [
        *(("?", "f4"), ("i1", "f4"), ("u1", "f4"), ("i2", "f4"), ("u2", "f4"), ("f2", "f4"), ("f4", "f4")),
        *(("i4", "f8"), ("u4", "f8"), ("i8", "f8"), ("f8", "f8")),
    ],
)
def test_numbers_are_exact_in_the_smallest_type_that_holds_them(dtype, held):
    numbers = np.array([[0, 1, 0], [1, 1, 0]]).astype(dtype)
    values = Values.of(numbers)
    assert values.numbers(1, 5).dtype == np.dtype(held)
    assert values.numbers(1, 5).tolist() == [1, 0, 1, 1]
    assert values.zeros(1, 5).tolist() == [False, True, False, False]
    assert (values.count, values.num_bytes) == (6, numbers.nbytes)
    assert np.array_equal(values.whole(), numbers)
    assert values.kind == (numbers.dtype if dtype[0] == "f" else np.float64)


def test_numbers_that_are_packed_in_units():
    rows = np.arange(12, dtype=np.float32).reshape(4, 3)
    values = Values((2, 6), "packed", rows, decode=lambda first, last: rows[first:last], unit=3)
    for start in range(12):
        for stop in range(start, 13):
            assert values.numbers(start, stop).tolist() == list(range(start, stop))
    assert values.zeros(0, 3).tolist() == [True, False, False]
    assert values.kind == np.float32


def test_codes_stand_for_numbers():
    table = np.arange(256, dtype=np.float32) % 5
    values = Values((4,), "code", np.array([0, 5, 7, 10], np.uint8), table=table)
    assert values.numbers(0, 4).tolist() == [0, 0, 2, 0]
    assert values.zeros(0, 4).tolist() == [True, True, False, True]
