"""Measures the time of a forward pass: median and interquartile range, with the settings that they depend on."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from ..records import MetricValue
from . import inputs
from .forward import observing


@dataclass(frozen=True)
class LatencySettings:
    """Settings of a time measurement.

    Args:
        batch: instances per forward pass.
        threads: torch threads.
        warm_up: passes before the measured ones.
        runs: measured passes.
    """

    batch: int = 1
    threads: int = 1
    warm_up: int = 5
    runs: int = 50

    def describe(self, device: str, *, runtime: str) -> str:
        """Describe what a time depends on, e.g. ``cpu (PyTorch 2.13.0, 1 thread, batch 1, warm-up 5, runs 50)``."""
        threads = f"{self.threads} thread{'' if self.threads == 1 else 's'}"
        return f"{device} ({runtime}, {threads}, batch {self.batch}, warm-up {self.warm_up}, runs {self.runs})"

    def inputs(self, example: Any) -> Any:
        """Return the first instance of ``example``, repeated to fill the batch."""
        return inputs.repeated(example, self.batch)


def latency(
    model: nn.Module, example: Any, *, settings: LatencySettings | None = None
) -> tuple[MetricValue, MetricValue]:
    """Measure the median and the interquartile range of the time of a forward pass, in seconds.

    The median's standard error is 0.93 · IQR / √runs, its asymptotic value for normally distributed times (McGill,
    Tukey and Larsen, "Variations of box plots", 1978).

    Args:
        model: left as it was.
        example: inputs of any kind, ``(instances, …)``; the first is repeated to fill the batch.
        settings: how to measure; the defaults if not given.
    """
    settings = settings or LatencySettings()
    runtime = f"PyTorch {torch.__version__.partition('+')[0]}"
    device = settings.describe(inputs.device(example).type, runtime=runtime)
    return summary(_times(model, settings.inputs(example), settings), device=device)


def summary(times: Sequence[float], *, device: str) -> tuple[MetricValue, MetricValue]:
    """Median and interquartile range of times in seconds; see `latency`."""
    low, median, high = (float(value) for value in np.percentile(times, [25, 50, 75]))
    error = 0.93 * (high - low) / math.sqrt(len(times))
    return (
        MetricValue(median, device=device, count=len(times), standard_error=error),
        MetricValue(high - low, device=device, count=len(times)),
    )


def _times(model: nn.Module, batch: Any, settings: LatencySettings) -> list[float]:
    with observing(model, threads=settings.threads):
        for _ in range(settings.warm_up):
            inputs.call(model, batch)
        return [_timed(model, batch) for _ in range(settings.runs)]


def _timed(model: nn.Module, batch: Any) -> float:
    place = inputs.device(batch)
    _wait(place)
    start = time.perf_counter()
    inputs.call(model, batch)
    _wait(place)
    return time.perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
