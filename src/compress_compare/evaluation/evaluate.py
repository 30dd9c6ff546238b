"""All standard measurements of a classifier in one call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import nn

from . import metrics, quality
from .cost import Measurements, measure_cost, measure_size
from .forward import logits
from .inputs import first
from .latency import LatencySettings
from .onnx_runtime import Exports

__all__ = ["LabelledData", "Measurements", "Settings", "evaluate", "measure_quality", "measure_size"]


@dataclass(frozen=True)
class LabelledData:
    """The data on which a classifier is evaluated.

    Args:
        inputs: all instances as the model takes them: a tensor, or a tuple or mapping of arguments.
        labels: index of the correct class, ``(instances,)``.
    """

    inputs: Any
    labels: np.ndarray


@dataclass(frozen=True)
class Settings:
    """Settings of an evaluation.

    Args:
        batch_size: instances per forward pass, except where time is measured.
        latency: how to measure time; ``None`` leaves it out.
        onnx: earlier exports, to measure in ONNX Runtime as well; ``None`` leaves it out, which saves seconds for each
            architecture.
    """

    batch_size: int = 256
    latency: LatencySettings | None = field(default_factory=LatencySettings)
    onnx: Exports | None = None


def evaluate(model: nn.Module, data: LabelledData, *, settings: Settings | None = None) -> Measurements:
    """Measure quality, size, sparsity, compute, memory and latency. The model stays as it is.

    A quantity that cannot be measured is absent from the result; see `cost.measure_cost`.
    """
    settings = settings or Settings()
    scores = logits(model, data.inputs, batch_size=settings.batch_size)
    return {
        **measure_quality(scores, data.labels),
        **measure_cost(model, first(data.inputs), timing=settings.latency, exports=settings.onnx).values,
    }


def measure_quality(scores: np.ndarray, labels: np.ndarray) -> Measurements:
    """Compute accuracy, in all and per class, and negative log-likelihood of scores ``(instances, classes)``."""
    return {
        metrics.TOP1_ACCURACY.name: quality.accuracy(scores, labels),
        metrics.NEGATIVE_LOG_LIKELIHOOD.name: [quality.negative_log_likelihood(scores, labels)],
    }
