"""The tables of a comparison: per model, per group, per pair of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..inference import bootstrap, intervals, significance
from .grouping import Grouping
from .joined import Floats, side_by_side
from .pairs import Changes, PairedValues, added_up

BOOTSTRAP = ("bootstrap_low", "bootstrap_high")
FLOATS = ("value", "base_value", "difference", "ci_low", "ci_high", *BOOTSTRAP, "agreement")
FLIPS = ("right_to_wrong", "wrong_to_right", "wrong_to_wrong")
LEVEL = 0.05

CONDITIONS = ("first", "second")
"""Columns of the conditions of groups that are combinations."""


def summary(pairs: Sequence[PairedValues], metric: str, *, present: Mapping[str, int], num_instances: int) -> pa.Table:
    """One row per model.

    Args:
        pairs: the base against each model.
        metric: name of the metric.
        present: how many instances each model answered, the base first.
        num_instances: of the dataset.
    """
    found = side_by_side(lambda pair: added_up(pair, np.zeros(num_instances, dtype=np.int32), size=1), pairs)
    columns = _columns(found, pairs, metric=metric)
    base_missing = num_instances - next(iter(present.values()))
    if columns["mcnemar_p"].null_count == 0:
        columns["mcnemar_p_adjusted"] = pa.array(significance.holm(columns["mcnemar_p"].to_numpy()))
    else:
        columns["mcnemar_p_adjusted"] = pa.nulls(len(pairs), pa.float64())
    columns["interval"] = pa.array([_interval(pair) for pair in pairs])
    columns["missing"] = pa.array([num_instances - present[pair.model] for pair in pairs], pa.int64())
    columns["base_missing"] = pa.array([base_missing] * len(pairs), pa.int64())
    columns["nonfinite"] = pa.array([int((pair.compared & ~pair.finite).sum()) for pair in pairs], pa.int64())
    return pa.table(columns)


def bootstrapped(pairs: Sequence[PairedValues], metric: str, *, resamples: int, seed: int) -> pa.Table:
    """One row per model: the mean difference with the limits of a paired bootstrap."""
    limits = [bootstrap.percentile(pair.difference[pair.finite], resamples=resamples, seed=seed) for pair in pairs]
    counts = [int(pair.finite.sum()) for pair in pairs]
    return pa.table(
        {
            "model": [pair.model for pair in pairs],
            "metric": [metric] * len(pairs),
            "count": counts,
            "difference": _known([pair.mean_difference for pair in pairs]),
            "ci_low": _known([low for low, _ in limits]),
            "ci_high": _known([high for _, high in limits]),
            "interval": [f"paired bootstrap percentile, 95%, {resamples:,} resamples, seed {seed}"] * len(pairs),
        }
    )


def groups(pairs: Sequence[PairedValues], metric: str, *, by: Grouping, higher_is_better: bool | None) -> pa.Table:
    """One row per model and group, with how far the group's change is from the average change.

    ``excess`` is the group's difference minus the difference over all; ``excess_p`` bounds the chance of one as large
    in a random group of the size, adjusted over the groups of the model by Benjamini and Hochberg. ``hurt``: worse than
    the average by more than that chance at 5%; null where no direction of the metric is known. Combinations of two
    columns have their conditions in ``first`` and ``second``, too.
    """

    def grouped(pair: PairedValues) -> dict[str, Any]:
        listed = pair if by.rows is None else pair.take(by.rows)
        added = added_up(listed, by.codes, size=len(by.names))
        return added | excess(pair, added["count"], differences=added["difference"])

    found = side_by_side(grouped, pairs)
    columns = _columns(found, pairs, metric=metric)
    names = pa.concat_arrays([by.names] * len(pairs))
    p = np.concatenate([of_pair["excess_p"] for of_pair in found])
    beyond = np.concatenate([of_pair["excess"] for of_pair in found])
    interval = [_interval(pair) for pair in pairs for _ in by.names]
    each = {name: pa.concat_arrays([part] * len(pairs)) for name, part in zip(CONDITIONS, by.conditions, strict=False)}
    ordered = {"model": columns.pop("model"), "group": names, **each, **columns}
    worse = beyond < 0 if higher_is_better else beyond > 0
    no_direction = np.full(len(p), higher_is_better is None)
    ordered |= {"interval": pa.array(interval), "excess": nullable(beyond), "excess_p": nullable(p)}
    return pa.table({**ordered, "hurt": pa.array(worse & (p <= LEVEL), mask=no_direction)})


def excess(pair: PairedValues, counts: NDArray[np.int64], *, differences: Floats) -> dict[str, Floats]:
    """How far groups' differences are from the difference over all, and adjusted bounds on the chance of that."""
    if not pair.finite.any():
        return {"excess": np.full(len(counts), np.nan), "excess_p": np.full(len(counts), np.nan)}
    known = counts > 0
    p = np.full(len(counts), np.nan)
    bounds = significance.mean_bound(pair.population, counts[known], means=differences[known])
    p[known] = significance.benjamini_hochberg(bounds)
    return {"excess": differences - pair.mean_difference, "excess_p": p}


