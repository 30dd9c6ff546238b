"""What a gate judges by: stated values of like kind, and outputs on the same instances. Anything unlike is refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ...analysis.behaviors import metrics as instance_metrics
from ...analysis.behaviors.frame import Frame
from ...analysis.behaviors.pairs import PairedValues, pair
from ...errors import InvalidValue, NotFound
from ...evaluation import metrics
from ...records import Metric, MetricValue, Model
from ...store.store import Store
from ..joining import joined
from ..reality import reality
from .rules import GateRule

INSTANCES = {metrics.TOP1_ACCURACY.name: "correct", metrics.NEGATIVE_LOG_LIKELIHOOD.name: "nll"}
"""The per-instance metric whose mean is a metric of models."""
COUNTED = frozenset(
    metric.name
    for metric in (*metrics.METRICS, *metrics.ONNX_METRICS)
    if metric
    not in (
        metrics.TOP1_ACCURACY,
        metrics.NEGATIVE_LOG_LIKELIHOOD,
        metrics.LATENCY,
        metrics.LATENCY_IQR,
        metrics.ONNX_LATENCY,
        metrics.ONNX_LATENCY_IQR,
    )
)
"""Metrics that are counted or follow from the weights, so that they have no interval."""
NAME_ONE = "Name the device or the dataset."
ROUNDED = 5e-4
"""How far a logged fraction may be from the mean of its outputs; for other numbers, twice that as a ratio."""


class NotEnoughError(Exception):
    """A rule cannot be decided; the message says why, and what would decide it."""


class GateEvidence:
    """Everything about a base and a model that rules ask for, read once.

    Args:
        store: the project.
        base: what the model is compared with.
        model: what is to be released.
    """

    def __init__(self, store: Store, base: Model, model: Model) -> None:
        self.store, self.base, self.model = store, base, model
        self._frames: dict[str, Frame] = {}

    @cached_property
    def directions(self) -> dict[str, bool | None]:
        """Whether higher is better, by metric."""
        return {metric.name: metric.higher_is_better for metric in self.store.metrics()}

    def metric(self, name: str) -> Metric:
        """A metric of the project, or one that the tool would have measured there.

        Raises:
            NotFound: ``metric.unknown``.
        """
        try:
            return self.store.metric(name)
        except NotFound:
            known = {one.name: one for one in (*metrics.METRICS, *metrics.ONNX_METRICS)}
            if name in known:
                return known[name]
            raise

    @cached_property
    def costs(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The rows of the reality check of base and model."""
        base, model = reality(self.store, [self.base.id, self.model.id]).to_pylist()
        return base, model

    def costs_of(self, name: str) -> tuple[float | None, float]:
        """A column of the reality check: of the base, which may be unknown, and of the model."""
        base, model = self.costs
        if "part_missing" in model["causes"]:
            raise NotEnoughError(f"A part of {self.model.id!r} is missing or not read: {model['reason']}")
        if model[name] is None:
            raise NotEnoughError(f"{name} of {self.model.id!r} is not known. Measure it with: reality --measure")
        return base[name], float(model[name])

    # Stated values

    def value(self, metric: Metric, rule: GateRule) -> MetricValue:
        """The one stated value of the model that a rule is about."""
        found = self._values(self.model, metric, rule)
        if len(found) > 1:
            places = ", ".join(sorted(map(_conditions, found)))
            raise NotEnoughError(f"{metric.name!r} was measured under several conditions: {places}. {NAME_ONE}")
        return _finite(found[0], self.model.id)

    def values(self, metric: Metric, rule: GateRule) -> tuple[MetricValue, MetricValue]:
        """The stated values of base and model that were measured under the same conditions."""
        before = {_conditions(value): value for value in self._values(self.base, metric, rule)}
        after = {_conditions(value): value for value in self._values(self.model, metric, rule)}
        shared = [place for place in after if place in before]
        if not shared:
            places = f"{' or '.join(sorted(before))} against {' or '.join(sorted(after))}"
            raise NotEnoughError(f"{metric.name!r} of the two was measured under unlike conditions: {places}.")
        if len(shared) > 1:
            raise NotEnoughError(f"{metric.name!r} was measured on {', '.join(sorted(shared))}. {NAME_ONE}")
        base, model = _finite(before[shared[0]], self.base.id), _finite(after[shared[0]], self.model.id)
        if model.device is None and None not in (base.count, model.count) and base.count != model.count:
            counts = f"{base.count:,} and {model.count:,} instances"
            raise NotEnoughError(f"{metric.name!r} was measured over {counts}, so not on the same data.")
        return base, model

    def _values(self, model: Model, metric: Metric, rule: GateRule) -> list[MetricValue]:
        wanted, device, dataset = (rule.options.get(name) for name in ("slice", "device", "dataset"))
        found = [
            value
            for value in model.metrics.get(metric.name, ())
            if value.slice == wanted and device in (None, value.device) and dataset in (None, value.dataset)
        ]
        if not found:
            said = (("slice", wanted), ("device", device), ("dataset", dataset))
            where = "".join(f" for {key} {text!r}" for key, text in said if text)
            raise NotEnoughError(f"{model.id!r} has no value of {metric.name!r}{where}.")
        return found

    # Outputs

    def pair_of(self, metric: Metric, rule: GateRule) -> PairedValues | None:
        """Base and model instance by instance, by what ``metric`` is the mean of; ``None`` where no outputs say that.

        Outputs whose mean is not the logged value are of other data or of another model, and decide nothing.
        """
        named = rule.options.get("instances")
        name = named or INSTANCES.get(metric.name, metric.name)
        found = [(data, made) for data in self._shared(rule) if (made := self._pair(data, name)) is not None]
        if not found:
            if named:
                raise NotEnoughError(f"No outputs of both models have the per-instance metric {named!r}.")
            if name != metric.name and self.base.datasets and self.model.datasets and not self._shared(rule):
                raise NotEnoughError(self._unlike(rule))
            return None
        fitting = [(data, made) for data, made in found if self._fits(metric, rule, made=made, dataset=data)]
        if not fitting:
            data, made = found[0]
            means = " and ".join(f"{mean:.4g}" for mean in _means(made))
            raise NotEnoughError(
                f"The outputs on {data!r} are stale or of other data: their means, {means}, are not the logged values."
            )
        if len(fitting) > 1:
            names = ", ".join(repr(data) for data, _ in fitting)
            raise NotEnoughError(f"The outputs on several datasets fit: {names}. Name the dataset.")
        return self._complete(*fitting[0])

    def pair_on(self, name: str, rule: GateRule) -> tuple[Frame, PairedValues]:
        """Base and model by a per-instance metric, on the dataset that a rule names or the only one."""
        shared = self._shared(rule)
        if not shared:
            raise NotEnoughError(self._unlike(rule))
        if len(shared) > 1:
            raise NotEnoughError(f"Both models have outputs on {', '.join(map(repr, shared))}. Name the dataset.")
        frame = self._frames[shared[0]]
        try:
            definition = instance_metrics.find(frame, name, directions=self.directions)
        except InvalidValue as error:
            raise NotEnoughError(f"{error.title} {error.detail}".strip()) from error
        return frame, self._complete(shared[0], pair(frame, self.model.id, name=name, metric=definition))

    def higher_is_better(self, frame: Frame, name: str) -> bool | None:
        """The direction of a per-instance metric."""
        return instance_metrics.find(frame, name, directions=self.directions).higher_is_better

    def _shared(self, rule: GateRule) -> list[str]:
        """The datasets on which both have outputs; equal data under several names once."""
        wanted = rule.options.get("dataset")
        known = {one.name: one.fingerprint for one in self.store.datasets()}
        if wanted is not None and wanted not in known:
            self.store.instances(wanted)
        names: dict[str, str] = {}
        for name in [wanted] if wanted else [*self.model.datasets, *self.base.datasets]:
            if known[name] not in names and self._joined(name):
                names[known[name]] = name
        return list(names.values())

    def _joined(self, dataset: str) -> bool:
        if dataset in self._frames:
            return True
        try:
            frame, _ = joined(self.store, self.base.id, models=[self.model.id], dataset=dataset)
        except NotFound:
            return False
        self._frames[dataset] = frame
        return True

    def _pair(self, dataset: str, name: str) -> PairedValues | None:
        frame = self._frames[dataset]
        try:
            definition = instance_metrics.find(frame, name, directions=self.directions)
            return pair(frame, self.model.id, name=name, metric=definition)
        except InvalidValue:
            return None

    def _fits(self, metric: Metric, rule: GateRule, *, made: PairedValues, dataset: str) -> bool:
        """Whether outputs are what the stated values are of; the values of the two must say the same protocol.

        A value that names other data says nothing of these outputs, unless the rule chose their dataset.
        """
        protocols = []
        for model, mean in zip((self.base, self.model), _means(made), strict=True):
            stated = [value for value in model.metrics.get(metric.name, ()) if value.slice is None]
            about = [value for value in stated if value.dataset in (None, dataset)]
            if about and not any(_is_near(value.value, mean, metric) for value in about):
                return False
            if stated and not about and "dataset" not in rule.options:
                return False
            protocols.append({value.protocol_json for value in about})
        if all(protocols) and protocols[0].isdisjoint(protocols[1]):
            places = " against ".join(" or ".join(sorted(each)) or "none" for each in protocols)
            raise NotEnoughError(f"{metric.name!r} of the two was measured by unlike protocols: {places}.")
        return True

    def _complete(self, dataset: str, made: PairedValues) -> PairedValues:
        frame = self._frames[dataset]
        counts = [int(frame.present(id).sum()) for id in (self.base.id, self.model.id)]
        if (frame.present(self.base.id) != frame.present(self.model.id)).any():
            each = f"{self.base.id!r} answered {counts[0]:,} and {self.model.id!r} {counts[1]:,}"
            raise NotEnoughError(f"Of {frame.num_instances:,} instances of {dataset!r}, {each}, not the same ones.")
        if not made.compared.any():
            raise NotEnoughError(f"No instance of {dataset!r} has what is compared.")
        if (made.compared & ~made.finite).any():
            lost = int((made.compared & ~made.finite).sum())
            raise NotEnoughError(f"On {lost:,} instances of {dataset!r} a number is not finite.")
        return made

    def _unlike(self, rule: GateRule) -> str:
        wanted = rule.options.get("dataset")
        said = [
            f"{model.id!r} has outputs on {', '.join(map(repr, model.datasets)) or 'none'}"
            for model in (self.base, self.model)
        ]
        on = f" on {wanted!r}" if wanted else " on the same data"
        return f"The two models have no outputs{on}: {'; '.join(said)}."


def _means(made: PairedValues) -> Sequence[float]:
    """Of base and model, each over what it answered itself."""
    found = []
    for values in (made.base_values, made.model_values):
        known = np.isfinite(values)
        found.append(float(values[known].mean()) if known.any() else math.nan)
    return found


def _is_near(stated: float, mean: float, metric: Metric) -> bool:
    if metric.is_share:
        return abs(stated - mean) <= ROUNDED
    return math.isclose(stated, mean, rel_tol=2 * ROUNDED, abs_tol=1e-12)


def _conditions(value: MetricValue) -> str:
    """What a value must share with another to be compared with it."""
    said = [value.device, value.dataset and f"dataset {value.dataset}", value.protocol_json]
    return ", ".join(part for part in said if part) or "nothing stated"


def _finite(value: MetricValue, model: str) -> MetricValue:
    if value.kind != "number":
        raise NotEnoughError(f"The value of {model!r} is {value.value}.")
    return value
