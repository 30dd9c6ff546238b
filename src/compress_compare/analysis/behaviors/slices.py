"""The slices that changed most: one or two conditions on metadata, label or prediction, found and tested.

Every slice with enough instances is tried against the change of all instances together; the bounds of the p-values are
adjusted over all slices tried by Benjamini and Hochberg. A slice of two conditions is kept only if it changed more than
each of its conditions alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..inference import significance
from .grouping import Grouping, condition
from .pairs import PairedValues
from .tables import LEVEL

SUPPORT = 10
"""Instances that a slice has at least."""
MAX_VALUES = 60
"""Features with more values make no pairs."""
ALIKE = 0.5
"""Of the instances of two slices together, those that both have from which on the two are one finding."""
MOST_ALIKE = 200
"""Slices, those that changed most first, that are held against each other."""
ONES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1)
"""How many bits of a byte are set."""


@dataclass(frozen=True)
class Slices:
    """Slices tried: the groups that make each (−1 for no second condition), their size and their mean change."""

    features: NDArray[np.int64]
    groups: NDArray[np.int64]
    counts: NDArray[np.int64]
    means: NDArray[np.float64]

    def take(self, places: NDArray[Any]) -> Slices:
        """Some of them."""
        return Slices(self.features[places], self.groups[places], self.counts[places], self.means[places])


def find(pair: PairedValues, features: Mapping[str, Grouping], *, support: int = SUPPORT) -> pa.Table:
    """The slices with a significant change beyond the average, the largest first.

    Args:
        pair: the base and a model.
        features: groups of instances by the name of the feature.
        support: instances that a slice has at least.

    Returns:
        ``model, slice, columns`` (list), ``values`` (list of text), ``count, difference, excess, p, p_adjusted,
        tried, same_as``: ``same_as`` names one that changed more, with mostly the same instances: both are one finding.
    """
    used = np.flatnonzero(pair.finite)
    change = pair.difference[used]
    codes = [grouping.codes[used] for grouping in features.values()]
    sizes = [len(grouping.names) for grouping in features.values()]
    tried = _tried(codes, sizes, change=change, support=support)
    p = np.empty(0)
    if len(tried.counts):
        p = significance.mean_bound(pair.population, tried.counts, means=tried.means)
    adjusted = significance.benjamini_hochberg(p)
    beyond = np.abs(tried.means - pair.mean_difference)
    significant = np.flatnonzero((adjusted <= LEVEL) & _beats_parents(tried, beyond))
    kept = significant[np.argsort(-beyond[significant], kind="stable")]
    table = _described(tried.take(kept), features)
    columns = {
        "excess": tried.means[kept] - pair.mean_difference,
        "p": p[kept],
        "p_adjusted": adjusted[kept],
        "tried": np.full(len(kept), len(tried.counts)),
    }
    leaders = _leaders(tried.take(kept), codes, worse=columns["excess"] < 0)
    names = table["slice"].to_pylist()
    same = [None if leader < 0 else names[leader] for leader in leaders]
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values))
    table = table.append_column("same_as", pa.array(same, pa.string()))
    return table.add_column(0, "model", pa.array([pair.model] * len(kept), pa.string()))


def _tried(codes: list[NDArray[np.int32]], sizes: list[int], *, change: NDArray[np.float64], support: int) -> Slices:
    parts = []
    for feature, (of_feature, size) in enumerate(zip(codes, sizes, strict=True)):
        parts.append(_cells(of_feature, size, change=change, where=(feature, -1, 1)))
    for first, second in combinations(range(len(codes)), 2):
        if sizes[first] <= MAX_VALUES and sizes[second] <= MAX_VALUES:
            joint = codes[first] * sizes[second] + codes[second]
            size = sizes[first] * sizes[second]
            parts.append(_cells(joint, size, change=change, where=(first, second, sizes[second])))
    if not parts:
        return Slices(np.empty((0, 2), np.int64), np.empty((0, 2), np.int64), np.empty(0, np.int64), np.empty(0))
    all_ = Slices(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    enough = (all_.counts >= support) & (all_.counts < len(change))
    return all_.take(enough)


def _cells(
    codes: NDArray[np.int32], size: int, *, change: NDArray[np.float64], where: tuple[int, int, int]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    first, second, width = where
    counts = np.bincount(codes, minlength=size)
    sums = np.bincount(codes, change, minlength=size)
    cells = np.arange(size)
    groups = np.stack([cells // width, cells % width if second >= 0 else np.full(size, -1)], axis=1)
    features = np.tile(np.array([first, second]), (size, 1))
    return features, groups, counts, sums / np.maximum(counts, 1)


def _beats_parents(tried: Slices, beyond: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a slice changed more than each of its conditions alone, in the number that stands for it when shown."""
    single = {
        (int(feature[0]), int(group[0])): float(size)
        for feature, group, size in zip(tried.features, tried.groups, beyond, strict=True)
        if feature[1] < 0
    }
    better = np.ones(len(beyond), dtype=np.bool_)
    for place in np.flatnonzero(tried.features[:, 1] >= 0):
        parents = (
            single.get((int(feature), int(group)), 0.0)
            for feature, group in zip(tried.features[place], tried.groups[place], strict=True)
        )
        better[place] = beyond[place] > max(parents)
    return better


def _leaders(found: Slices, codes: list[NDArray[np.int32]], *, worse: NDArray[np.bool_]) -> list[int]:
    """The place of the first slice that has mostly the same instances and changed the same way; −1 for none."""
    leaders, firsts = [-1] * len(found.counts), list[tuple[int, NDArray[np.uint8]]]()
    for place in range(min(len(found.counts), MOST_ALIKE)):
        members = np.ones(len(codes[0]), np.bool_)
        for feature, group in zip(found.features[place], found.groups[place], strict=True):
            if feature >= 0:
                members &= codes[int(feature)] == group
        bits = np.packbits(members)
        for first, other in firsts:
            both = int(ONES[bits & other].sum(dtype=np.int64))
            either = int(found.counts[place] + found.counts[first]) - both
            if worse[place] == worse[first] and both > ALIKE * either:
                leaders[place] = first
                break
        else:
            firsts.append((place, bits))
    return leaders


def _described(found: Slices, features: Mapping[str, Grouping]) -> pa.Table:
    """What the slices are, in words and as columns and values."""
    names = list(features)
    columns, values, texts = [], [], []
    for feature, group in zip(found.features, found.groups, strict=True):
        conditions = [(names[int(f)], int(g)) for f, g in zip(feature, group, strict=True) if f >= 0]
        columns.append([name for name, _ in conditions])
        named = [(name, features[name].names[g].as_py()) for name, g in conditions]
        values.append([str(value) for _, value in named])
        texts.append(", ".join(condition(*one) for one in named))
    return pa.table(
        {
            "slice": pa.array(texts, pa.string()),
            "columns": pa.array(columns, pa.list_(pa.string())),
            "values": pa.array(values, pa.list_(pa.string())),
            "count": pa.array(found.counts, pa.int64()),
            "difference": pa.array(found.means),
        }
    )
