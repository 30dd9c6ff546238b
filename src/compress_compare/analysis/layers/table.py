"""The result as an Arrow table: a row for each tensor and module of each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from . import tree
from .align import Match

KEYS = pa.schema(
    [
        ("module", pa.string()),
        ("parameter", pa.string()),
        ("model", pa.string()),
        ("num_parameters", pa.int64()),
        ("alignment", pa.string()),
        ("counterpart", pa.string()),
    ]
)


class Measure(Protocol):
    """Statistics of a row."""

    @property
    def count(self) -> int:
        """How many numbers there are."""

    def columns(self) -> dict[str, Any]:
        """By the names of the columns."""


def build(
    order: Sequence[tree.Key],
    schema: pa.Schema,
    *,
    matches: Mapping[str, Mapping[tree.Key, Match]],
    measures: Mapping[str, Mapping[tree.Key, Measure]],
) -> pa.Table:
    """Put the rows in the order of the tree, for each row the models one after another.

    Args:
        order: all rows.
        schema: of the columns of the mode.
        matches: for each model, how its tensors were aligned.
        measures: for each model, the statistics of the rows that it has.

    Returns:
        ``module, parameter, model, num_parameters, alignment, counterpart`` and the columns of the mode. Of a tensor
        that only the base has, ``num_parameters`` is 0 and the rest is null.
    """
    columns: dict[str, list[Any]] = {name: [] for name in (*KEYS.names, *schema.names)}
    listed = {model: {key for name in found for key in _upwards(name)} for model, found in matches.items()}
    for key in order:
        for model, found in matches.items():
            if key not in listed[model]:
                continue
            measure, match = measures[model].get(key), found.get(key)
            count = measure.count if measure else 0
            how, other = (match.how, match.model) if match else (None, None)
            for name, value in zip(KEYS.names, (*key, model, count, how, other), strict=True):
                columns[name].append(value)
            values = measure.columns() if measure else {}
            for name in schema.names:
                columns[name].append(values.get(name))
    return pa.table(columns, pa.schema([*KEYS, *schema]))


def _upwards(key: tree.Key) -> list[tree.Key]:
    return [key, *((outer, None) for outer in tree.path(key[0]))]
