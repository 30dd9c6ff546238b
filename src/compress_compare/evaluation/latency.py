"""How long a forward pass takes here: median and interquartile range, with all that the number depends on."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
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

    def describe(self, device: str, *, runtime: str) -> str:
        """What a value depends on, e.g. ``cpu (PyTorch 2.13.0, 1 thread, batch 1, warm-up 5, runs 50)``."""
        threads = f"{self.threads} thread{'' if self.threads == 1 else 's'}"
        return f"{device} ({runtime}, {threads}, batch {self.batch}, warm-up {self.warm_up}, runs {self.runs})"

    def inputs(self, example: Tensor) -> Tensor:
        """The first instance of ``example``, repeated to make up the batch."""
        return example[:1].expand(self.batch, *example.shape[1:]).contiguous()


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
    runtime = f"PyTorch {torch.__version__.partition('+')[0]}"
    device = settings.describe(example.device.type, runtime=runtime)
    return summary(_times(model, settings.inputs(example), settings), device=device)


def summary(times: Sequence[float], *, device: str) -> tuple[MetricValue, MetricValue]:
    """Median and interquartile range of times in seconds; see `latency`."""
    low, median, high = (float(value) for value in np.percentile(times, [25, 50, 75]))
    error = 0.93 * (high - low) / math.sqrt(len(times))
    return (
        MetricValue(median, device=device, count=len(times), standard_error=error),
        MetricValue(high - low, device=device, count=len(times)),
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
