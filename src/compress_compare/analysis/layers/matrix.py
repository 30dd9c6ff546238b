"""A tensor as a matrix, some of it at a time: output channels are rows, all other dimensions together are columns."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from .values import Array, Values

PIECE = 1 << 20
"""Numbers that are decoded at once."""


def size(shape: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of the matrix that a tensor of a shape is looked at as; a scalar is one number."""
    return (shape[0], math.prod(shape[1:])) if shape else (1, 1)


def blocks(
    tensor: Values, rows: tuple[int, int], *, columns: tuple[int, int], step: int = 1
) -> Iterator[tuple[int, Array]]:
    """Parts of a matrix from above to below.

    Args:
        tensor: of any shape.
        rows: first row, and the one after the last.
        columns: first column, and the one after the last.
        step: rows that must not be torn apart.

    Yields:
        The first row of a part, and its numbers ``(rows, columns)`` in double precision; all parts but the last have
        a multiple of ``step`` rows, counted from the first row asked for.
    """
    width = size(tensor.shape)[1]
    wanted = columns[1] - columns[0]
    # decoding the whole of a row costs less than a call for each
    whole = width <= 4 * wanted
    height = max(PIECE // max(width if whole else wanted, 1) // step, 1) * step
    for first in range(rows[0], rows[1], height):
        last = min(first + height, rows[1])
        if whole:
            found = tensor.numbers(first * width, last * width).reshape(last - first, width)[:, columns[0] : columns[1]]
        else:
            parts = [tensor.numbers(row * width + columns[0], row * width + columns[1]) for row in range(first, last)]
            found = np.stack(parts)
        yield first, found.astype(np.float64)
