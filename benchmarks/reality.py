"""Claimed against measured on the digits network, for the five usual ways to be disappointed.

Claim: for masked 90 % pruning, int8 by the export path, weight-only 4 bits, a palette of 4 bits and half the channels,
every stated cause agrees with what was measured in the same run. Run from the repository root:
``python benchmarks/reality.py``. Prints what was measured as ratios to the uncompressed root, the reasons, and whether
each holds; ends with exit code 1 when one does not. Rounds interleave models, so that a busy machine slows all alike.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

import compress_compare as cc
from compress_compare import operations as ops
from compress_compare.analysis.reality import KEPT, SAME_TIME
from compress_compare.demos.digits import task
from compress_compare.evaluation import metrics
from compress_compare.evaluation.cost import Measurements, measure_cost
from compress_compare.evaluation.latency import LatencySettings
from compress_compare.evaluation.onnx_runtime import Exports
from compress_compare.records import MetricValue

ROUNDS = 5
TIMING = LatencySettings(warm_up=20, runs=200)
MADE = {
    "magnitude prune 0.9": ops.MagnitudePrune(amount=0.9),
    "int8 by export": ops.QuantizeStatic(),
    "quantize 4 bits": ops.Quantize(bits=4),
    "palettize 4 bits": ops.Palettize(bits=4),
    "channel prune 0.5": ops.ChannelPrune(amount=0.5),
}

Row = Mapping[str, Any]


def slow(row: Row) -> bool:
    return bool(min(row["latency_ratio"], row["onnx_latency_ratio"]) < SAME_TIME)


EXPECTED: dict[str, Callable[[Row], dict[str, bool]]] = {
    "magnitude prune 0.9": lambda row: {
        "zeros_stored": row["stored_ratio"] < KEPT * row["packed_ratio"] and row["sparsity"] > 0.85,
        "no_sparse_kernel": row["macs_ratio"] == 1 and slow(row),
    },
    "int8 by export": lambda row: {
        "dequantized_at_run": row["integer_products"] == 0 and row["latency_ratio"] < SAME_TIME,
        "conversions_cost_more": row["onnx_integer_products"] > 0 and row["onnx_latency_ratio"] < SAME_TIME,
        "operator_fell_back": 0 < row["onnx_integer_products"] < 1,
    },
    "quantize 4 bits": lambda row: few_bits(row),
    "palettize 4 bits": lambda row: few_bits(row),
    "channel prune 0.5": lambda row: {
        "calls_dominate": min(row["latency_ratio"], row["onnx_latency_ratio"]) < KEPT * row["macs_ratio"],
    },
}
"""Cause → whether what was measured says so; causes that are not listed must not be stated."""


def few_bits(row: Row) -> dict[str, bool]:
    return {
        "codes_stored_as_floats": row["stored_ratio"] < KEPT * row["packed_ratio"],
        "dequantized_at_load": row["integer_products"] == row["onnx_integer_products"] == 0 and slow(row),
    }


def main() -> int:
    digits = task()
    cnn = ops.Train(epochs=3)(digits.create(), data=digits.batches)
    models: dict[str, nn.Module] = {"cnn": cnn}
    for name, operation in MADE.items():
        models[name] = operation(cnn, data=digits.batches if operation.data_requirement != "none" else None)
    measured = measure(models, digits.instance())
    with tempfile.TemporaryDirectory() as folder, cc.open(Path(folder) / "reality") as project:
        for name, model in models.items():
            base, operation = (None, None) if name == "cnn" else ("cnn", MADE[name])
            project.log_model(name, base=base, operation=operation, metrics=measured[name], checkpoint=model)
        rows = {row["model"]: row for row in project.reality().to_pylist()}
    show(rows)
    return report(rows)


def measure(models: Mapping[str, nn.Module], example: torch.Tensor) -> dict[str, Measurements]:
    """Everything once, times as the median of some rounds over all models."""
    exports = {name: Exports() for name in models}
    rounds = [
        {
            name: measure_cost(model, example, timing=TIMING, exports=exports[name]).values
            for name, model in models.items()
        }
        for _ in range(ROUNDS)
    ]
    timed = (metrics.LATENCY, metrics.LATENCY_IQR, metrics.ONNX_LATENCY, metrics.ONNX_LATENCY_IQR)
    for name in models:
        for metric in timed:
            found = [one[name][metric.name][0] for one in rounds]
            median = statistics.median(value.value for value in found)
            rounds[0][name][metric.name] = [MetricValue(median, device=found[0].device, count=found[0].count)]
    return rounds[0]


def show(rows: Mapping[str, Row]) -> None:
    print(
        f"{'':<20}{'sparsity':>9}{'bits':>6}{'packed':>8}{'file':>7}{'MACs':>7}{'PyTorch':>9}{'ONNX':>8}{'int ONNX':>9}"
    )
    for name, row in rows.items():
        ratios = "".join(
            f"{row[key]:>{width - 1}.2f}×"
            for key, width in (
                ("packed_ratio", 8),
                ("stored_ratio", 7),
                ("macs_ratio", 7),
                ("latency_ratio", 9),
                ("onnx_latency_ratio", 8),
            )
        )
        print(f"{name:<20}{row['sparsity']:>9.0%}{row['bits']:>6.3g}{ratios}{row['onnx_integer_products']:>9.0%}")
    print(f"smaller or faster than the root; times {rows['cnn']['latency_device']}")
    print(f"and {rows['cnn']['onnx_latency_device']}")


def report(rows: Mapping[str, Row]) -> int:
    wrong = 0
    for name, expect in EXPECTED.items():
        expected = {cause for cause, holds in expect(rows[name]).items() if holds}
        agrees = expected == set(rows[name]["causes"])
        wrong += not agrees
        print(f"\n{name}: {'agrees' if agrees else f'DISAGREES: measured {sorted(expected)}'}")
        print(f"  {', '.join(rows[name]['causes'])}\n  {rows[name]['reason']}")
    print(f"\n{len(EXPECTED) - wrong} of {len(EXPECTED)} stated reasons agree with what was measured")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
