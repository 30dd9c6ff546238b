"""What operations do to metrics, from matched pairs of models.

The difference of a pair is always with − without (of a parameter: higher − lower value), in the metric's unit; whether
it is good is for the metric's direction to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..inference.sign_flips import LEVEL
from ..lineage import Graph
from ..selection.distinct import StepKey
from ..selection.occurrences import numbered
from .alike import alike
from .differences import Differences, Groups, paired_differences
from .pairs import MAX_ALL_VALUES, Pairs, Removal, Tree, changes, removals, text

MAX_LISTED = 2_000_000
"""If all rows together have more pairs than this, each lists a thousand of them."""
_LISTED_THEN = 1_000

SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("operation", "parameter", "condition", "metric")),
        ("pairs", pa.int64()),
        *((name, pa.float64()) for name in ("mean", "median", "ci_low", "ci_high")),
        ("interval", pa.string()),
        ("confidence", pa.float64()),
        ("standardized", pa.float64()),
        ("skewed", pa.bool_()),
        *((name, pa.int64()) for name in ("non_finite", "missing", "least_count", "most_count")),
        ("models", pa.list_(pa.list_(pa.string(), 2))),
    ]
)

Metrics = Mapping[str, "np.ma.MaskedArray[Any, Any]"]


class Comparison(NamedTuple):
    """What a row is about: an operation, or one of its parameters, under a condition."""

    operation: str
    parameter: str | None
    condition: str | None


def effects(graph: Graph, metrics: Metrics, *, listed: int | None = None, counts: Metrics | None = None) -> pa.Table:
    """The matched-pair effect of every operation and every change of a parameter on every metric.

    A pair for an operation is two models of one root whose lineages are equal once that one step is taken out, wherever
    it stands; a pair for a parameter differs in that parameter of one step alone. Rows of an operation without
    condition are over all its pairs. Where it was applied after different steps, or with different parameters, there
    are rows for each: ``after magnitude prune``, ``after magnitude prune amount=0.75``, ``amount=0.5``.

    Args:
        graph: the models.
        metrics: for each metric a masked float64 array ``[models]`` in the order of ``graph``, masked where missing.
        listed: how many pairs a row lists at most, spread evenly; all if not given, unless they are too many.
        counts: for some of the metrics a masked array ``[models]``, how many examples are behind each value.

    Returns:
        One row for each comparison and metric that has a pair. First come those whose interval of at least 95% leaves
        out zero, then those whose lesser one does, last those of a single pair; large effects first, by size in
        standard deviations of the metric (``standardized``). ``ci_low`` and ``ci_high`` are an interval of the
        mean, named with its level in ``interval`` and as a fraction in ``confidence``. From six pairs on it is exact,
        by flipping signs; three to five pairs whose differences vary have Student's t interval, which takes them as
        normal; two have what flipping signs gives, 50%; a single pair has none. It takes the pairs as independent,
        which pairs that share a model are not quite. Pairs
        with a NaN or an infinity are left out and counted in ``non_finite``, those that lack a value in ``missing``.
        ``models`` are the pairs of ids (without, with). ``least_count`` and ``most_count`` are the fewest and the most
        examples behind a value of them, null where it is not said. Models that were made alike (replicates, or the same
        step logged twice) are one model with the mean of their values, so that one pair is never counted twice.
    """
    graph, metrics, counts = alike(graph, metrics, counts=counts or {})
    comparisons = _comparisons(Tree(graph))
    if not metrics or not comparisons:
        return SCHEMA.empty_table()
    groups = Groups([pairs for _, pairs in comparisons])
    longest = groups.longest if groups.num_pairs * len(metrics) <= MAX_LISTED else _LISTED_THEN
    longest = longest if listed is None else min(longest, listed)
    names = [comparison for comparison, _ in comparisons]
    ids = pa.array(graph.ids, pa.string())
    parts = []
    for metric, column in metrics.items():
        differences = paired_differences(groups, column)
        behind = differences.counts(counts[metric]) if metric in counts else (np.full(len(names), np.nan),) * 2
        listing = differences.listed(ids, longest=longest)
        parts.append(_rows(names, metric, differences=differences, behind=behind, models=listing))
    table = pa.concat_tables(parts)
    return table.take(_ranking(table))


def _rows(
    names: Sequence[Comparison],
    metric: str,
    *,
    differences: Differences,
    behind: tuple[NDArray[np.float64], ...],
    models: pa.Array,
) -> pa.Table:
    """The rows of one metric, those that have no pair left out."""
    levels = differences.confidence
    columns = [
        *(pa.array([name[i] for name in names], pa.string()) for i in range(3)),
        pa.array([metric] * len(names), pa.string()),
        pa.array(differences.count),
        *(pa.array(v, mask=np.isnan(v)) for v in _estimates(differences)),
        pa.array([_named(level, by_t=t) for level, t in zip(levels, differences.by_t, strict=True)], pa.string()),
        pa.array(levels, mask=np.isnan(levels)),
        pa.array(differences.standardized, mask=np.isnan(differences.standardized)),
        pa.array(differences.skewed),
        pa.array(differences.non_finite),
        pa.array(differences.missing),
        *(pa.array(count, mask=~np.isfinite(count)).cast(pa.int64()) for count in behind),
        models,
    ]
    table = pa.Table.from_arrays(columns, schema=SCHEMA)
    return table.filter(pa.array(differences.count + differences.non_finite > 0))


def _estimates(differences: Differences) -> list[NDArray[np.float64]]:
    return [differences.mean, differences.median, differences.low, differences.high]


def _named(level: float, *, by_t: bool) -> str | None:
    """The interval's method and level, ``sign-flip test, 96.9%``; ``None`` without an interval."""
    return None if np.isnan(level) else f"{'t interval' if by_t else 'sign-flip test'}, {100 * level:.3g}%"


