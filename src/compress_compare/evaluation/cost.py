"""Measures what a model costs: sizes, zeros, multiply-accumulates, memory, and time in PyTorch and ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn

from ..errors import UserError
from ..records import MetricValue
from . import compute, kernels, latency, memory, metrics, onnx_runtime, size, sparsity

Measurements = dict[str, list[MetricValue]]
"""Values by metric name; a metric that could not be measured is absent."""


@dataclass(frozen=True)
class Cost:
    """The measured values, and an error for each quantity that could not be measured."""

    values: Measurements
    problems: tuple[UserError, ...]


def measure_cost(
    model: nn.Module,
    example: Any,
    *,
    timing: latency.LatencySettings | None,
    exports: onnx_runtime.Exports | None = None,
) -> Cost:
    """Measure all quantities that need no labels.

    Args:
        model: left as it was.
        example: one instance: a tensor ``(1, …)``, a tuple of positional or a mapping of keyword arguments.
        timing: how to measure time; ``None`` leaves it out.
        exports: earlier exports, to measure in ONNX Runtime as well; ``None`` leaves that out.
    """
    problems: list[UserError] = []
    values = measure_size(model)
    with _noted(problems):
        values[metrics.MACS.name] = [compute.macs(model, example)]
    if timing is not None:
        median, spread = latency.latency(model, example, settings=timing)
        values |= {metrics.LATENCY.name: [median], metrics.LATENCY_IQR.name: [spread]}
    values[metrics.PEAK_MEMORY.name] = [memory.peak_memory(model, example)]
    integers = kernels.integer_products(model, example)
    if integers is not None:
        values[metrics.INTEGER_PRODUCTS.name] = [integers]
    if timing is not None and exports is not None:
        with _noted(problems):
            values |= _onnx(model, example, timing=timing, exports=exports)
    return Cost(values, tuple(problems))


def measure_size(model: nn.Module) -> Measurements:
    """Measure the three sizes in bytes, and count parameters and zeros."""
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


def _onnx(
    model: nn.Module, example: Any, *, timing: latency.LatencySettings, exports: onnx_runtime.Exports
) -> Measurements:
    found = onnx_runtime.measure(model, example, settings=timing, exports=exports)
    return {
        metrics.ONNX_SIZE.name: [found.size],
        metrics.ONNX_LATENCY.name: [found.median],
        metrics.ONNX_LATENCY_IQR.name: [found.spread],
        **({metrics.ONNX_INTEGER_PRODUCTS.name: [found.integers]} if found.integers else {}),
    }


@contextmanager
def _noted(problems: list[UserError]) -> Iterator[None]:
    """Record the error of a quantity that cannot be measured, and go on."""
    try:
        yield
    except UserError as error:
        problems.append(error)
