"""Sums over tensors as columns: a row of numbers for each, so that those of thousands of small tensors are made, merged
and written at once.

A row has the sums of ``statistics.Own``, ``Zeros`` and ``ChangeSums`` in the order of ``FIELDS``, all in double
precision, in which counts are exact up to 2⁵³; the least and the largest of some numbers in the order of ``EXTREMES``;
and the output channel whose norm changed most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import bands, norms
from .norms import Norms
from .statistics import ChangeSums, Own, Zeros
from .values import Array

OWN = ("count", "nonfinite", "zeros", "total", "absolute", "squares", "distinct", "code_bits")
ZEROS = ("both", "model_only", "base_only")
CHANGE = ("count", "absolute", "squares", "product", "base_squares", "model_squares")
FIELDS = (
    *(f"own_{name}" for name in OWN),
    *(f"zero_{name}" for name in ZEROS),
    "num_zeros_known",
    *(f"change_{name}" for name in CHANGE),
    *(f"band_{band}" for band in range(bands.NUM_BANDS)),
    "num_changes_known",
    "num_channels",
    "num_dead_channels",
)
LEAST = ("minimum", "norm_low")
MOST = ("maximum", "norm_high", "norm_change")
EXTREMES = (*LEAST, *MOST)
AT = {name: place for place, name in enumerate(EXTREMES)}
NOTHING = (math.inf,) * len(LEAST) + (-math.inf,) * len(MOST)
NO_HISTOGRAM: Array = np.zeros((0, 66), np.int64)
PLACE = {name: place for place, name in enumerate(FIELDS)}


@dataclass(frozen=True, eq=False)
class Sums:
    """Some rows.

    Args:
        sums: ``(rows, fields)``.
        extremes: ``(rows, 5)``; infinite the other way round where there is nothing.
        histograms: for each row its counts, ``(levels, 66)``.
        channels: of each row, see ``Norms.at``, ``(rows,)``; -1 of a row of several tensors with channels.
    """

    sums: Array
    extremes: Array
    histograms: list[Array]
    channels: Array

    def __getitem__(self, name: str) -> Array:
        """A column of ``FIELDS`` or ``EXTREMES``."""
        if name in AT:
            return np.asarray(self.extremes[:, AT[name]])
        return np.asarray(self.sums[:, PLACE[name]])

    @staticmethod
    def none() -> Sums:
        """No rows."""
        return Sums(np.zeros((0, len(FIELDS))), np.zeros((0, len(EXTREMES))), [], np.zeros(0, np.int64))

    @staticmethod
    def of(
        own: Own,
        histogram: Array,
        *,
        zeros: Zeros | None = None,
        change: ChangeSums | None = None,
        alone: Norms | None = None,
    ) -> Sums:
        """One row of what was found of one tensor; zeros and change are ``None`` without a counterpart, whose norms
        are then those of the tensor alone."""
        row = [*(getattr(own, name) for name in OWN)]
        row += [0] * 4 if zeros is None else [*(getattr(zeros, name) for name in ZEROS), 1]
        if change is None:
            row += [0] * (len(CHANGE) + bands.NUM_BANDS + 1)
        else:
            row += [*(getattr(change, name) for name in CHANGE), *change.bands.tolist(), 1]
        known = change.norms if change else alone or Norms()
        row += [known.channels, known.dead]
        extremes = [[own.minimum, known.low, own.maximum, known.high, known.change]]
        return Sums(np.array([row], float), np.array(extremes), [histogram], np.array([known.at]))

    @staticmethod
    def joined(parts: list[Sums]) -> Sums:
        """One after another."""
        return Sums(
            np.concatenate([part.sums for part in parts]),
            np.concatenate([part.extremes for part in parts]),
            [histogram for part in parts for histogram in part.histograms],
            np.concatenate([part.channels for part in parts]),
        )

    def taken(self, places: Array) -> Sums:
        """Rows in another order."""
        histograms = [self.histograms[place] for place in places.tolist()]
        return Sums(self.sums[places], self.extremes[places], histograms, self.channels[places])


def zeros_of_small(model: Array, base: Array | None) -> Sums:
    """As ``of_small``, of zeros alone: all other columns are 0, and histograms have no levels."""
    rows = np.zeros((len(model), len(FIELDS)))
    rows[:, PLACE["own_count"]] = model.shape[1]
    rows[:, PLACE["own_zeros"]] = np.count_nonzero(model == 0, axis=1)
    if base is not None:
        _compare_zeros(rows, base, model)
    extremes = np.tile(NOTHING, (len(model), 1))
    return Sums(rows, extremes, [NO_HISTOGRAM] * len(model), np.full(len(model), -1))


def of_small(model: Array, base: Array | None, *, edges: Sequence[Array], channels: int = 0) -> Sums:
    """The sums of tensors with equally many numbers, all at once; they are those of ``statistics`` but for rounding.

    Args:
        model: finite numbers, ``(tensors, numbers)``, one at least.
        base: of the base, as many; ``None`` without counterparts.
        edges: for each tensor, the edges of its histograms, ``(levels, 65)``; equally many levels for all.
        channels: how many output channels each has; 0 where it is no matrix.
    """
    count = model.shape[1]
    ordered = np.sort(model, axis=1)
    wide = model.astype(np.float64)
    rows = np.zeros((len(model), len(FIELDS)))
    new = ordered[:, 1:] != ordered[:, :-1]
    own = {
        "count": count,
        "zeros": np.count_nonzero(model == 0, axis=1),
        "total": wide.sum(1),
        "absolute": np.abs(wide).sum(1),
        "squares": np.vecdot(wide, wide),
        "distinct": np.count_nonzero(new, axis=1) + 1,
        "code_bits": np.maximum(count * math.log2(count) - _repeated(new), 0),
    }
    for name, column in own.items():
        rows[:, PLACE[f"own_{name}"]] = column
    if base is not None:
        _compare(rows, base, model)
    ordered = ordered.astype(np.float64)
    bins = np.array(edges)
    # the last bin holds its upper edge: what is below the next number
    bins[:, :, -1] = np.nextafter(bins[:, :, -1], np.inf)
    histograms = [_histogram(row, each) for row, each in zip(ordered, bins, strict=True)]
    extremes = np.tile(NOTHING, (len(model), 1))
    extremes[:, [AT["minimum"], AT["maximum"]]] = ordered[:, [0, -1]]
    at = np.full(len(model), -1)
    if channels:
        ours, theirs = _lengths(wide, channels), None if base is None else _lengths(base, channels)
        low, high, dead, most, at = norms.of_rows(theirs, ours)
        rows[:, PLACE["num_channels"]], rows[:, PLACE["num_dead_channels"]] = channels, dead
        extremes[:, [AT[f"norm_{name}"] for name in ("low", "high", "change")]] = np.stack([low, high, most], 1)
    return Sums(rows, extremes, histograms, at)


def _compare_zeros(rows: Array, base: Array, model: Array) -> None:
    first, second = base == 0, model == 0
    both = np.count_nonzero(first & second, axis=1)
    zeros = (both, np.count_nonzero(second, axis=1) - both, np.count_nonzero(first, axis=1) - both)
    for name, column in zip(ZEROS, zeros, strict=True):
        rows[:, PLACE[f"zero_{name}"]] = column
    rows[:, PLACE["num_zeros_known"]] = 1


def _compare(rows: Array, base: Array, model: Array) -> None:
    _compare_zeros(rows, base, model)
    difference = model - base
    size = np.abs(difference)
    moved, theirs, ours = (part.astype(np.float64) for part in (difference, base, model))
    change = {
        "count": model.shape[1],
        "absolute": np.abs(moved).sum(1),
        "squares": np.vecdot(moved, moved),
        "product": np.vecdot(theirs, ours),
        "base_squares": np.vecdot(theirs, theirs),
        "model_squares": np.vecdot(ours, ours),
    }
    for name, column in change.items():
        rows[:, PLACE[f"change_{name}"]] = column
    start = PLACE["band_0"]
    rows[:, start : start + bands.NUM_BANDS] = bands.of_rows(np.abs(base), size)
    rows[:, PLACE["num_changes_known"]] = 1


def _lengths(numbers: Array, channels: int) -> Array:
    """Norms of ``(tensors, numbers)``, ``(tensors, channels)``."""
    parts = numbers.astype(np.float64).reshape(len(numbers) * channels, -1)
    return norms.lengths(norms.square_sums(parts), parts).reshape(len(numbers), channels)


def _repeated(new: Array) -> Array:
    """For each row, the sum over its values of ``n · log2 n`` for those that stand n times."""
    starts = np.concatenate([np.ones((len(new), 1), bool), new], axis=1)
    first = np.flatnonzero(starts)
    often = np.diff(first, append=starts.size).astype(float)
    return np.bincount(first // starts.shape[1], often * np.log2(often), len(new))


def _histogram(ordered: Array, edges: Array) -> Array:
    """Counts ``(levels, 66)`` of ascending numbers."""
    below = np.zeros((len(edges), edges.shape[1] + 2), np.int64)
    below[:, 1:-1] = ordered.searchsorted(edges)
    below[:, -1] = len(ordered)
    return below[:, 1:] - below[:, :-1]
