"""Which rows of a table of models meet a condition, and in which order they come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...errors import InvalidValue
from ...records import Metric
from ..quantities.reading import quantity
from .expression import Both, ColumnTest, Condition, Either, Not, known, unknown

Mask = NDArray[np.bool_]
COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


@dataclass(frozen=True)
class ModelColumns:
    """What can be asked of models.

    Args:
        table: a row per model.
        metrics: by column, the metric that its numbers are of.
    """

    table: pa.Table
    metrics: Mapping[str, Metric]

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(self.table.column_names)

    def named(self, name: str) -> str:
        """The column that is meant, whatever its case.

        Raises:
            InvalidValue: ``ask.name`` with the nearest one.
        """
        found = known(name, self.names)
        if found is None:
            raise unknown(name, self.names)
        return found

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column as numbers, NaN where missing."""
        return np.array(self.table[name].to_pylist(), dtype=np.float64)


def mask(condition: Condition, columns: ModelColumns) -> Mask:
    """Which rows meet a condition. What is missing meets none but ``is missing``, and NaN none but ``!=``.

    Raises:
        InvalidValue: ``ask.value`` for a value that the column cannot have, with its place.
    """
    if isinstance(condition, Not):
        return ~mask(condition.part, columns)
    if isinstance(condition, Both):
        return np.asarray(np.logical_and.reduce([mask(part, columns) for part in condition.parts]))
    if isinstance(condition, Either):
        return np.asarray(np.logical_or.reduce([mask(part, columns) for part in condition.parts]))
    column = columns.table[condition.name]
    present = np.array(column.is_valid().to_pylist(), dtype=np.bool_)
    if condition.operator == "missing":
        return ~present
    if pa.types.is_list(column.type):
        present = np.asarray([bool(row) for row in column.to_pylist()], dtype=np.bool_)
        return present & _of_lists(condition, column)
    if pa.types.is_string(column.type):
        return present & _of_texts(condition, column)
    return present & _of_numbers(condition, columns)


def order(columns: ModelColumns, by: Sequence[str], *, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows sorted by columns, the first one first; a name that begins with ``-`` from the largest to the smallest.

    What is missing or NaN comes last in both directions; equal rows stay in their order.

    Raises:
        InvalidValue: ``ask.name``, ``ask.value`` for a column without an order.
    """
    for name in reversed(by):
        exact = known(name, columns.names)
        descending = exact is None and name.startswith("-")
        column = columns.named(name[1:].strip() if descending else name)
        kind = columns.table[column].type
        if pa.types.is_list(kind):
            raise InvalidValue("ask.value", f"{column!r} has no order.", hint="Sort by a metric, id or operation.")
        if pa.types.is_string(kind):
            texts = columns.table[column].to_pylist()
            some = [row for row in rows.tolist() if texts[row] is not None]
            none = [row for row in rows.tolist() if texts[row] is None]
            rows = np.asarray([*sorted(some, key=lambda row: str(texts[row]), reverse=descending), *none], np.int64)
            continue
        numbers = columns.numbers(column)[rows]
        rows = rows[np.lexsort((-numbers if descending else numbers, np.isnan(numbers)))]
    return rows


def _of_numbers(test: ColumnTest, columns: ModelColumns) -> Mask:
    metric = columns.metrics.get(test.name)
    if test.operator == "contains":
        raise _refused(test, "It is a number, and contains is for texts.")
    try:
        value = quantity(test.value, unit=metric.unit if metric else "")
    except InvalidValue as error:
        raise _refused(test, error.detail) from error
    return np.asarray(COMPARED[test.operator](columns.numbers(test.name), value), dtype=np.bool_)


def _of_texts(test: ColumnTest, column: pa.ChunkedArray) -> Mask:
    texts = [text or "" for text in column.to_pylist()]
    if test.operator == "contains":
        wanted = test.value.casefold()
        return np.asarray([wanted in text.casefold() for text in texts], dtype=np.bool_)
    if test.operator not in ("=", "!="):
        raise _refused(test, "It is a text, which is compared with =, != and contains.")
    return np.asarray([(text == test.value) == (test.operator == "=") for text in texts], dtype=np.bool_)


def _of_lists(test: ColumnTest, column: pa.ChunkedArray) -> Mask:
    if test.operator not in ("=", "!=", "contains"):
        raise _refused(test, "It is a list, which is compared with contains.")
    return np.asarray([(test.value in row) == (test.operator != "!=") for row in column.to_pylist()], dtype=np.bool_)


def _refused(test: ColumnTest, detail: str) -> InvalidValue:
    where = f"Character {test.place + 1}: {test.value[:60]!r}. {detail}"
    return InvalidValue("ask.value", f"{test.name!r} cannot be compared so.", detail=where)
