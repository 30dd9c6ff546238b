"""The ranges on which histograms are made: the base's, so that models are seen where they leave it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from . import histogram, tree
from .histogram import Range
from .values import Array


def of_rows(tensors: Mapping[str, Range], others: Iterable[tuple[str, Range]]) -> dict[tree.Key, Range]:
    """The range of every tensor and module.

    Args:
        tensors: finite ranges of the base's tensors by name.
        others: of tensors that only models have; they count where the base has nothing.
    """
    ranges = _with_modules(tensors.items())
    return _with_modules(others) | ranges


def edges(ranges: Mapping[tree.Key, Range]) -> dict[tree.Key, Array]:
    """The edges of every row, made once for all models."""
    return {key: histogram.edges(span) for key, span in ranges.items()}


def bins(name: str, edges: Mapping[tree.Key, Array]) -> Array:
    """The edges for a tensor, ``(levels, 65)``: those of the root, of each module on the way, and its own."""
    module, parameter = tree.split(name)
    keys: list[tree.Key] = [(outer, None) for outer in tree.path(module)]
    rows = [*keys, (module, parameter)]
    return np.array([edges[key] if key in edges else histogram.edges(histogram.EMPTY) for key in rows])


def _with_modules(named: Iterable[tuple[str, Range]]) -> dict[tree.Key, Range]:
    found: dict[tree.Key, Range] = {}
    for name, span in named:
        module, parameter = tree.split(name)
        keys: list[tree.Key] = [(outer, None) for outer in tree.path(module)]
        for key in [*keys, (module, parameter)]:
            found[key] = histogram.union([found.get(key, histogram.EMPTY), span])
    return found
