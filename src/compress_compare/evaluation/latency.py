"""How long a forward pass takes here: median and interquartile range, with all that the number depends on."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..records import MetricValue
from .forward import observing


@dataclass(frozen=True)
class LatencySettings:
    """How to time.

    Args:
        batch: instances per forward pass.
        threads: torch threads.
        warm_up: passes before the first that counts.
        runs: passes that count.
    """

    batch: int = 1
    threads: int = 1
    warm_up: int = 5
    runs: int = 50

    def describe(self, device: str) -> str:
        """What a value depends on, e.g. ``cpu (1 thread, batch 1, warm-up 5, runs 50)``."""
        plural = "" if self.threads == 1 else "s"
        return f"{device} ({self.threads} thread{plural}, batch {self.batch}, warm-up {self.warm_up}, runs {self.runs})"


def latency(
    model: nn.Module, example: Tensor, *, settings: LatencySettings | None = None
) -> tuple[MetricValue, MetricValue]:
    """Median and interquartile range of the time of a forward pass, in seconds.

    The median's standard error is 0.93 · IQR / √runs, its asymptotic value for normally distributed times (McGill,
    Tukey and Larsen, "Variations of box plots", 1978).

    Args:
        model: left as it was.
        example: inputs ``(instances, …)``; the first is repeated to make up the batch.
        settings: how to time.
    """
    settings = settings or LatencySettings()
    times = _times(model, example[:1].expand(settings.batch, *example.shape[1:]).contiguous(), settings)
    low, median, high = (float(value) for value in np.percentile(times, [25, 50, 75]))
    device = settings.describe(example.device.type)
    error = 0.93 * (high - low) / math.sqrt(settings.runs)
    return (
        MetricValue(median, device=device, count=settings.runs, standard_error=error),
        MetricValue(high - low, device=device, count=settings.runs),
    )


def _times(model: nn.Module, batch: Tensor, settings: LatencySettings) -> list[float]:
    with observing(model, threads=settings.threads):
        for _ in range(settings.warm_up):
            model(batch)
        return [_timed(model, batch) for _ in range(settings.runs)]


def _timed(model: nn.Module, batch: Tensor) -> float:
    _wait(batch.device)
    start = time.perf_counter()
    model(batch)
    _wait(batch.device)
    return time.perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
