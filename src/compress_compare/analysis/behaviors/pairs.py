"""The base against one model, instance by instance, added up over groups of instances."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..inference import bootstrap, intervals, significance
from . import segmentation
from .definition import LABELS, MASKS, InstanceMetric
from .frame import Frame
from .joined import BLOCK, Codes, Floats, Mask
from .metrics import values

Counts = NDArray[np.int64]
_OF_CELL = np.array([0.0, 1.0, -1.0, 0.0, 0.0])
"""The difference in each cell of a proportion."""


@dataclass(frozen=True)
class PairedValues:
    """Args:
    model: id.
    base_values: ``[instances]`` of the metric.
    model_values: likewise.
    compared: which instances both models answered (and have a label, if the metric is about labels; and a pixel that
        is not void, if it is about masks).
    changes: predictions, if there are classes.
    proportion: whether the metric is 0 or 1 everywhere.
    """

    model: str
    base_values: Floats
    model_values: Floats
    compared: Mask
    changes: Changes | None
    proportion: bool

    def take(self, rows: Counts) -> PairedValues:
        """Some instances, each as often as it is named."""
        changes = self.changes and self.changes.take(rows)
        values = self.base_values[rows], self.model_values[rows]
        return PairedValues(self.model, *values, self.compared[rows], changes, self.proportion)

    @cached_property
    def finite(self) -> Mask:
        """Which of the compared instances have a finite number from both."""
        return self.compared & np.isfinite(self.base_values) & np.isfinite(self.model_values)

    @property
    def difference(self) -> Floats:
        """Model − base, 0 where not both are finite. Of a proportion it is not kept, for its cells say it."""
        return _OF_CELL[self.cells] if self.proportion else self._difference

    @cached_property
    def _difference(self) -> Floats:
        with np.errstate(invalid="ignore"):
            return np.where(self.finite, self.model_values - self.base_values, 0.0)

    @cached_property
    def mean_difference(self) -> float:
        """Over the instances where both are finite; NaN if there is none."""
        count = int(np.count_nonzero(self.finite))
        return float(self.difference.sum()) / count if count else float("nan")

    @cached_property
    def centered(self) -> Floats:
        """``difference`` less its mean."""
        return self.difference - self.mean_difference

    @cached_property
    def squares(self) -> Floats:
        """Of ``centered``."""
        return self.centered**2

    @cached_property
    def base_finite(self) -> Floats:
        """The base's values, 0 where not both are finite."""
        return self.base_values if self.finite.all() else np.where(self.finite, self.base_values, 0.0)

    @cached_property
    def population(self) -> significance.Distribution:
        """The differences where both are finite, of which there is at least one."""
        if not self.proportion:
            return significance.distribution(self.difference[self.finite])
        neither, won, lost, both, _ = np.bincount(self.cells, minlength=5)
        counts = np.array([lost, neither + both, won])
        there = counts > 0
        return significance.Distribution(np.array([-1.0, 0.0, 1.0])[there], counts[there] / counts.sum())

    @cached_property
    def cells(self) -> NDArray[np.int8]:
        """Of a proportion: 0 neither, 1 only the model, 2 only the base, 3 both; 4 where not both are known."""
        found = 2 * (self.base_values > 0).astype(np.int8) + (self.model_values > 0)
        found[~self.finite] = 4
        return found


@dataclass(frozen=True)
class Changes:
    """Predictions as classes, −1 for none; ``labels`` are ``None`` where the dataset has none."""

    before: Codes
    after: Codes
    labels: Codes | None

    def take(self, rows: Counts) -> Changes:
        """Some instances, each as often as it is named."""
        return Changes(self.before[rows], self.after[rows], None if self.labels is None else self.labels[rows])

    @cached_property
    def answered(self) -> Mask:
        """Both predicted."""
        return (self.before >= 0) & (self.after >= 0)

    @cached_property
    def changed(self) -> Mask:
        """Both predicted, and not the same."""
        return np.asarray(self.answered & (self.before != self.after))

    @cached_property
    def flips(self) -> NDArray[np.int8]:
        """0 same, 1 right → wrong, 2 wrong → right, 3 wrong → other wrong, 4 changed without label, 5 not answered."""
        found = 4 * self.changed.view(np.int8) + 5 * (~self.answered).view(np.int8)
        if self.labels is not None:
            was_right, is_right = ((codes == self.labels).view(np.int8) for codes in (self.before, self.after))
            found -= (self.changed & (self.labels >= 0)).view(np.int8) * (1 + 2 * was_right + is_right)
        return found


def pair(frame: Frame, model: str, *, name: str, metric: InstanceMetric) -> PairedValues:
    """The base of a frame against one of its models."""
    of_model = values(frame, name, metric=metric)
    compared = measurable(frame, frame.base, metric=metric) & measurable(frame, model, metric=metric)
    if LABELS in metric.needs:
        compared = compared & frame.column("label").is_valid().to_numpy()
    proportion = name in ("correct", "exact_match")
    return PairedValues(model, of_model[frame.base], of_model[model], compared, changes(frame, model), proportion)


