"""The result of ``project.behaviors``: how the predictions of models differ from those of a base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from ..analysis.behaviors import (
    calibration,
    changes,
    detection,
    exemplars,
    grouping,
    guard,
    histograms,
    metrics,
    segmentation,
    single,
    slices,
    tokens,
)
from ..analysis.behaviors import pairs as paired
from ..analysis.behaviors import tables as summaries
from ..analysis.behaviors.columns import InstanceColumns
from ..analysis.behaviors.frame import Frame
from ..analysis.behaviors.joined import Floats
from ..analysis.behaviors.masks import Classes
from ..errors import InvalidValue
from ..table import Table

PARTS = ("summary", "groups", "changes", "instances", "slices", "exemplars", "calibration", "detection", "segmentation")
"""The tables that can be written to files."""
MAX_LIMIT = 10_000
MAX_VECTOR_BYTES = 512_000_000
"""Vectors beyond this are read anew for every metric."""


class Behaviors:
    """A comparison of models with a base on one dataset, joined by instance id, by one per-instance metric.

    Every result is computed on first use and kept.

    Args:
        frame: the outputs.
        metric: name of the per-instance metric.
        by: the columns that ``groups`` are made of, at most two; the class if there is none.
        directions: whether higher is better, of metrics that were logged, by name.

    Raises:
        InvalidValue: ``behaviors.*``, if outputs cannot be compared or the metric does not apply.
    """

    def __init__(
        self, frame: Frame, metric: str, *, by: str | Sequence[str] = (), directions: Mapping[str, bool | None]
    ) -> None:
        guard.check_kinds(frame)
        self._frame = frame
        self._directions = directions
        self.definition = metrics.find(frame, metric, directions=directions)
        if frame.has_labels and not frame.is_numeric:
            guard.check_label_sets(frame)
        self.base = frame.base
        self.models = frame.models
        self.metric = metric
        self.by = grouping.columns_of(by)
        self._columns = InstanceColumns(frame, metric, values=self._values, by=self.by)

    def __repr__(self) -> str:
        return f"Behaviors({self.base!r}, {self.models!r}, metric={self.metric!r})"

    def _repr_html_(self) -> str:
        return self.summary._repr_html_()

    @property
    def metrics(self) -> list[str]:
        """The metrics that the logged outputs allow."""
        return metrics.available(self._frame)

    @property
    def higher_is_better(self) -> bool | None:
        """The direction of the metric; ``None`` where there is none."""
        return self.definition.higher_is_better

    @property
    def meaning(self) -> str:
        """What the metric is, in one sentence."""
        return self.definition.meaning

    @property
    def columns(self) -> list[str]:
        """The columns of ``instances``."""
        return self._columns.names()

    @property
    def num_instances(self) -> int:
        """Of the dataset."""
        return self._frame.num_instances

    @property
    def group_columns(self) -> list[str]:
        """The columns that instances can be grouped by."""
        return grouping.groupable(self._frame)

    @property
    def has_labels(self) -> bool:
        """Whether instances have a label."""
        return self._frame.has_labels

    @property
    def has_classes(self) -> bool:
        """Whether predictions are classes rather than measurements."""
        return not self._frame.is_numeric

    @property
    def can_group(self) -> bool:
        """Whether there are ``groups``: columns to group by, or labels that are classes."""
        return bool(self.by) or (self.has_labels and self.has_classes)

    def using(self, metric: str | None = None, by: str | Sequence[str] | None = None) -> Behaviors:
        """Return the same comparison with another metric or other groups, without reading the files again."""
        chosen = self.by if by is None else grouping.columns_of(by)
        return Behaviors(self._frame, metric or self.metric, by=chosen, directions=self._directions)

    # Models

    @cached_property
    def summary(self) -> Table:
        """One row per model; see ``docs/behaviors.md`` for the columns."""
        present = {model: int(self._frame.present(model).sum()) for model in self._frame.outputs}
        found = summaries.summary(self._pairs, self.metric, present=present, num_instances=self._frame.num_instances)
        return Table(found, write=self.definition.write)

    def bootstrap(self, resamples: int = 10_000, seed: int = 0) -> Table:
        """The change of the mean with the interval of a paired bootstrap: ``model, metric, count, difference, ci_low,
        ci_high, interval``.

        Args:
            resamples: number of resamples, 100 to 1,000,000.
            seed: seed of the resamples.
        """
        if not 100 <= resamples <= 1_000_000:
            raise InvalidValue(
                "value.range", "A bootstrap has 100 to 1,000,000 resamples.", detail=f"Found {resamples}."
            )
        return Table(summaries.bootstrapped(self._pairs, self.metric, resamples=resamples, seed=seed))

    @cached_property
    def groups(self) -> Table:
        """One row per model and class, or value of the columns ``by``.

        Raises:
            InvalidValue: ``behaviors.group`` if the instances cannot be grouped this way.
        """
        found = grouping.grouping(self._frame, self.by)
        higher_is_better = self.definition.higher_is_better
        rows = summaries.groups(self._pairs, self.metric, by=found, higher_is_better=higher_is_better)
        return Table(rows, write=self.definition.write)

    @cached_property
    def changes(self) -> Table:
        """Every change of prediction: ``model, base_prediction, prediction, count, rate``, the most frequent first."""
        return Table(changes.most_frequent(self._changes("Changes of prediction"), self._frame.classes()))

    @cached_property
    def pairs(self) -> Table:
        """Return a row for every two of base and models: difference in accuracy, interval, McNemar's p, and ties."""
        self._need_labels("Comparing every two models")
        found = self._changes("Comparing every two models")
        first = paired.changes(self._frame, self.base)
        return Table(summaries.every_pair({self.base: first, **found} if first is not None else found))

    def confusion(self, model: str) -> Table:
        """How the confusion matrix changed: ``label, prediction, base_count, count, change``."""
        self._need_labels("A confusion matrix")
        found = self._changes("A confusion matrix")
        if model not in found:
            raise InvalidValue(
                "behaviors.model", f"Model {model[:80]!r} is not compared here.", hint=f"{', '.join(found)} are."[:300]
            )
        return Table(changes.confusion(found[model], self._frame.classes()))

    @cached_property
    def calibration(self) -> Table:
        """Reliability of the base and of each model: ``model, low, high, count, confidence, accuracy``."""
        confidence, correct = self._values("confidence"), self._values("correct")
        return Table(
            pa.concat_tables(
                calibration.reliability(model, confidence=confidence[model], correct=correct[model])
                for model in self._frame.outputs
            )
        )

    @cached_property
    def calibration_errors(self) -> dict[str, float | None]:
        """Expected calibration error of the base and of each model, from 15 bins."""
        bins = self.calibration.arrow
        size = calibration.BINS
        of_models = enumerate(self._frame.outputs)
        return {model: calibration.expected_error(bins.slice(i * size, size)) for i, model in of_models}

    @cached_property
    def perplexity(self) -> Table:
        """Perplexity over all tokens: ``model, tokens, perplexity, base_perplexity, ratio, ci_low, ci_high``."""
        metrics.find(self._frame, "perplexity", directions={})
        return Table(tokens.corpus(self._frame))

    @cached_property
    def detection(self) -> Table:
        """Average precision and the objects lost and won, by model and class; see ``analysis.behaviors.detection``."""
        metrics.find(self._frame, "detection_f1", directions={})
        return Table(detection.corpus(self._frame))

    @cached_property
    def segmentation(self) -> Table:
        """Intersection over union by model and class, over all pixels; see ``analysis.behaviors.segmentation``."""
        metrics.find(self._frame, "mean_iou", directions={})
        return Table(segmentation.corpus(self._frame))

    def histograms(self, bins: int = 40, where: object = None, *, relative: bool = False) -> Table:
        """Return the values of base and models in shared bins, for the instances that pass a filter.

        Args:
            bins: how many, 1 to 1,000.
            where: which instances; see ``instances``.
            relative: the values minus those of the base, in bins around zero, without the base itself.

        Returns:
            ``model, low, high, counts, nan, positive_infinity, negative_infinity, missing``.
        """
        if not 1 <= bins <= 1000:
            raise InvalidValue("value.range", "A histogram has 1 to 1,000 bins.", detail=f"Found {bins}.")
        mask = self._columns.mask(where)
        chosen = slice(None) if mask is None else mask
        numbers = self._values(self.metric)
        known = {model: paired.measurable(self._frame, model, metric=self.definition) for model in numbers}
        if relative:
            known = {model: known[model] & known[self.base] for model in self.models}
            numbers = {model: histograms.differences(numbers[model], numbers[self.base]) for model in self.models}
        values = {model: found[chosen] for model, found in numbers.items()}
        present = {model: found[chosen] for model, found in known.items()}
        edges = histograms.bounds(numbers)
        if relative:
            edges = (-max(map(abs, edges)), max(map(abs, edges)))
        return Table(histograms.table(values, present, bins=bins, bounds=edges))

    @cached_property
    def slices(self) -> Table:
        """The slices of one or two conditions that changed significantly more or less than the average, per model."""
        features = {name: grouping.feature(self._frame, name) for name in grouping.groupable(self._frame)}
        usable = {name: found for name, found in features.items() if found is not None}
        return Table(pa.concat_tables(slices.find(pair, usable) for pair in self._pairs))

    # Instances

    def exemplars(self, share: float = 0.5, limit: int = 100) -> Table:
        """Return the instances where at least this share of the models disagrees with the base, largest share first.

        Returns:
            ``id``, ``label`` if there is one, ``base_prediction``, ``prediction`` (the models' most frequent one,
            null where several are),
            ``num_changed``, ``num_models`` (that have a prediction), ``share``.
        """
        found = self._changes("Exemplars")
        changed, answered = exemplars.disagreements(found, self._frame.num_instances)
        rows = exemplars.ranked(changed, answered, share=share, limit=_checked(limit))
        changed, answered = changed[rows].astype(np.int64), answered[rows].astype(np.int64)
        names = ["id", *(["label"] if self._frame.has_labels else []), f"prediction[{self.base}]"]
        table = self._columns.table(rows, names)
        classes = self._frame.classes()
        votes = exemplars.most_frequent(found, rows, size=len(classes))
        modal = classes.take(pa.array(votes, mask=votes < 0))
        table = table.rename_columns([*names[:-1], "base_prediction"]).append_column("prediction", modal)
        table = table.append_column("num_changed", pa.array(changed))
        table = table.append_column("num_models", pa.array(answered))
        return Table(table.append_column("share", pa.array(changed / np.maximum(answered, 1))))

    def instances(self, sort: str | None = None, where: object = None, *, limit: int = 100, offset: int = 0) -> Table:
        """Return some of the instances that pass a filter.

        Args:
            sort: a column, or ``-`` and a column for descending; stable, with NaN and then missing values last in both
                directions. The order of the dataset if not given.
            where: see ``analysis.behaviors.rows.conditions``, e.g. ``{"label": 3, "changed": True}`` or
                ``[("nll[m]", ">", 2.5)]``.
            limit: how many, at most 10,000.
            offset: how many to pass over.

        Raises:
            InvalidValue: ``behaviors.column``, ``behaviors.where``, ``value.range``.
        """
        if offset < 0:
            raise InvalidValue("value.range", "An offset must not be negative.", detail=f"Found {offset}.")
        chosen = self._columns.first(sort, where, count=offset + _checked(limit))
        return Table(self._columns.table(chosen[offset:]))

    def everything(self, sort: str | None = None, where: object = None) -> Table:
        """``instances`` without a limit, e.g. to export them."""
        return Table(self._columns.table(self._columns.chosen(sort, where)))

    def part(self, name: str, sort: str | None = None, *, where: object = None) -> Table:
        """One of the tables by its name in ``PARTS``, whole; of the instances, those that a filter leaves."""
        if name == "instances":
            return self.everything(sort, where)
        if name == "exemplars":
            return self.exemplars(limit=MAX_LIMIT)
        found: Table = getattr(self, name)
        return found

    def vectors(self, id: int | str, limit: int = 10) -> Table:
        """The largest probabilities of one instance by base and models: ``model, class, probability``.

        The classes are the ``limit`` largest of any model, those of the base first; no rows without probabilities.

        Raises:
            NotFound: ``instance.unknown``.
        """
        found = single.probabilities(self._frame, single.place(self._frame.ids(), id), limit=limit)
        self._frame.forget_vectors(MAX_VECTOR_BYTES)
        return Table(found)

    def tokens(self, id: int | str) -> dict[str, dict[str, list[float | None]]]:
        """The numbers per token of one instance, by measure and model; empty if none were logged.

        Raises:
            NotFound: ``instance.unknown``.
        """
        return tokens.of_instance(self._frame, single.place(self._frame.ids(), id))

    def boxes(self, id: int | str) -> dict[str, list[dict[str, Any]]]:
        """The objects of one image, under ``""``, and the boxes of each model, with masks if these are compared; empty
        if there are no boxes.

        Raises:
            NotFound: ``instance.unknown``.
        """
        place = single.place(self._frame.ids(), id)
        return detection.of_instance(self._frame, place) if self._frame.has_boxes else {}

    def masks(self, id: int | str) -> dict[str, Classes]:
        """The masks of one image, int32 ``[height, width]``, −100 where void: the label under ``""``, and each model's.

        Raises:
            NotFound: ``instance.unknown``.
        """
        place = single.place(self._frame.ids(), id)
        return segmentation.of_instance(self._frame, place) if self._frame.has_masks else {}

    @property
    def mask_classes(self) -> dict[int, str]:
        """The names of the classes that occur in masks, by number."""
        return segmentation.names(self._frame) if self._frame.has_masks else {}

    def count(self, where: object = None) -> int:
        """Return the number of instances that pass a filter."""
        return len(self._columns.chosen(None, where))

    # Working out

    @cached_property
    def _pairs(self) -> list[paired.PairedValues]:
        definition = self.definition

        def pair_up() -> list[paired.PairedValues]:
            self._values(self.metric)
            return [paired.pair(self._frame, model, name=self.metric, metric=definition) for model in self.models]

        return self._frame.keep(("pairs", self.metric), pair_up)

    def _values(self, name: str) -> dict[str, Floats]:
        definition = metrics.find(self._frame, name, directions=self._directions)
        found = dict(metrics.values(self._frame, name, metric=definition))
        self._frame.forget_vectors(MAX_VECTOR_BYTES)
        return found

    def _changes(self, what: str) -> dict[str, paired.Changes]:
        found = {model: paired.changes(self._frame, model) for model in self.models}
        if any(one is None for one in found.values()):
            raise InvalidValue(
                "behaviors.classes", f"{what} need predictions that are classes; these are measurements."
            )
        return {model: one for model, one in found.items() if one is not None}

    def _need_labels(self, what: str) -> None:
        if not self._frame.has_labels:
            raise InvalidValue(
                "behaviors.labels", f"{what} needs labels, and the dataset has none.", hint="Log it with labels=…."
            )


def _checked(limit: int) -> int:
    if not 0 <= limit <= MAX_LIMIT:
        raise InvalidValue("value.range", f"A limit is from 0 to {MAX_LIMIT:,}.", detail=f"Found {limit}.")
    return limit
