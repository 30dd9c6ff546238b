"""Coverage: tensor by tensor, what an operation changed, what it skipped, and what it changed that it should not have.

Pure: arrays in, Arrow out. What should change follows from the operation (``Expectation``) and from the names and
shapes of the tensors, since a checkpoint says no more: a weight has two or more dimensions, everything else that is a
floating-point number is a norm or a bias.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

Scope = Literal["weights", "everything", "statistics"]
Arrays = Mapping[str, np.ndarray]

SCHEMA = pa.schema(
    [
        ("tensor", pa.string()),
        ("status", pa.string()),
        ("expected", pa.bool_()),
        ("shape", pa.string()),
        ("values", pa.int64()),
        ("changed", pa.float64()),
        ("zeros_before", pa.float64()),
        ("zeros_after", pa.float64()),
        ("levels_before", pa.int64()),
        ("levels_after", pa.int64()),
        ("largest_change", pa.float64()),
        ("type", pa.string()),
    ]
)
"""``status``: see ``coverage``. ``changed``, ``zeros_*``: shares from 0 to 1. ``levels_*``: distinct values in the
output channel that has most. ``largest_change``: absolute. ``shape``, ``type``: before → after where they differ."""

_STATISTICS = ("running_mean", "running_var")
_COUNTERS = ("num_batches_tracked",)
_COUNTED = 1_000_000


@dataclass(frozen=True)
class Expectation:
    """What an operation is expected to change.

    Args:
        scope: ``weights`` of two or more dimensions, ``everything`` (training), or the running ``statistics`` of norms.
        targets: patterns of the operation; empty for its default.
        ignore: patterns of the operation.
    """

    scope: Scope = "weights"
    targets: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def expects(self, name: str, array: np.ndarray) -> bool | None:
        """Whether a tensor should change; ``None`` where a class name in a pattern leaves it open.

        A norm or bias that only a regular expression reaches is not expected to change when weights are: it is how
        norm scales get pruned by accident. One that is named exactly is.
        """
        last = name.rpartition(".")[2]
        if last in _COUNTERS:
            return None
        if any(_matches(pattern, name) for pattern in self.ignore):
            return False
        if self.scope == "statistics":
            return last in _STATISTICS
        plain = self.scope == "everything" or (array.ndim >= 2 and np.issubdtype(array.dtype, np.floating))
        reached = [pattern for pattern in self.targets if _matches(pattern, name)]
        if name in reached or (plain and (reached or not self.targets)):
            return None if any(map(_is_class, self.ignore)) else True
        return None if any(map(_is_class, self.targets)) else False


@dataclass(frozen=True, eq=False)
class Seen:
    """One tensor before and after; ``None`` where a model lacks it or its numbers are not read.

    Args:
        name: as the parent calls it.
        before: its numbers in the parent.
        after: its numbers in the child.
        types: number formats in parent and child, for tensors whose arrays do not say it; empty where one lacks it.
        shapes: shapes in parent and child, for the same.
        unread: whether it is in both, and the numbers of one are packed in a way that is not read.
    """

    name: str
    before: np.ndarray | None
    after: np.ndarray | None
    types: tuple[str, str] | None = None
    shapes: tuple[str, str] | None = None
    unread: bool = False


def coverage(parent: Arrays, child: Arrays, *, expectation: Expectation) -> pa.Table:
    """As ``rows`` of tensors that are paired by their names."""
    seen = [Seen(name, array, child.get(name)) for name, array in parent.items()]
    return rows([*seen, *(Seen(name, None, array) for name, array in child.items() if name not in parent)], expectation)


def rows(seen: Iterable[Seen], expectation: Expectation) -> pa.Table:
    """One row per tensor of either model, in the order given.

    The status is ``changed`` and ``skipped`` for tensors that should have changed, ``unexpected`` and ``unchanged`` for
    those that should not have, ``resized`` when the shape differs, ``added`` or ``removed`` when one model lacks it.
    Where it is open what should have happened, ``expected`` is null and the status ``changed`` or ``unchanged``; where
    the numbers are not known, the status is ``unread``.

    Args:
        seen: the tensors, taken one at a time.
        expectation: what the operation between the two should have changed.
    """
    return pa.Table.from_pylist([_row(one, expectation) for one in seen], schema=SCHEMA)


def summary(table: pa.Table) -> dict[str, int]:
    """How many tensors have each status, the most frequent first."""
    counts = table["status"].value_counts().to_pylist()
    return {row["values"]: row["counts"] for row in sorted(counts, key=lambda row: (-row["counts"], row["values"]))}


def _row(one: Seen, expectation: Expectation) -> dict[str, Any]:
    before, after = one.before, one.after
    known = before if before is not None else after
    row: dict[str, Any] = {
        "tensor": one.name,
        "expected": None if known is None else expectation.expects(one.name, known),
        "shape": _arrow(*(one.shapes or (_shape(before), _shape(after)))),
        "type": _arrow(*(one.types or (_type(before), _type(after)))),
        "values": 0 if known is None else (after if after is not None else known).size,
        "zeros_before": _zeros(before),
        "zeros_after": _zeros(after),
        "levels_before": _levels(before),
        "levels_after": _levels(after),
    }
    if one.unread or known is None:
        return {**row, "status": "unread"}
    if before is None or after is None:
        return {**row, "status": "added" if before is None else "removed"}
    if before.shape != after.shape:
        return {**row, "status": "resized"}
    different = (before != after) & ~(_is_nan(before) & _is_nan(after))
    touched = bool(different.any())
    row["changed"] = float(different.mean()) if different.size else 0.0
    if touched:
        row["largest_change"] = float(np.abs(after[different].astype(np.float64) - before[different]).max())
    return {**row, "status": _status(row["expected"], touched)}


def _status(expected: bool | None, touched: bool) -> str:
    if touched:
        return "unexpected" if expected is False else "changed"
    return "skipped" if expected else "unchanged"


def _matches(pattern: str, name: str) -> bool:
    """Whether a pattern reaches a tensor: by its own path, or by that of a module above it."""
    parts = name.split(".")
    paths = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
    if pattern.startswith("re:"):
        return any(re.fullmatch(pattern[3:], path) for path in paths)
    return pattern in paths


def _is_class(pattern: str) -> bool:
    """Whether a pattern may be the name of a class, which a checkpoint does not know."""
    return not pattern.startswith("re:") and "." not in pattern and pattern[:1].isupper()


def _is_nan(array: np.ndarray) -> np.ndarray:
    return np.isnan(array) if np.issubdtype(array.dtype, np.inexact) else np.zeros(array.shape, dtype=bool)


def _zeros(array: np.ndarray | None) -> float | None:
    return None if array is None or not array.size else float((array == 0).mean())


def _levels(array: np.ndarray | None) -> int | None:
    """Distinct values in the output channel that has most; of a large tensor, in the first million values or so."""
    if array is None or not array.size:
        return None
    rows = array.reshape(len(array), -1) if array.ndim > 1 else array.reshape(1, -1)
    rows = np.sort(rows[: max(_COUNTED // rows.shape[1], 1)], axis=1)
    return int((np.diff(rows, axis=1) != 0).sum(axis=1).max()) + 1


def _shape(array: np.ndarray | None) -> str:
    return "" if array is None else "×".join(map(str, array.shape)) or "1"


def _type(array: np.ndarray | None) -> str:
    return "" if array is None else str(array.dtype)


def _arrow(before: str, after: str) -> str:
    return before if before == after else " → ".join(part for part in (before, after) if part)