def every_pair(frame_changes: Mapping[str, Changes]) -> pa.Table:
    """Every two models against each other by what they get right: which differences are more than chance.

    Args:
        frame_changes: the predictions of each model beside those of the base, by model, the base first.

    Returns:
        ``first, second, count, first_value, second_value, difference`` (second − first), ``ci_low, ci_high``
        (Newcombe), ``bootstrap_low, bootstrap_high, first_only, second_only, mcnemar_p, mcnemar_p_adjusted`` (Holm over
        all pairs), ``tie`` (that p is above 5%).
    """
    right = {model: _right(changes) for model, changes in frame_changes.items()}
    rows: list[dict[str, Any]] = []
    for first, second in combinations(right, 2):
        both_known = (right[first] >= 0) & (right[second] >= 0)
        table = np.bincount(2 * right[first][both_known] + right[second][both_known], minlength=4)
        neither, second_only, first_only, both = (int(cell) for cell in table)
        low, high = intervals.newcombe(both, first_only, model_only=second_only, neither=neither)
        count = int(table.sum())
        balance, changed = second_only - first_only, second_only + first_only
        drawn = bootstrap.expanded([[balance], [changed], [balance], [changed]], [count])
        rows.append(
            {
                "first": first,
                "second": second,
                "count": count,
                "first_value": (both + first_only) / count if count else None,
                "second_value": (both + second_only) / count if count else None,
                "difference": (second_only - first_only) / count if count else None,
                "ci_low": float(low) if count else None,
                "ci_high": float(high) if count else None,
                **dict(zip(BOOTSTRAP, (float(limit[0]) if count > 1 else None for limit in drawn), strict=True)),
                "first_only": first_only,
                "second_only": second_only,
                "mcnemar_p": significance.mcnemar_exact(first_only, second_only),
            }
        )
    adjusted = significance.holm([row["mcnemar_p"] for row in rows])
    table = pa.Table.from_pylist(rows).append_column("mcnemar_p_adjusted", pa.array(adjusted))
    return table.append_column("tie", pa.array(adjusted > LEVEL))


def _known(numbers: Sequence[float]) -> pa.Array:
    """NaN is not known."""
    return pa.array(numbers, pa.float64(), from_pandas=True)


def _right(changes: Changes) -> NDArray[np.int8]:
    """1 right, 0 wrong, −1 not known."""
    labels = changes.labels
    if labels is None:
        return np.full(len(changes.after), -1, dtype=np.int8)
    right: NDArray[np.int8] = (changes.after == labels).astype(np.int8)
    right[(changes.after < 0) | (labels < 0)] = -1
    return right


def _columns(found: Sequence[Mapping[str, Any]], pairs: Sequence[PairedValues], *, metric: str) -> dict[str, pa.Array]:
    size = len(found[0]["count"])
    columns = {
        "model": pa.array([pair.model for pair in pairs for _ in range(size)], pa.string()),
        "metric": pa.array([metric] * (size * len(pairs)), pa.string()),
        "count": pa.array(np.concatenate([one["count"] for one in found]), pa.int64()),
    }
    for name in FLOATS:
        columns[name] = nullable(_joined(found, name, size=size))
    for name in FLIPS:
        joined = _joined(found, name, size=size)
        columns[name] = pa.array(np.nan_to_num(joined).astype(np.int64), mask=np.isnan(joined))
    columns["mcnemar_p"] = nullable(_joined(found, "mcnemar_p", size=size))
    columns["compared"] = pa.array(np.concatenate([one["compared"] for one in found]), pa.int64())
    return columns


def _joined(found: Sequence[Mapping[str, Any]], name: str, *, size: int) -> Floats:
    none = np.full(size, np.nan)
    return np.concatenate([np.asarray(one.get(name, none), dtype=np.float64) for one in found])


def nullable(numbers: Floats) -> pa.Array:
    """As Arrow, with null for NaN: there is nothing to say, rather than a number that is none."""
    return pa.array(numbers, mask=np.isnan(numbers))


def _interval(pair: PairedValues) -> str:
    return intervals.NEWCOMBE if pair.proportion else intervals.PAIRED_T
