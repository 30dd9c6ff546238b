"""Putting instances into groups: by class, by a metadata column, or by two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...errors import InvalidValue
from . import features, joined, label_sets
from .frame import LABEL, PREDICTION, Frame
from .joined import Codes

BINS = 5
MAX_NUMBERS = 20
"""A column with more distinct numbers than this is cut at its quantiles."""
MAX_GROUPS = 10_000


@dataclass(frozen=True)
class Grouping:
    """Args:
    codes: ``[instances]`` group of each instance.
    names: ``[groups]`` the value that the group shares, null for instances without one.
    rows: the instance of each code where an instance can be in several groups; ``None`` if each is in one.
    conditions: ``[groups]`` each, of combinations: the first and the second condition in words; else empty.
    """

    codes: Codes
    names: pa.Array
    rows: NDArray[np.int64] | None = None
    conditions: tuple[pa.Array, ...] = ()


def columns_of(by: str | Sequence[str] | None) -> tuple[str, ...]:
    """The columns to group by, as a tuple."""
    return () if by is None else (by,) if isinstance(by, str) else tuple(by)


def grouping(frame: Frame, by: Sequence[str]) -> Grouping:
    """Groups by no column (the class), one, or the combinations of two.

    Raises:
        InvalidValue: ``behaviors.group`` for a column that is not there or cannot group.
    """
    if len(by) > 2:
        raise InvalidValue("behaviors.group", "Instances are grouped by at most two columns.", hint="Name two.")
    if not by and frame.has_sets:
        rows, labels = label_sets.members(frame)
        return Grouping(labels.astype(np.int32), label_sets.distinct(frame), rows)
    parts = [_one(frame, name) for name in by or [_class_column(frame)]]
    if len(parts) == 1:
        return parts[0]
    return combined(parts[0], parts[1], columns=by)


def _class_column(frame: Frame) -> str:
    if not frame.has_labels or frame.is_numeric:
        raise InvalidValue(
            "behaviors.group",
            "There are no classes to group by.",
            detail="The dataset has no labels." if not frame.has_labels else "Labels or predictions are measurements.",
            hint=f"Choose a column: by one of {', '.join(groupable(frame)) or 'none'}.",
        )
    return LABEL


def groupable(frame: Frame) -> list[str]:
    """Columns that can group: the label, the base's prediction, metadata, and simple features of texts and images."""
    schema = frame.dataset.schema
    names = [field.name for field in schema if field.name not in ("id", "image", "text") and _groups(field.type)]
    names = [*([LABEL] if frame.has_sets else []), *names, *features.names(frame)]
    if frame.is_numeric:
        return names
    place = 1 if names[:1] == [LABEL] else 0
    return [*names[:place], PREDICTION, *names[place:]]


def _groups(type: pa.DataType) -> bool:
    tests = (pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_string)
    return any(test(type) for test in tests)


def _one(frame: Frame, name: str) -> Grouping:
    if name not in groupable(frame):
        raise InvalidValue(
            "behaviors.group",
            f"The instances cannot be grouped by {name[:80]!r}.",
            hint=f"Choose one of: {', '.join(groupable(frame)) or 'none'}.",
        )
    if name in (LABEL, PREDICTION) and not frame.is_numeric:
        codes = frame.labels() if name == LABEL else frame.predictions(frame.base)
        return frame.keep(("grouping", name), lambda: _compact(codes, frame.classes()))
    is_feature = name not in frame.dataset.schema.names
    return frame.keep(
        ("grouping", name), lambda: by_values(features.column(frame, name) if is_feature else frame.column(name))
    )


def feature(frame: Frame, name: str) -> Grouping | None:
    """The groups of one column for the search for slices; ``None`` for one that has hardly two alike, as an id has."""
    column = frame.column(name) if name in frame.dataset.schema.names else None
    if column is not None and pa.types.is_string(column.type) and 2 * len(pc.unique(column)) > len(column):
        return None
    found = _one(frame, name)
    return found if len(found.names) > 1 else None


