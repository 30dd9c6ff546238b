"""Sorting and filtering instances. A filter is data, never code: conditions of a column, an operator and a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...errors import InvalidValue
from .joined import BLOCK, Mask

Condition = tuple[str, str, Any]
OPERATORS: Mapping[str, Callable[[pa.Array, Any], pa.Array]] = {
    "==": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
SETS, CONTAINS, NULL, FINITE = ("in", "not in"), "contains", "is null", "is finite"
MAX_CONDITIONS = 50


def conditions(where: object) -> list[Condition]:
    """A filter as a list of conditions, all of which hold.

    Args:
        where: ``None``; a mapping of columns to the value, or to the list of values, that they have; or a list of
            ``(column, operator, value)`` with the operators ``== != < <= > >=``, ``in``, ``not in`` (a list),
            ``contains`` (text, ignoring case), ``is null`` and ``is finite`` (true or false).

    Raises:
        InvalidValue: ``behaviors.where``.
    """
    if where is None:
        return []
    if isinstance(where, Mapping):
        pairs = where.items()
        return [(str(name), "in" if isinstance(value, list | tuple | set) else "==", value) for name, value in pairs]
    if not isinstance(where, Sequence) or isinstance(where, str) or len(where) > MAX_CONDITIONS:
        raise _refused(f"A filter is a mapping or a list of at most {MAX_CONDITIONS} conditions.", type(where).__name__)
    found = []
    for condition in where:
        if not isinstance(condition, list | tuple) or len(condition) != 3 or not isinstance(condition[0], str):
            raise _refused("A condition is [column, operator, value].", f"{condition!r:.80}")
        found.append((condition[0], str(condition[1]), condition[2]))
    return found


def holds(column: pa.Array, operator: str, *, value: Any) -> Mask:
    """Which values meet a condition; null and NaN meet none but ``is null`` and ``!=``.

    Raises:
        InvalidValue: ``behaviors.where`` for an unknown operator or a value of another kind than the column's.
    """
    try:
        found = _holds(column, operator, value)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
        raise _refused(f"The filter compares a column of type {column.type} with {value!r:.80}.", operator) from error
    return np.asarray(found.fill_null(False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def _holds(column: pa.Array, operator: str, value: Any) -> pa.Array:
    if operator in OPERATORS:
        answer = OPERATORS[operator](column, _scalar(value, column.type))
        return pc.fill_null(answer, True) if operator == "!=" else answer
    if operator in SETS:
        values = value if isinstance(value, Iterable) and not isinstance(value, str | bytes) else [value]
        within = pc.is_in(column, value_set=pa.array(list(values), column.type))
        return within if operator == "in" else pc.invert(within)
    if operator == CONTAINS and pa.types.is_string(column.type):
        return pc.match_substring(column, str(value), ignore_case=True)
    if operator == NULL:
        return pc.equal(column.is_null(nan_is_null=False), bool(value))
    if operator == FINITE and pa.types.is_floating(column.type):
        return pc.equal(pc.fill_null(pc.is_finite(column), False), bool(value))
    known = ", ".join([*OPERATORS, *SETS, CONTAINS, NULL, FINITE])
    raise _refused(f"The operator {operator[:20]!r} does not apply to a column of type {column.type}.", f"of {known}")


def _scalar(value: Any, type: pa.DataType) -> pa.Scalar:
    is_number = pa.types.is_integer(type) or pa.types.is_floating(type)
    if is_number and isinstance(value, float):
        return pa.scalar(value, pa.float64())
    if (isinstance(value, str) and is_number) or isinstance(value, bool) != pa.types.is_boolean(type):
        raise pa.ArrowTypeError("of another kind")
    return pa.scalar(value, type)


def order(column: pa.Array, *, descending: bool) -> NDArray[np.int64]:
    """Indices that sort a column, stable; NaN after all numbers and null after NaN, in both directions."""
    if pa.types.is_floating(column.type):
        return _order_numbers(column, descending=descending)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    direction = "descending" if descending else "ascending"
    found = pc.array_sort_indices(column, order=direction, null_placement="at_end")
    return np.asarray(found.to_numpy(), dtype=np.int64)


def first(column: pa.Array, count: int, *, descending: bool) -> NDArray[np.int64]:
    """The first of ``order``, without sorting all numbers: the best so far, and what comes before the last of them.

    Args:
        column: ``[n]`` values.
        count: how many, at least 1.
        descending: the largest first.
    """
    keys = _keys(column, descending=descending)
    if keys is None:
        return order(column, descending=descending)[:count]
    best, step = np.zeros(0, np.int64), max(BLOCK, 4 * count)
    for start in range(0, len(keys), step):
        block = keys[start : start + step]
        near = np.flatnonzero(block < keys[best[-1]] if len(best) == count else block == block)
        if len(near):
            found = np.concatenate([best, start + near])
            best = found[np.argsort(keys[found], kind="stable")[:count]]
    if len(best) < count:  # what is not a number follows, in the order of what it is and where it stands
        return order(column, descending=descending)[:count]
    return best


def _keys(column: pa.Array, *, descending: bool) -> NDArray[Any] | None:
    """Numbers in the order of the values, NaN for what is null; nothing for values of other kinds."""
    if pa.types.is_floating(column.type):
        numbers = np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
        return np.asarray(-numbers if descending else numbers)
    if pa.types.is_integer(column.type) and column.null_count == 0:
        whole = column.to_numpy(zero_copy_only=False)
        return np.asarray(~whole if descending else whole)
    return None


def _order_numbers(column: pa.Array, *, descending: bool) -> NDArray[np.int64]:
    """NumPy's fastest sort is not stable: what is equal is put in order afterwards, by sorting whole numbers."""
    keys: NDArray[Any] = _keys(column, descending=descending)  # type: ignore[assignment]
    found = np.argsort(keys)
    ascending = keys[found]
    same = (ascending[1:] == ascending[:-1]) | np.isnan(ascending[:-1])
    first_of_equals = np.cumsum(np.concatenate(([0], ~same)), dtype=np.int64)[: len(keys)] * len(keys)
    stable = np.sort(first_of_equals + found) - first_of_equals
    if column.null_count == 0:
        return stable
    null = column.is_null().to_numpy(zero_copy_only=False)[stable]
    return np.concatenate([stable[~null], stable[null]])


def direction(sort: str) -> tuple[str, bool]:
    """``-name`` is ``name``, descending."""
    return (sort[1:], True) if sort.startswith("-") else (sort, False)


def _refused(title: str, found: str) -> InvalidValue:
    return InvalidValue(
        "behaviors.where", title, detail=f"Found {found}.", hint="See the documentation of instances()."
    )
