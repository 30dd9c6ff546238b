"""How much of a model the numbers of a row are about: tensors compared of all, and the share of the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import tree
from .merged import Order
from .values import Array

FIELDS = pa.schema(
    [("num_tensors", pa.int64()), ("num_tensors_compared", pa.int64()), ("share_compared", pa.float64())]
)
ENOUGH = 0.5
"""Share of the weights below which a sum over a module says nothing about it."""

OF_CHANGE = ("mean_abs_change", "relative_error", "sqnr_db", "cosine")
"""What is not told of a module of which too little was compared."""


@dataclass(frozen=True)
class Part:
    """One tensor: how many weights it stands for, and whether they are compared."""

    weights: int
    compared: bool


@dataclass(frozen=True)
class Covered:
    """How much of a model was compared."""

    tensors: int
    compared: int
    share: float

    def __str__(self) -> str:
        """``38 of 41 tensors, 96.2% of the weights``."""
        return f"{self.compared:,} of {self.tensors:,} tensors, {percent(self.share)} of the weights"

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return self.compared == self.tensors

    @staticmethod
    def of(parts: Sequence[Part]) -> Covered:
        """Of the tensors of a model."""
        total, compared = sum(part.weights for part in parts), [part for part in parts if part.compared]
        share = sum(part.weights for part in compared) / total if total else 1.0
        return Covered(len(parts), len(compared), share)


def percent(share: float) -> str:
    """``96.2%``; never 100 or 0 for what is not all or nothing."""
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    return f"{min(max(100 * share, 0.1), 99.9):.1f}%"


def added(rows: pa.Table, order: Order, *, parts: Mapping[str, Mapping[tree.Key, Part]]) -> pa.Table:
    """A table with the columns ``num_tensors, num_tensors_compared, share_compared``.

    Args:
        rows: with ``module``, ``parameter`` and ``model``. Numbers about the change of a module of which less than
            half was compared become null.
        order: of the tree of all models.
        parts: the tensors of each model.
    """
    places = {key: place for place, key in enumerate(order.rows)}
    sums = {model: _sums(order, found) for model, found in parts.items()}
    keys = zip(*(rows[name].to_pylist() for name in ("module", "parameter", "model")), strict=True)
    found = np.array([sums[model][:, places[module, parameter]] for module, parameter, model in keys], float)
    tensors, compared, weights, told = found.reshape(-1, 4).T
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(weights > 0, told / weights, compared / tensors)
    arrays = [pa.array(tensors.astype(np.int64)), pa.array(compared.astype(np.int64)), pa.array(share)]
    for field, array in zip(FIELDS, arrays, strict=True):
        rows = rows.append_column(field, array)
    is_leaf = np.array([parameter is not None for parameter in rows["parameter"].to_pylist()], bool)
    hidden = pa.array((share < ENOUGH) & ~is_leaf)
    for name in OF_CHANGE:
        if name in rows.column_names:
            at = rows.column_names.index(name)
            kept = pc.if_else(hidden, pa.scalar(None, rows.schema.field(at).type), rows[name])
            rows = rows.set_column(at, rows.schema.field(at), kept)
    return rows


def _sums(order: Order, parts: Mapping[tree.Key, Part]) -> Array:
    """For each row of the tree: tensors, compared ones, weights, compared ones: ``(4, rows)``."""
    keys = [order.rows[place] for place in order.tensors.tolist()]
    listed = [parts.get(key) for key in keys]
    each = np.zeros((4, len(listed) + 1))
    for place, part in enumerate(listed):
        if part is not None:
            each[:, place + 1] = 1, part.compared, part.weights, part.weights * part.compared
    before = np.cumsum(each, axis=1)
    return np.asarray(before[:, order.spans[:, 1]] - before[:, order.spans[:, 0]])