def by_values(column: pa.ChunkedArray) -> Grouping:
    """Groups of equal values; many distinct numbers are cut into quantiles of about the same size.

    Raises:
        InvalidValue: ``behaviors.group`` beyond 10,000 distinct values.
    """
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    is_number = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
    if is_number and len(pc.unique(column.slice(0, 100 * MAX_NUMBERS)).drop_null()) > MAX_NUMBERS:
        return by_quantiles(column)
    values = joined.classes_of([column])
    if is_number and len(values) > MAX_NUMBERS:
        return by_quantiles(column)
    if len(values) > MAX_GROUPS:
        raise InvalidValue(
            "behaviors.group",
            "The column has too many distinct values to group by.",
            detail=f"It has {len(values):,}; at most {MAX_GROUPS:,} are groups.",
        )
    return _compact(joined.codes(column, values), values)


def by_quantiles(column: pa.ChunkedArray, bins: int = BINS) -> Grouping:
    """Groups ``low to high`` between quantiles; a value on a border belongs above it."""
    numbers = np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    finite = np.isfinite(numbers)
    edges = np.unique(np.quantile(numbers[finite], np.arange(bins + 1) / bins))
    places = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, max(len(edges) - 2, 0)).astype(np.int32)
    places[np.isnan(numbers)] = -1
    texts = _told_apart(edges)
    names = [f"{low} to {high}" for low, high in pairwise(texts)]
    return _compact(places, pa.array(names or texts))


def _told_apart(edges: NDArray[np.float64]) -> list[str]:
    """Numbers with as few significant digits, two or more, as leave all of them different."""
    for digits in range(2, 18):
        texts = [_number(float(edge), digits) for edge in edges]
        if len(set(texts)) == len(edges):
            break
    return texts


def _number(value: float, digits: int) -> str:
    rounded = float(f"{value:.{digits}g}")
    text = f"{rounded:,.0f}" if 1000 <= abs(rounded) < 1e15 and rounded.is_integer() else f"{rounded:.{digits}g}"
    return text.replace("-", "−")


def combined(first: Grouping, second: Grouping, *, columns: Sequence[str]) -> Grouping:
    """The combinations of two groupings that occur, named as `condition` words them: ``a x, b y``."""
    joint = first.codes.astype(np.int64) * len(second.names) + second.codes
    kept, codes = _distinct(joint, size=len(first.names) * len(second.names))
    parts = [
        [condition(column, part.names[int(code)].as_py()) for code in places]
        for column, part, places in zip(
            columns, (first, second), (kept // len(second.names), kept % len(second.names)), strict=True
        )
    ]
    names = [", ".join(pair) for pair in zip(*parts, strict=True)]
    if len(names) > MAX_GROUPS:
        raise InvalidValue(
            "behaviors.group", f"The two columns make {len(names):,} groups; the limit is {MAX_GROUPS:,}."
        )
    conditions = tuple(pa.array(part, pa.string()) for part in parts)
    return Grouping(codes.astype(np.int32), pa.array(names, pa.string()), conditions=conditions)


def _distinct(joint: NDArray[np.int64], *, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The combinations that occur, ascending, and the place of each instance's among them."""
    if size > MAX_GROUPS**2:
        kept, codes = np.unique(joint, return_inverse=True)
        return kept, codes
    kept = np.flatnonzero(np.bincount(joint, minlength=size))
    places = np.zeros(size, dtype=np.int64)
    places[kept] = np.arange(len(kept))
    return kept, places[joint]


def _compact(codes: Codes, values: pa.Array) -> Grouping:
    """Only groups that have an instance; instances without a value are the last group, named null."""
    counts = np.bincount(codes + 1, minlength=len(values) + 1)
    used = np.flatnonzero(counts[1:])
    missing = counts[0] > 0
    places = np.full(len(values) + 1, len(used), dtype=np.int32)
    places[used] = np.arange(len(used))
    names = values.take(pa.array(used))
    if missing:
        names = pa.concat_arrays([names, pa.nulls(1, names.type)])
    return Grouping(places[codes], names)


def condition(column: str, value: object) -> str:
    """A condition in words: ``label 1``, ``base predicts 1``, ``slant −0.35 to −0.15``, ``not cropped``."""
    if isinstance(value, bool):
        return column if value else f"not {column}"
    name = "base predicts" if column == PREDICTION else column
    text = "none" if value is None else f"{value:.4g}".replace("-", "−") if isinstance(value, float) else str(value)
    return f"{name} {text}"