def _ranking(table: pa.Table) -> NDArray[np.int64]:
    """Clear effects first, single pairs last, and large ones before small ones; else by operation and metric."""
    low, high, level = (table[name].to_numpy() for name in ("ci_low", "ci_high", "confidence"))
    clear = (low > 0) | (high < 0)
    doubt = np.select([clear & (level >= LEVEL), clear, ~np.isnan(low)], [0, 1, 2], 3)
    size = np.abs(np.nan_to_num(table["standardized"].to_numpy(), nan=0.0))
    return np.lexsort((np.arange(len(table)), -size, doubt))


def _comparisons(tree: Tree) -> list[tuple[Comparison, NDArray[np.int64]]]:
    """What can be compared, with int64 ``[pairs, 2]`` positions, in canonical order."""
    found: dict[Comparison, Pairs] = defaultdict(list)
    by_operation: dict[str, dict[Removal, Pairs]] = defaultdict(dict)
    for removal, pairs in removals(tree).items():
        by_operation[tree.steps[removal.step].operation][removal] = pairs
    for operation, split in by_operation.items():
        for condition, kept in _conditions(tree.steps, list(split)):
            for removal in kept:
                found[Comparison(numbered(operation), None, condition)] += split[removal]
    for change, pairs in changes(tree).items():
        found[Comparison(numbered(change.operation), change.parameter, change.condition)] += pairs
    return [(comparison, np.array(sorted(found[comparison]))) for comparison in sorted(found, key=_comparison_order)]


def _comparison_order(comparison: Comparison) -> tuple[str, str, str]:
    return (comparison.operation, comparison.parameter or "", comparison.condition or "")


def _conditions(steps: Sequence[StepKey], split: Sequence[Removal]) -> Iterator[tuple[str | None, list[Removal]]]:
    """All pairs of an operation, and divisions of them that have at least two parts and not too many to read."""
    yield None, list(split)
    own = _by_value(steps, [(removal, removal.step) for removal in split], "")
    before: dict[str, list[tuple[Removal, int]]] = defaultdict(list)
    for removal in split:
        before[steps[removal.before].operation].append((removal, removal.before))
    divisions = [*own, {f"after {numbered(name)}": [r for r, _ in group] for name, group in before.items()}]
    for name, group in before.items():
        divisions += _by_value(steps, group, f"after {numbered(name)} ")
    for division in divisions:
        if 1 < len(division) <= MAX_ALL_VALUES:
            yield from division.items()


def _by_value(
    steps: Sequence[StepKey], group: Iterable[tuple[Removal, int]], prefix: str
) -> Iterator[dict[str, list[Removal]]]:
    """One division for each parameter of the given steps."""
    group = list(group)
    for name in sorted({name for _, step in group for name in steps[step].parameters}):
        division: dict[str, list[Removal]] = defaultdict(list)
        for removal, step in group:
            division[f"{prefix}{name}={text(steps[step].parameters.get(name))}"].append(removal)
        yield division
