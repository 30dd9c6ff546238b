"""Measures how much a metric changes when one layer at a time is compressed, at each of several levels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import pyarrow as pa
from torch import Tensor, nn
from torch.nn.utils.prune import BasePruningMethod

from ..analysis.inference.paired import paired_change
from ..errors import InvalidValue
from ..evaluation import compute, size
from ..evaluation.forward import observing
from ..operations import BaseOperation
from ..operations.parts.application import Copy, run
from ..operations.parts.fitness import beside, copied
from ..operations.targets import Weight, select
from ..operations.types import Batches, Given, Loss
from ..schemes import scheme
from ..schemes.scheme import TensorScheme

SCHEMA = pa.schema(
    [
        ("layer", pa.string()),
        ("operation", pa.string()),
        ("parameters", pa.string()),
        ("value", pa.float64()),
        ("change", pa.float64()),
        ("ci_low", pa.float64()),
        ("ci_high", pa.float64()),
        ("count", pa.int64()),
        ("standard_error", pa.float64()),
        ("weights", pa.int64()),
        ("layer_bytes", pa.int64()),
        ("layer_bytes_before", pa.int64()),
        ("model_bytes_before", pa.int64()),
        ("macs", pa.int64()),
        ("macs_before", pa.int64()),
        ("latency", pa.float64()),
        ("latency_before", pa.float64()),
    ]
)
"""``layer``: name of a parameter. ``parameters``: JSON, without targets. ``value``: the metric with only this layer
compressed; ``change``: minus that of the model, with its 95% interval over ``count`` examples and its paired standard
error, null without scores. ``*_bytes``: packed size. ``macs``: null without an example;
``latency``: null without a clock."""


@dataclass(frozen=True)
class Study:
    """What to measure, and on which layers and data.

    Args:
        measure: a model in evaluation mode → the metric, e.g. an accuracy.
        layers: patterns as in ``targets``; empty for all weights that operations take by default. ``re:.*\\.weight``
            takes the scales of norms as well.
        data: batches, for operations that need data.
        loss: for operations that need one; see ``BaseOperation``.
        example: one instance, to count multiply-accumulates.
        scores: a model in evaluation mode → one number per example ``[n]``, in the same order for every model, whose
            mean is the metric; it is asked in the place of ``measure`` and gives every change an interval.
        clock: a model in evaluation mode → seconds of a forward pass on the device or runtime that matters, e.g.
            ``lambda model: latency(model, example)[0].value`` for PyTorch on this machine.
    """

    measure: Callable[[nn.Module], float]
    layers: tuple[str, ...] = ()
    data: Batches | None = None
    loss: Loss | None = None
    example: Tensor | None = None
    clock: Callable[[nn.Module], float] | None = None
    scores: Callable[[nn.Module], Any] | None = None


def sensitivity(
    model: nn.Module,
    levels: Sequence[BaseOperation],
    *,
    study: Study,
    done: pa.Table | None = None,
    save: Callable[[pa.Table], None] | None = None,
) -> pa.Table:
    """Measure each layer at each level: a table with one row per layer and level. The model stays as it is.

    Args:
        model: in any mode.
        levels: operations with ``targets``, such as ``[Quantize(8), Quantize(4), MagnitudePrune(0.5)]``; their own
            targets are replaced by each layer.
        study: what to measure.
        done: rows of an earlier, interrupted run with the same model and study; they are not measured again.
        save: called with the table so far after every row, so that an interrupted run can be continued.

    Raises:
        InvalidValue: ``sensitivity.levels`` if an operation has no targets, ``targets.*`` for the layers.
    """
    keys = [(weight, level) for weight in _layers(model, study) for level in levels]
    rows = {_key(row["layer"], row): row for row in (done.to_pylist() if done is not None else [])}
    found_by = _Run(copied("sensitivity", model, shared=(*model.parameters(), *model.buffers())).eval(), study)
    found: list[dict[str, Any]] = []
    for weight, level in keys:
        described = _described(level)
        row = rows.get(_key(weight.name, described))
        found.append(row or {"layer": weight.name, **described, **found_by.measured(weight, level)})
        if row is None and save is not None:
            save(pa.Table.from_pylist(found, schema=SCHEMA))
    return pa.Table.from_pylist(found, schema=SCHEMA)


def _layers(model: nn.Module, study: Study) -> list[Weight]:
    return select("sensitivity", model, targets=study.layers)


def _key(layer: str, row: Mapping[str, Any]) -> tuple[str, str, str]:
    return layer, row["operation"], row["parameters"]


def _described(level: BaseOperation) -> dict[str, Any]:
    """Name and parameters of an operation without its targets."""
    if not hasattr(level, "targets"):
        title = f"Sensitivity goes layer by layer, and {level.name!r} cannot be given a layer."
        raise InvalidValue("sensitivity.levels", title, hint="Use operations that have targets.")
    return {"operation": level.name, "parameters": _on(level, ()).record().parameters_json}


def _on(level: BaseOperation, targets: tuple[str, ...]) -> BaseOperation:
    """The same operation on other targets."""
    kept = {name: value for name, value in level.parameters.items() if name not in ("targets", "ignore")}
    return type(level).from_parameters({**kept, "targets": list(targets)})


class _Run:
    """Measures children of one model against it."""

    def __init__(self, model: nn.Module, study: Study) -> None:
        self.model, self.study = model, study

    @cached_property
    def before(self) -> _State:
        return self._state(self.model)

    def measured(self, weight: Weight, level: BaseOperation) -> dict[str, Any]:
        """The row of one layer and level, but for its names."""
        data = None if level.data_requirement == "none" else self.study.data
        given = Given(data, self.study.loss, {}, None)
        child = run(_on(level, (weight.name,)), self.model, given=given, copy=self._copying(weight, level))
        before, after = self.before, self._state(child)
        compared = None if before.scores is None else paired_change(before.scores, after.scores)  # type: ignore[arg-type]
        layer = size.packed_bytes(weight.parameter, scheme.of(self.model).get(weight.name, TensorScheme()))
        return {
            "value": after.value,
            "change": after.value - before.value,
            "ci_low": None if compared is None else compared.low,
            "ci_high": None if compared is None else compared.high,
            "count": None if compared is None else compared.count,
            "standard_error": _standard_error(before.scores, after.scores),
            "weights": weight.parameter.numel(),
            "layer_bytes": layer + after.bytes - before.bytes,
            "layer_bytes_before": layer,
            "model_bytes_before": before.bytes,
            "macs": after.macs,
            "macs_before": before.macs,
            "latency": after.latency,
            "latency_before": before.latency,
        }

    def _copying(self, weight: Weight, level: BaseOperation) -> Copy:
        """A copy of one layer is enough for an operation that changes its targets alone."""
        rounds = level.data_requirement == "calibration" and level.lowers == "stored bits"
        pending = any(isinstance(hook, BasePruningMethod) for m in self.model.modules() for hook in _hooks(m))
        if pending or not (level.by_weight() or rounds):
            return copied
        return partial(beside, weight=weight.parameter)

    def _state(self, model: nn.Module) -> _State:
        example, clock = self.study.example, self.study.clock
        with observing(model):
            scores = None if self.study.scores is None else np.asarray(self.study.scores(model), dtype=np.float64)
            value = float(self.study.measure(model)) if scores is None else float(scores.mean())
            seconds = None if clock is None else float(clock(model))
        macs = None if example is None else int(compute.macs(model, example).value)
        return _State(value, scores, int(size.packed_size(model).value), macs, seconds)


def _standard_error(before: np.ndarray | None, after: np.ndarray | None) -> float | None:
    """Of the mean of the differences; zero where nothing changed, and none below two examples."""
    if before is None or after is None or len(before) < 2:
        return None
    return float((after - before).std(ddof=1) / np.sqrt(len(before)))


def _hooks(module: nn.Module) -> list[Any]:
    return list(module._forward_pre_hooks.values())


@dataclass(frozen=True)
class _State:
    """Metric, scores of the examples, packed bytes, multiply-accumulates and seconds of a model."""

    value: float
    scores: np.ndarray | None
    bytes: int
    macs: int | None
    latency: float | None
