"""From the sums of tensors to those of all rows of the tree, and to columns of the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from . import histogram, measures, tree
from .align import Match
from .sums import FIELDS, LEAST, MOST, PLACE, Sums
from .table import KEYS
from .values import Array

SQUARES = [PLACE[f"change_{name}"] for name in ("squares", "product", "base_squares", "model_squares")]
"""From which relative error, SQNR and cosine follow."""


@dataclass(frozen=True, eq=False)
class Order:
    """The rows of the tree, and which tensors are in each.

    Args:
        rows: all rows, each module before what is in it.
        depths: of the modules of the rows.
        tensors: the place of each tensor's row among ``rows``.
        spans: for each row, the first of its tensors among all tensors, and the one after the last.
    """

    rows: Sequence[tree.Key]
    depths: Array
    tensors: Array
    spans: Array

    @staticmethod
    def of(rows: Sequence[tree.Key]) -> Order:
        """Of rows as ``tree.rows`` gives them, in which what is in a module follows it."""
        depths = np.array([tree.depth(module) for module, _ in rows], np.int64)
        leaf = np.array([parameter is not None for _, parameter in rows], bool)
        # a tensor is one deeper than its module
        inside = depths + leaf
        after = np.cumsum(leaf)
        spans = np.stack([after - leaf, after], axis=1)
        opened: list[int] = []
        for place, depth in enumerate(inside.tolist()):
            while opened and inside[opened[-1]] >= depth:
                spans[opened.pop(), 1] = spans[place, 0]
            if not leaf[place]:
                opened.append(place)
        for place in opened:
            spans[place, 1] = after[-1] if len(after) else 0
        return Order(rows, depths, np.flatnonzero(leaf), spans)


def rows_of(found: Sums, tensors: Array, *, order: Order) -> tuple[Array, Sums]:
    """The sums of every row of a model that has any: of tensors as found, of modules added up from what is in them.

    Args:
        found: of the model's tensors, in the order of the tree.
        tensors: which of all tensors these are, ascending.
        order: of the tree.

    Returns:
        The places of the rows in the order, ascending, and their sums.
    """
    known = np.zeros(len(order.tensors) + 1, np.int64)
    known[tensors + 1] = 1
    before = np.cumsum(known)
    spans = before[order.spans]
    places = np.flatnonzero(spans[:, 1] > spans[:, 0])
    spans = spans[places]
    pairs = spans.reshape(-1)
    if not len(places):
        return places, Sums.none()
    # a row more, since a span may end behind the last
    padded = np.concatenate([found.sums, np.zeros((1, len(FIELDS)))])
    ends = np.concatenate([found.extremes, np.zeros((1, len(LEAST) + len(MOST)))])
    least = np.minimum.reduceat(ends[:, : len(LEAST)], pairs)[::2]
    most = np.maximum.reduceat(ends[:, len(LEAST) :], pairs)[::2]
    has_histograms = any(len(each) for each in found.histograms)
    histograms = (
        []
        if not has_histograms
        else _histograms(found.histograms, spans, [order.rows[place] for place in places.tolist()])
    )
    at = np.append(found.channels, -1)
    channels = np.where(np.add.reduceat(at >= 0, pairs, dtype=int)[::2] == 1, np.maximum.reduceat(at, pairs)[::2], -1)
    sums = np.add.reduceat(padded, pairs)[::2]
    _without_untouched_vectors(sums, padded, pairs)
    return places, Sums(sums, np.hstack([least, most]), histograms, channels)


def _without_untouched_vectors(sums: Array, parts: Array, pairs: Array) -> None:
    """Leave out of the squares of rows with a matrix that changed the norms and biases that did not.

    Scales of norms are few and up to a hundred times larger than weights: in one sum those that nothing was done to
    would hide what happened to the weights.
    """
    known = parts[:, PLACE["num_changes_known"]] > 0
    changed = parts[:, PLACE["change_squares"]] != 0
    is_matrix = parts[:, PLACE["num_channels"]] > 0
    counted = known & (is_matrix | changed)
    have = np.add.reduceat(known & is_matrix & changed, pairs, dtype=int)[::2] > 0
    alone = np.add.reduceat(parts[:, SQUARES] * counted[:, None], pairs)[::2]
    sums[np.ix_(np.flatnonzero(have), np.array(SQUARES))] = alone[have]


def _histograms(found: Sequence[Array], spans: Array, rows: Sequence[tree.Key]) -> list[Array]:
    """A histogram for each row, on its own range."""
    sums: list[Array] = []
    for (first, last), (module, parameter) in zip(spans.tolist(), rows, strict=True):
        if parameter is not None:
            sums.append(found[first][-1:])
            continue
        level = tree.depth(module)
        if last - first == 1:
            sums.append(found[first][level : level + 1])
            continue
        sums.append(np.add.reduce([each[level] for each in found[first:last]]).reshape(1, -1))
    return sums


def table(
    sums: tuple[Array, Sums], order: Order, *, model: str, matches: Mapping[tree.Key, Match], columns: pa.Table
) -> tuple[Array, pa.Table]:
    """The rows of a model, and their places in the order.

    Args:
        sums: as ``rows_of`` gives them.
        order: of the tree.
        model: its id.
        matches: how its tensors were aligned.
        columns: of the mode, a row for each of ``sums``.
    """
    listed = np.zeros(len(order.tensors) + 1, np.int64)
    keys = [order.rows[place] for place in order.tensors.tolist()]
    listed[1:] = [key in matches for key in keys]
    before = np.cumsum(listed)
    spans = before[order.spans]
    places = np.flatnonzero(spans[:, 1] > spans[:, 0])
    at = np.full(len(order.rows), -1, np.int64)
    at[sums[0]] = np.arange(len(sums[0]))
    index = at[places]
    rows = [order.rows[place] for place in places.tolist()]
    found = [matches.get(row) for row in rows]
    counts = np.append(sums[1]["own_count"], 0).astype(np.int64)[index]
    names = {
        "module": pa.array([module for module, _ in rows], pa.string()),
        "parameter": pa.array([parameter for _, parameter in rows], pa.string()),
        "model": pa.array([model] * len(rows), pa.string()),
        "num_parameters": pa.array(np.where(index < 0, 0, counts)),
        "alignment": pa.array([match.how if match else None for match in found], pa.string()),
        "counterpart": pa.array([match.model if match else None for match in found], pa.string()),
    }
    taken = columns.take(pa.array(index, mask=index < 0))
    together = {name: names[name] for name in KEYS.names} | {name: taken[name] for name in taken.column_names}
    return places, pa.table(together, pa.schema([*KEYS, *columns.schema]))


def interleaved(parts: Sequence[tuple[Array, pa.Table]]) -> pa.Table:
    """The rows of all models, for each row of the tree the models one after another."""
    places = np.concatenate([places for places, _ in parts])
    return pa.concat_tables([part for _, part in parts]).take(pa.array(np.argsort(places, kind="stable")))


def columns(places: Array, found: Sums, *, order: Order, edges: Mapping[tree.Key, Array] | None) -> pa.Table:
    """The columns of the mode weights, or without edges of sparsity: a row for each of ``found``.

    Args:
        places: of the rows in the order.
        found: their sums.
        order: of the tree.
        edges: of the histogram of each row; of rows that have none there is nothing in it.
    """
    zeros = _sparsity(found)
    if edges is None:
        return pa.table(zeros, measures.SPARSITY)
    empty = histogram.edges(histogram.EMPTY)
    bins = [edges.get(order.rows[place], empty) for place in places.tolist()]
    arrays = _weights(found) | zeros
    arrays |= {"histogram_low": pa.array([float(each[0]) for each in bins], pa.float64())}
    arrays |= {"histogram_high": pa.array([float(each[-1]) for each in bins], pa.float64())}
    return pa.table({name: arrays[name] for name in measures.WEIGHTS.names}, measures.WEIGHTS)


def _sparsity(found: Sums) -> dict[str, pa.Array]:
    unknown = found["num_zeros_known"] == 0
    names = ("zero_both", "zero_model_only", "zero_base_only")
    arrays = {"num_zeros": pa.array(found["own_zeros"].astype(np.int64))}
    return arrays | {name: pa.array(found[name].astype(np.int64), mask=unknown) for name in names}


def _weights(found: Sums) -> dict[str, pa.Array]:
    count, nonfinite = found["own_count"], found["own_nonfinite"]
    finite = count - nonfinite
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = found["own_total"] / count
        columns = {
            "mean_abs": (found["own_absolute"] / count, count == 0),
            **_changes(found),
            "num_distinct": (found["own_distinct"].astype(np.int64), None),
            "entropy_bits": (found["own_code_bits"] / finite, finite == 0),
            "num_nonfinite": (nonfinite.astype(np.int64), None),
            "mean": (mean, count == 0),
            "standard_deviation": (np.sqrt(np.maximum(found["own_squares"] / count - mean**2, 0)), count == 0),
            "min": (found["minimum"], finite == 0),
            "max": (found["maximum"], finite == 0),
            "num_compared": (found["change_count"].astype(np.int64), None),
        }
    columns |= _channels(found)
    arrays = {name: pa.array(column, mask=mask) for name, (column, mask) in columns.items()}
    bands = found.sums[:, PLACE["band_0"] : PLACE["num_changes_known"]].astype(np.int64)
    counts = np.concatenate(found.histograms) if found.histograms else np.zeros((0, histogram.NUM_BINS + 2), np.int64)
    lists = {"change_bands": (bands, found["num_changes_known"] > 0), "histogram": (counts, np.ones(len(counts), bool))}
    return arrays | {name: _lists(numbers, known) for name, (numbers, known) in lists.items()}


def _changes(found: Sums) -> dict[str, tuple[Array, Array | None]]:
    """What ``statistics.Change`` says, of all rows."""
    compared, squares, before = found["change_count"], found["change_squares"], found["change_base_squares"]
    none = compared == 0
    error = np.where(squares == 0, 0.0, np.where(before != 0, np.sqrt(squares / before), np.inf * squares))
    length = np.sqrt(before) * np.sqrt(found["change_model_squares"])
    cosine = np.where(np.isfinite(length), np.clip(found["change_product"] / length, -1, 1), np.nan)
    return {
        "mean_abs_change": (found["change_absolute"] / compared, none),
        "relative_error": (error, none),
        "sqnr_db": (np.where(error == 0, np.inf, -20 * np.log10(error)), none),
        "cosine": (cosine, none | (length == 0)),
    }


def _channels(found: Sums) -> dict[str, tuple[Array, Array | None]]:
    """What ``norms.Norms`` says, of all rows."""
    low, high, change = found["norm_low"], found["norm_high"], found["norm_change"]
    return {
        "num_channels": (found["num_channels"].astype(np.int64), None),
        "num_dead_channels": (found["num_dead_channels"].astype(np.int64), found["num_changes_known"] == 0),
        "channel_norm_min": (low, np.isposinf(low)),
        "channel_norm_max": (high, np.isneginf(high)),
        "channel_norm_change": (change, np.isneginf(change)),
        "most_changed_channel": (found.channels, found.channels < 0),
    }


def relative_errors(found: Sums) -> list[float | None]:
    """As the column ``relative_error``."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        values, none = _changes(found)["relative_error"]
    return [None if hidden else value for value, hidden in zip(values.tolist(), np.asarray(none).tolist(), strict=True)]


def _lists(numbers: Array, known: Array) -> pa.ListArray:
    width = numbers.shape[1]
    offsets = np.concatenate([[0], np.cumsum(known) * width]).astype(np.int32)
    masked = pa.array(offsets, pa.int32(), mask=np.append(~known, False))
    return pa.ListArray.from_arrays(masked, pa.array(numbers[known].reshape(-1)))
