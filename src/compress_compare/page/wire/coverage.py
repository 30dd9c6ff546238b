"""What travels over HTTP about coverage: what an operation changed, tensor by tensor."""

from __future__ import annotations

import pyarrow as pa

from ...analysis.coverage import summary
from .base import Answer, Number

MOST_ROWS = 1000
_ORDER = ("unexpected", "skipped", "unread", "removed", "added", "resized", "changed", "unchanged")


class CoveredTensor(Answer):
    """One tensor: what happened to it, and the share of its values that changed; null where shapes differ."""

    tensor: str
    status: str
    shape: str
    values: int
    changed: Number | None


class CoverageAnswer(Answer):
    """A model against its base: how many tensors have each status, and the tensors, those to look at first."""

    base: str
    counts: dict[str, int]
    tensors: list[CoveredTensor]


def coverage(base: str, table: pa.Table) -> CoverageAnswer:
    """At most 1,000 tensors; the counts are of all."""
    rows = sorted(table.to_pylist(), key=lambda row: _ORDER.index(row["status"]))
    tensors = [CoveredTensor.model_validate(row) for row in rows[:MOST_ROWS]]
    return CoverageAnswer(base=base, counts=summary(table), tensors=tensors)
