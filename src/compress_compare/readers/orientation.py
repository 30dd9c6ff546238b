"""In which order the numbers of a tensor stand beside those of the base, told by the numbers themselves.

A square matrix does not show by its shape whether it is transposed, and a GGUF file need not say how many heads its
queries have. The order in which model and base are closest is taken, if it is clearly closer than the order as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..analysis.layers.values import Array, Values
from . import gguf_names

CLEARLY = 0.7
"""Of the distance in the order as it is, what another order must go below to be believed."""

LOOKED_AT = 1 << 20
"""Numbers of a tensor that are looked at."""


def transposed(values: Values) -> Values:
    """The last two dimensions in the other order."""
    return Values.of(np.ascontiguousarray(np.swapaxes(values.whole(), -1, -2)))


def is_transposed(base: Values, model: Values) -> bool:
    """Whether a square matrix is closer to its base the other way round; ``base`` and ``model`` have its shape."""
    size = base.shape[-1]
    step = max(int(np.sqrt(base.count / LOOKED_AT)), 1)
    first, second = (each.whole().reshape(-1, size, size)[:, ::step, ::step] for each in (base, model))
    return _distance(first, np.swapaxes(second, -1, -2)) < CLEARLY * _distance(first, second)


def num_heads(base: Values, model: Values, *, said: int | None) -> int | None:
    """The number of heads with whose order of rows undone a model is closest to its base; ``None``: as it is."""
    rows = model.shape[0]
    if base.shape != model.shape or not rows or rows % 2:
        return None
    columns = model.count // rows
    step = max(model.count // LOOKED_AT, 1)
    first, second = (each.whole().reshape(rows, columns)[:, ::step] for each in (base, model))
    plain = _distance(first, second)
    if plain == 0:
        return None
    found = {heads: _distance(first, second[_order(rows, heads)]) for heads in gguf_names.possible_heads(rows, said)}
    best = min(found, key=lambda heads: found[heads], default=None)
    return best if best is not None and found[best] < CLEARLY * plain else None


def _order(rows: int, heads: int) -> Array:
    """Where each row of the base is in the model."""
    return np.arange(rows).reshape(heads, rows // heads // 2, 2).swapaxes(1, 2).reshape(-1)


def factor(base: Values, model: Values) -> float:
    """The number by which the base is to be multiplied to come closest to the model; NaN where there is none."""
    parts: Sequence[Array] = [each.numbers(0, min(each.count, LOOKED_AT)).astype(np.float64) for each in (base, model)]
    with np.errstate(all="ignore"):
        return float(np.dot(parts[0], parts[1]) / np.dot(parts[0], parts[0]))


def _distance(first: Array, second: Array) -> float:
    with np.errstate(all="ignore"):
        found = float(np.sum((first.astype(np.float64) - second) ** 2))
    return found if np.isfinite(found) else np.inf
