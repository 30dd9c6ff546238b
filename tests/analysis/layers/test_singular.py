"""Singular values against NumPy's decomposition, and which of them are zero."""

import numpy as np
import pytest

from compress_compare.analysis.layers import singular
from compress_compare.analysis.layers.values import Values

RNG = np.random.default_rng(11)


def found(array):
    return singular.singular_values(Values.of(np.asarray(array, np.float32)))


@pytest.mark.parametrize("shape", [(5, 5), (3, 40), (40, 3), (4, 3, 2, 2), (1, 7), (7, 1)])
@pytest.mark.parametrize("piece", [1 << 23, 16])
def test_they_are_those_of_numpy_however_the_matrix_is_cut(monkeypatch, shape, piece):
    monkeypatch.setattr(singular, "PIECE", piece)
    array = RNG.normal(size=shape).astype(np.float32)
    expected = np.linalg.svd(array.reshape(shape[0], -1).astype(np.float64), compute_uv=False)
    assert found(array) == pytest.approx(expected, rel=1e-7, abs=1e-7 * expected[0])


@pytest.mark.parametrize("rank", [0, 1, 2, 5])
@pytest.mark.parametrize(("rows", "columns"), [(6, 9), (9, 6), (6, 6)])
def test_a_matrix_of_small_integers_has_as_many_as_its_rank(rank, rows, columns):
    array = RNG.integers(-3, 4, (rows, rank)) @ RNG.integers(-3, 4, (rank, columns))
    assert np.linalg.matrix_rank(array) == rank
    values = found(array)
    assert (values[:rank] > 0).all() and values[rank:].tolist() == [0.0] * (6 - rank)
    assert (np.diff(values) <= 0).all()


@pytest.mark.parametrize(("ratio", "is_zero"), [(1e-5, False), (2e-7, False), (5e-8, True), (1e-12, True)])
def test_what_is_not_told_apart_from_zero_is_zero(ratio, is_zero):
    values = found(np.diag([1.0, ratio, 0.5]))
    assert values[:2] == pytest.approx([1, 0.5])
    assert values[2] == (0 if is_zero else pytest.approx(ratio, rel=0.05))


def test_numbers_that_are_not_finite_have_none():
    for number in (np.nan, np.inf, -np.inf):
        assert found([[1, 2], [number, 3]]) is None


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        ((), "vector"), ((9,), "vector"), ((1, 9), "vector"), ((9, 1), "vector"), ((0, 4), "vector"), ((2, 2), None),
        ((4, 8), None), ((4, 9), "4 × 9"), ((5, 5), "5 × 5"), ((8, 4), None), ((2, 4, 4), None), ((2, 3, 6), "2 × 18"),
    ],
)  # fmt: skip
def test_vectors_and_what_is_too_large_have_none(monkeypatch, shape, why):
    monkeypatch.setattr(singular, "MOST", 4)
    monkeypatch.setattr(singular, "MOST_NUMBERS", 32)
    said = singular.unavailable(shape)
    assert said is None if why is None else why in said


def test_how_large_a_matrix_may_be_is_said():
    assert singular.unavailable((2048, 16_384)) is singular.unavailable((16_384, 2048)) is None
    assert singular.unavailable((2049, 2049)) == (
        "The matrix is 2,049 × 2,049: singular values are computed up to 2,048 on the shorter side and "
        "33.6 million numbers."
    )
    assert "16,385" in (singular.unavailable((2048, 16_385)) or "")
