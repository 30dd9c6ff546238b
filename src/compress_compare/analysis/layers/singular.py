"""The singular values of a tensor as a matrix of output channels, however many numbers a channel has."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from . import matrix
from .values import Array, Values

MOST = 2048
"""Of the shorter side: its square is held, and its cube is what the values cost."""

MOST_NUMBERS = 1 << 25
"""That all are multiplied with the shorter side."""

PIECE = 1 << 23
"""Numbers of a wide matrix that are held at once."""

PRECISION = 1e-7
"""Of the largest: values below are not told apart from zero."""


def unavailable(shape: tuple[int, ...]) -> str | None:
    """Why a tensor of a shape has no singular values here, in a sentence; ``None`` where it has."""
    rows, columns = matrix.size(shape)
    if len(shape) < 2 or min(rows, columns) < 2:
        return "A vector has no spectrum: singular values are those of a matrix."
    if min(rows, columns) <= MOST and rows * columns <= MOST_NUMBERS:
        return None
    return (
        f"The matrix is {rows:,} × {columns:,}: singular values are computed up to {MOST:,} on the shorter side and "
        f"{MOST_NUMBERS / 1e6:.1f} million numbers."
    )


def singular_values(tensor: Values) -> Array | None:
    """All singular values, largest first; ``None`` where a number is not finite.

    They are roots of the eigenvalues of the Gram matrix of the shorter side, which is summed in double precision, so
    values below ``PRECISION`` of the largest are given as 0.

    Args:
        tensor: with ``unavailable(tensor.shape)`` None.
    """
    rows, columns = matrix.size(tensor.shape)
    side = min(rows, columns)
    gram = np.zeros((side, side))
    for numbers in _pieces(tensor, rows, columns):
        if not np.isfinite(numbers).all():
            return None
        gram += numbers.T @ numbers
    squares = np.linalg.eigvalsh(gram)[::-1].clip(min=0)
    found = np.sqrt(squares)
    found[found < PRECISION * found[0]] = 0
    return np.asarray(found)


def _pieces(tensor: Values, rows: int, columns: int) -> Iterator[Array]:
    """Pieces of the matrix, its shorter side across, that have all of that side."""
    if columns <= rows:
        yield from (numbers for _, numbers in matrix.blocks(tensor, (0, rows), columns=(0, columns)))
        return
    width = max(PIECE // rows, 1)
    for first in range(0, columns, width):
        part = matrix.blocks(tensor, (0, rows), columns=(first, min(first + width, columns)))
        yield np.concatenate([numbers for _, numbers in part]).T
