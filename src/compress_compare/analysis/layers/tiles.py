"""Pictures of a matrix at any zoom: cells that stand for 2ⁱ × 2ʲ numbers, at most 256 × 256 of them at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ...errors import InvalidValue
from . import matrix
from .values import Array, Values

SIDE = 256
Shown = Literal["value", "change", "mask"]
COLUMNS: dict[str, tuple[str, ...]] = {
    "value": ("mean", "peak"),
    "change": ("mean", "peak", "model", "base"),
    "mask": ("zero_both", "zero_model_only", "zero_base_only"),
}


@dataclass(frozen=True)
class TilePlace:
    """Where a tile is.

    Args:
        row_level: a cell stands for ``2 ** row_level`` rows.
        column_level: and for ``2 ** column_level`` columns.
        row: of the tile among the tiles of these levels, from 0.
        column: of the tile.
    """

    row_level: int
    column_level: int
    row: int
    column: int


@dataclass(frozen=True)
class Tile:
    """Cells, row by row.

    Args:
        rows: of cells.
        columns: of cells.
        cells: float32 arrays of ``rows · columns`` by the names in ``COLUMNS``.
    """

    rows: int
    columns: int
    cells: dict[str, Array]


def span(place: TilePlace, shape: tuple[int, ...]) -> tuple[tuple[int, int], tuple[int, int]]:
    """The rows and the columns of the matrix that a tile covers.

    Raises:
        InvalidValue: ``layers.tile`` where there is no such tile.
    """
    found = []
    for name, level, index, length in (
        ("row", place.row_level, place.row, matrix.size(shape)[0]),
        ("column", place.column_level, place.column, matrix.size(shape)[1]),
    ):
        covered = SIDE << level
        if index * covered >= length:
            count = math.ceil(length / covered)
            raise InvalidValue(
                "layers.tile",
                f"There is no tile in {name} {index} at level {level}: the tensor has {length:,} {name}s.",
                hint=f"At this level tiles are counted from 0 to {count - 1}." if count else "The tensor is empty.",
            )
        found.append((index * covered, min((index + 1) * covered, length)))
    return found[0], found[1]


def tile(base: Values | None, model: Values, *, place: TilePlace, what: Shown) -> Tile:
    """The cells of a tile.

    Args:
        base: numbers of the base of the model's shape; needed for a change.
        model: numbers of the model.
        place: which tile.
        what: ``value``: the mean and the number furthest from zero, NaN where one of the numbers is; ``change``: the
            same of model − base, and the means of both; ``mask``: shares of the numbers that are zero in both, in the
            model only, in the base only (without a base, all zeros are the model's).

    Raises:
        InvalidValue: ``layers.tile``.
    """
    rows, columns = span(place, model.shape)
    steps = 1 << place.row_level, 1 << place.column_level
    parts: list[dict[str, Array]] = []
    theirs = None if base is None else matrix.blocks(base, rows, columns=columns, step=steps[0])
    for _, numbers in matrix.blocks(model, rows, columns=columns, step=steps[0]):
        other = None if theirs is None else next(theirs)[1]
        parts.append(_cells(other, numbers, what, steps))
    cells = {name: np.concatenate([part[name] for part in parts]) for name in COLUMNS[what]}
    height, width = next(iter(cells.values())).shape
    return Tile(height, width, {name: grid.astype(np.float32).reshape(-1) for name, grid in cells.items()})


def _cells(base: Array | None, model: Array, what: Shown, steps: tuple[int, int]) -> dict[str, Array]:
    with np.errstate(over="ignore", invalid="ignore"):
        if what == "value":
            return {"mean": _mean(model, steps), "peak": _peak(model, steps)}
        if what == "change" and base is not None:
            change = model - base
            means = {"model": _mean(model, steps), "base": _mean(base, steps)}
            return {"mean": _mean(change, steps), "peak": _peak(change, steps), **means}
    first = np.zeros(model.shape, bool) if base is None else base == 0
    second = model == 0
    masks = {"zero_both": first & second, "zero_model_only": second & ~first, "zero_base_only": first & ~second}
    return {name: _mean(mask.astype(np.float64), steps) for name, mask in masks.items()}


def _mean(numbers: Array, steps: tuple[int, int]) -> Array:
    sizes = [
        np.diff(np.append(np.arange(0, length, step), length))
        for length, step in zip(numbers.shape, steps, strict=True)
    ]
    means: Array = _reduced(np.add, numbers, steps) / np.outer(*sizes)
    return means


def _peak(numbers: Array, steps: tuple[int, int]) -> Array:
    """What is furthest from zero, with its sign; of ±x the positive one."""
    most, least = _reduced(np.maximum, numbers, steps), _reduced(np.minimum, numbers, steps)
    return np.asarray(np.where(most >= -least, most, least))


def _reduced(add: np.ufunc, numbers: Array, steps: tuple[int, int]) -> Array:
    for axis, step in enumerate(steps):
        if step > 1:
            numbers = add.reduceat(numbers, np.arange(0, numbers.shape[axis], step), axis=axis)
    return numbers
