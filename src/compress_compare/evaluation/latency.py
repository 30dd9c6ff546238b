"""Measures the time of a forward pass: median and interquartile range, with the settings that they depend on."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from ..analysis.inference.normal import normal_quantile
from ..analysis.inference.student import t_quantile
from ..records import MetricValue
from . import inputs
from .forward import observing
from .processes import in_processes


@dataclass(frozen=True)
class LatencySettings:
    """Settings of a time measurement.

    Args:
        batch: instances per forward pass.
        threads: torch threads.
        warm_up: passes before the measured ones.
        runs: measured passes, in all processes together.
        processes: short processes among which they are divided; this one alone with several threads or on an
            accelerator, which a copy of it could not use.
    """

    batch: int = 1
    threads: int = 1
    warm_up: int = 5
    runs: int = 50
    processes: int = 5

    def describe(self, device: str, *, runtime: str, processes: int) -> str:
        """Describe what a time depends on, e.g. ``cpu (PyTorch 2.13.0, 1 thread, batch 1, warm-up 5, runs 50)``, and
        in how many processes it was measured, if in several.
        """
        threads = f"{self.threads} thread{'' if self.threads == 1 else 's'}"
        several = f", {processes} processes" if processes > 1 else ""
        return f"{device} ({runtime}, {threads}, batch {self.batch}, warm-up {self.warm_up}, runs {self.runs}{several})"

    def shared(self, device: str) -> int:
        """Return among how many processes the passes are divided on a device."""
        alone = device != "cpu" or self.threads > 1 or not hasattr(os, "fork")
        return 1 if alone else max(1, min(self.processes, self.runs))

    def inputs(self, example: Any) -> Any:
        """Return the first instance of ``example``, repeated to fill the batch."""
        return inputs.repeated(example, self.batch)


def latency(
    model: nn.Module, example: Any, *, settings: LatencySettings | None = None
) -> tuple[MetricValue, MetricValue]:
    """Measure the median and the interquartile range of the time of a forward pass, in seconds.

    The passes are divided among several short processes. The median's standard error is 0.93 · IQR / √runs, its
    asymptotic value for normally distributed times (McGill, Tukey and Larsen, "Variations of box plots", 1978), or that
    of the medians of the processes if it is larger: their standard deviation / √processes, times the quantile of
    Student's t over that of the normal distribution, so that its 95% interval is that of Student's t.

    Args:
        model: left as it was.
        example: inputs of any kind, ``(instances, …)``; the first is repeated to fill the batch.
        settings: how to measure; the defaults if not given.
    """
    settings = settings or LatencySettings()
    runtime = f"PyTorch {torch.__version__.partition('+')[0]}"
    place = inputs.device(example).type
    batch = settings.inputs(example)
    times = divided(lambda runs: _times(model, batch, settings, runs=runs), settings, device=place)
    return summary(times, device=settings.describe(place, runtime=runtime, processes=len(times)))


def divided(measure: Callable[[int], list[float]], settings: LatencySettings, *, device: str) -> list[list[float]]:
    """Measure the runs of some settings, divided among processes; all of them in this one where that is not possible.

    Args:
        measure: takes the number of passes and returns their times.
        settings: how many there are.
        device: on which they run.
    """
    count = settings.shared(device)
    share = -(-settings.runs // count)
    times = in_processes(lambda: measure(share), count) if count > 1 else []
    return times or [measure(settings.runs)]


def summary(times: Sequence[Sequence[float]], *, device: str) -> tuple[MetricValue, MetricValue]:
    """Median and interquartile range of times in seconds, by process; see `latency`."""
    together = [value for one in times for value in one]
    low, median, high = (float(value) for value in np.percentile(together, [25, 50, 75]))
    error = 0.93 * (high - low) / math.sqrt(len(together))
    if len(times) > 1:
        between = float(np.std([np.median(one) for one in times], ddof=1)) / math.sqrt(len(times))
        error = max(error, between * t_quantile(0.975, len(times) - 1) / normal_quantile(0.975))
    return (
        MetricValue(median, device=device, count=len(together), standard_error=error),
        MetricValue(high - low, device=device, count=len(together)),
    )


def _times(model: nn.Module, batch: Any, settings: LatencySettings, *, runs: int) -> list[float]:
    with observing(model, threads=settings.threads):
        for _ in range(settings.warm_up):
            inputs.call(model, batch)
        return [_timed(model, batch) for _ in range(runs)]


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