def measurable(frame: Frame, model: str, *, metric: InstanceMetric | None) -> Mask:
    """Which instances of a model can have a metric: one of masks needs a pixel that is not void, and an answer."""
    present = frame.present(model)
    return present & segmentation.measurable(frame, model) if metric and MASKS in metric.needs else present


def changes(frame: Frame, model: str) -> Changes | None:
    """The predictions of the base and of a model, unless they are measurements."""
    if frame.is_numeric:
        return None
    return Changes(
        frame.predictions(frame.base), frame.predictions(model), frame.labels() if frame.has_labels else None
    )


def added_up(of: PairedValues, groups: Codes, *, size: int) -> dict[str, NDArray[Any]]:
    """Count, means, change with interval, agreement and flips of each group.

    Args:
        of: the base and a model.
        groups: ``[instances]`` from 0 to ``size`` − 1.
        size: how many groups there are.
    """
    places = groups.astype(np.int64)
    found = _proportions(of, places, size=size) if of.proportion else _means(of, places, size=size)
    return {**found, **_flips(of, places, size=size)}


def _proportions(of: PairedValues, groups: Counts, *, size: int) -> dict[str, NDArray[Any]]:
    """From the paired table of each group."""
    neither, model_only, base_only, both = _table(of.cells, groups, size=size, kinds=5)[:4]
    count = neither + model_only + base_only + both
    low, high = intervals.newcombe(both, base_only, model_only=model_only, neither=neither)
    balance, changed = model_only - base_only, model_only + base_only
    drawn_low, drawn_high = bootstrap.expanded([balance, changed, balance, changed], count)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "count": count,
            "value": (both + model_only) / count,
            "base_value": (both + base_only) / count,
            "difference": balance / count,
            "ci_low": low,
            "ci_high": high,
            # what no instance did no draw does
            "bootstrap_low": np.where(base_only > 0, drawn_low, np.maximum(drawn_low, 0)),
            "bootstrap_high": np.where(model_only > 0, drawn_high, np.minimum(drawn_high, 0)),
        }


def _means(of: PairedValues, groups: Counts, *, size: int) -> dict[str, NDArray[Any]]:
    """Sums of differences are taken around their overall mean, so that no digits of their spread are lost."""
    groups = groups if of.finite.all() else np.where(of.finite, groups, size)

    def sums(weights: Floats | None) -> NDArray[Any]:
        return np.bincount(groups, weights, minlength=size + 1)[:size]

    count = sums(None)
    with np.errstate(invalid="ignore", divide="ignore"):
        base = sums(of.base_finite) / count
        offset = sums(of.centered) / count
        squares = sums(of.squares)
        deviations = np.sqrt(np.maximum(squares - count * offset**2, 0) / (count - 1))
    change = offset + of.mean_difference
    low, high = intervals.paired_t(change, deviations, counts=count)
    found = {"count": count, "value": base + change, "base_value": base}
    with np.errstate(over="ignore", invalid="ignore"):
        moments = [offset * count, squares, sums(of.squares * of.centered), sums(of.squares**2)]
    drawn = [limit + of.mean_difference for limit in bootstrap.expanded(moments, count)]
    limits = {"ci_low": low, "ci_high": high, "bootstrap_low": drawn[0], "bootstrap_high": drawn[1]}
    return {**found, "difference": change, **limits}


def _flips(of: PairedValues, groups: Counts, *, size: int) -> dict[str, NDArray[Any]]:
    """Agreement, and where there are labels the flips and McNemar's p."""
    if of.changes is None:
        return {"compared": np.bincount(groups[of.compared], minlength=size)}
    same, lost, won, other, unlabeled, _ = _table(of.changes.flips, groups, size=size, kinds=6)
    compared = same + lost + won + other + unlabeled
    with np.errstate(invalid="ignore", divide="ignore"):
        found: dict[str, NDArray[Any]] = {"compared": compared, "agreement": same / compared}
    if of.changes.labels is None:
        return found
    p = np.array([significance.mcnemar_exact(int(a), int(b)) for a, b in zip(lost, won, strict=True)])
    return {**found, "right_to_wrong": lost, "wrong_to_right": won, "wrong_to_wrong": other, "mcnemar_p": p}


def _table(kind: NDArray[np.int8], groups: Counts, *, size: int, kinds: int) -> Counts:
    """``[kinds, groups]`` instances of each kind in each group."""
    found, step = np.zeros(size * kinds, np.int64), max(BLOCK, size * kinds)
    for start in range(0, len(kind), step):
        block = slice(start, start + step)
        found += np.bincount(groups[block] * kinds + kind[block], minlength=size * kinds)
    return found.reshape(size, kinds).T
