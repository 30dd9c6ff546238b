"""All standard measurements of a classifier in one call."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from torch import Tensor, nn

from ..errors import InvalidValue
from ..records import MetricValue
from . import compute, latency, metrics, quality, size, sparsity
from .forward import logits

Measurements = dict[str, list[MetricValue]]
"""Values by metric name; a metric that could not be measured is absent."""


@dataclass(frozen=True)
class LabelledData:
    """What a classifier is evaluated on.

    Args:
        inputs: ``(instances, …)``, as the model takes them.
        labels: index of the right class, ``(instances,)``.
    """

    inputs: Tensor
    labels: np.ndarray


@dataclass(frozen=True)
class Settings:
    """How to evaluate.

    Args:
        batch_size: instances per forward pass where time is not measured.
        latency: how to measure time; ``None`` leaves it out.
    """

    batch_size: int = 256
    latency: latency.LatencySettings | None = field(default_factory=latency.LatencySettings)


def evaluate(model: nn.Module, data: LabelledData, *, settings: Settings | None = None) -> Measurements:
    """Measure quality, size, sparsity, compute and latency, on one torch thread. The model stays as it is.

    Multiply-accumulates are absent where they cannot be counted; see `compute.macs`.
    """
    settings = settings or Settings()
    scores = logits(model, data.inputs, batch_size=settings.batch_size)
    return {
        **measure_quality(scores, data.labels),
        **measure_size(model),
        **measure_compute(model, data.inputs[:1], timing=settings.latency),
    }


def measure_quality(scores: np.ndarray, labels: np.ndarray) -> Measurements:
    """Accuracy over all and per class, and negative log-likelihood, of scores ``(instances, classes)``."""
    return {
        metrics.TOP1_ACCURACY.name: quality.accuracy(scores, labels),
        metrics.NEGATIVE_LOG_LIKELIHOOD.name: [quality.negative_log_likelihood(scores, labels)],
    }


def measure_size(model: nn.Module) -> Measurements:
    """Bytes in three accountings, parameters and zeros."""
    content = size.serialize(model)
    return {
        metrics.MODEL_SIZE.name: [size.file_size(content)],
        metrics.GZIP_SIZE.name: [size.gzip_size(content)],
        metrics.PACKED_SIZE.name: [size.packed_size(model)],
        metrics.PARAMETERS.name: [sparsity.parameters(model)],
        metrics.NONZERO_PARAMETERS.name: [sparsity.nonzero_parameters(model)],
        metrics.SPARSITY.name: [sparsity.sparsity(model)],
        metrics.WEIGHT_SPARSITY.name: [sparsity.weight_sparsity(model)],
    }


def measure_compute(model: nn.Module, example: Tensor, *, timing: latency.LatencySettings | None) -> Measurements:
    """Multiply-accumulates and latency for ``example``, one instance ``(1, …)``."""
    measured: Measurements = {}
    try:
        measured[metrics.MACS.name] = [compute.macs(model, example)]
    except InvalidValue as error:
        if error.code != "compute.uncounted":
            raise
    if timing is not None:
        median, spread = latency.latency(model, example, settings=timing)
        measured |= {metrics.LATENCY.name: [median], metrics.LATENCY_IQR.name: [spread]}
    return measured
