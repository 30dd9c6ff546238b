"""Instances with several labels: a set is one class of its own, named by its labels, and metrics compare the sets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from . import joined
from .frame import Frame
from .joined import Floats

Counts = NDArray[np.int64]
Score = Callable[[Floats, Floats, Floats], Floats]


def jaccard(frame: Frame) -> dict[str, Floats]:
    """Labels in both over labels in either; 1 if both are empty (Jaccard 1901)."""
    return _scored(frame, lambda both, first, second: _share(both, first + second - both))


def label_f1(frame: Frame) -> dict[str, Floats]:
    """Harmonic mean of precision and recall of the labels; 1 if both are empty."""
    return _scored(frame, lambda both, first, second: _share(2 * both, first + second))


def hamming(frame: Frame) -> dict[str, Floats]:
    """Share of all labels that occur on which prediction and label differ."""
    return _scored(frame, lambda both, first, second: (first + second - 2 * both) / max(len(distinct(frame)), 1))


def distinct(frame: Frame) -> pa.Array:
    """Every single label that is given or predicted, sorted, as text."""

    def load() -> pa.Array:
        return joined.classes_of(
            [pc.list_flatten(column) for column in (frame.label_sets(), *_predicted(frame).values())]
        )

    return frame.keep(("distinct labels",), load)


def members(frame: Frame) -> tuple[Counts, Counts]:
    """Each pair of an instance and one of its labels: the instances, and the places of the labels in ``distinct``."""
    pairs = _pairs(frame.label_sets(), distinct(frame))
    return np.divmod(pairs, max(len(distinct(frame)), 1))


def _predicted(frame: Frame) -> dict[str, pa.Array]:
    return {model: frame.prediction_sets(model) for model in frame.outputs}


def _scored(frame: Frame, score: Score) -> dict[str, Floats]:
    labels, count = distinct(frame), frame.num_instances
    wanted = frame.label_sets()
    true = _pairs(wanted, labels)
    found = {}
    for model, answers in _predicted(frame).items():
        given = _pairs(answers, labels)
        sizes = [
            np.bincount(pairs // max(len(labels), 1), minlength=count).astype(np.float64)
            for pairs in (np.intersect1d(true, given, assume_unique=True), true, given)
        ]
        values = score(*sizes)
        values[~(np.asarray(wanted.is_valid()) & np.asarray(answers.is_valid()))] = np.nan
        found[model] = values
    return found


def _pairs(sets: pa.Array, labels: pa.Array) -> Counts:
    """``instance · number of labels + label`` of every label of every instance."""
    places: Counts = (
        pc.index_in(pc.list_flatten(sets), value_set=labels).to_numpy(zero_copy_only=False).astype(np.int64)
    )
    parents: Counts = pc.list_parent_indices(sets).to_numpy().astype(np.int64)
    return parents * max(len(labels), 1) + places


def _share(part: Floats, whole: Floats) -> Floats:
    return np.asarray(np.where(whole == 0, 1.0, part / np.maximum(whole, 1)))
