"""Which predictions turned into which, and what that does to the confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from .joined import Codes
from .pairs import Changes


def most_frequent(by_model: Mapping[str, Changes], classes: pa.Array) -> pa.Table:
    """Every change of prediction, per model the most frequent first.

    Returns:
        ``model, base_prediction, prediction, count, rate`` (of the instances that both answered), ``rate_of_base`` (of
        those of which the base predicted the same).
    """
    parts = []
    for model, of_model in by_model.items():
        before, after = of_model.before[of_model.changed], of_model.after[of_model.changed]
        first, second, counts = _cells(before, after, size=len(classes))
        order = np.argsort(-counts, kind="stable")
        first, second, counts = first[order], second[order], counts[order]
        answered = int(of_model.answered.sum())
        of_base = np.bincount(of_model.before[of_model.answered], minlength=len(classes))
        parts.append(
            pa.table(
                {
                    "model": pa.array([model] * len(counts), pa.string()),
                    "base_prediction": classes.take(pa.array(first)),
                    "prediction": classes.take(pa.array(second)),
                    "count": pa.array(counts, pa.int64()),
                    "rate": pa.array(counts / max(answered, 1), pa.float64()),
                    "rate_of_base": pa.array(counts / np.maximum(of_base[first], 1), pa.float64()),
                }
            )
        )
    return pa.concat_tables(parts)


def confusion(of_model: Changes, classes: pa.Array) -> pa.Table:
    """How the confusion matrix changed: ``label, prediction, base_count, count, change`` of every cell that is used.

    Over the instances with a label that both models answered.
    """
    true = np.full(len(of_model.after), -1) if of_model.labels is None else of_model.labels
    known = of_model.answered & (true >= 0)
    size = len(classes)
    labels = true[known].astype(np.int64)
    keys = [labels * size + codes[known] for codes in (of_model.before, of_model.after)]
    cells = np.unique(np.concatenate(keys))
    base, now = (_count(cells, key) for key in keys)
    return pa.table(
        {
            "label": classes.take(pa.array(cells // size)),
            "prediction": classes.take(pa.array(cells % size)),
            "base_count": base,
            "count": now,
            "change": now - base,
        }
    )


def _count(
    cells: np.ndarray[tuple[int], np.dtype[np.int64]], keys: Codes
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.bincount(np.searchsorted(cells, keys), minlength=len(cells)).astype(np.int64)


def _cells(first: Codes, second: Codes, *, size: int) -> tuple[Codes, Codes, Codes]:
    """The pairs that occur, in order, and how often."""
    keys, counts = np.unique(first.astype(np.int64) * size + second, return_counts=True)
    return (keys // max(size, 1)).astype(np.int32), (keys % max(size, 1)).astype(np.int32), counts
