from __future__ import annotations

import json

import pyarrow as pa
import pytest

from compress_compare.plans.curve import curve, kinds
from compress_compare.plans.recommend import Budget, recommend
from compress_compare.plans.sensitivity import SCHEMA


def row(layer: str, bits: int, loss: float, *, weights: int = 100, half: float | None = None) -> dict[str, object]:
    return {
        "layer": layer,
        "operation": "quantize",
        "parameters": json.dumps({"bits": bits}),
        "value": 0.9 - loss,
        "change": -loss,
        "ci_low": None if half is None else -loss - half,
        "ci_high": None if half is None else -loss + half,
        "weights": weights,
        "layer_bytes": weights * bits // 8,
        "layer_bytes_before": 4 * weights,
        "model_bytes_before": 1000,
    }


def table(half: float | None = None) -> pa.Table:
    rows = [row("a.weight", 8, 0.0, half=half), row("a.weight", 4, 0.1, half=half)]
    return pa.Table.from_pylist([*rows, row("b.weight", 4, 0.02, half=half)], schema=SCHEMA)


def test_every_plan_is_on_it_once_from_the_smallest_to_none() -> None:
    plans = curve(table(), "bytes", higher_is_better=True)
    # 1000 bytes: a in 8 bits saves 300, in 4 bits 350; b in 4 bits 350
    assert [(plan.size, round(plan.change, 3), plan.rows) for plan in plans] == [
        (300, -0.12, (1, 2)),
        (350, -0.02, (0, 2)),
        (650, -0.02, (2,)),
        (700, 0.0, (0,)),
        (1000, 0.0, ()),
    ]
    for plan in plans:
        again = recommend(table(), Budget("bytes", plan.used), higher_is_better=True)
        assert again == plan


def test_bits_count_the_weights_of_the_layers() -> None:
    plans = curve(table(), "bits_per_weight", higher_is_better=True)
    assert [plan.used for plan in plans] == pytest.approx([4, 6, 18, 20, 32])
    assert kinds(table()) == ["bytes", "bits_per_weight"] and kinds(table().slice(0, 0)) == []


def test_the_interval_of_a_sum_joins_those_of_its_layers() -> None:
    smallest, *_, none = curve(table(0.03), "bytes", higher_is_better=True)
    half = (2 * 0.03**2) ** 0.5
    assert (smallest.low, smallest.high) == pytest.approx((-0.12 - half, -0.12 + half))
    assert (none.low, none.high) == (0, 0)
    assert curve(table(), "bytes", higher_is_better=True)[0].low is None
