from __future__ import annotations

import itertools
import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compress_compare.plans.curve import curve, kinds
from compress_compare.plans.recommend import Budget, recommend
from compress_compare.plans.sensitivity import SCHEMA


def row(layer: str, bits: int, loss: float, *, weights: int = 100, half: float | None = None) -> dict[str, Any]:
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


@given(st.data())
@settings(max_examples=40)
def test_each_plan_loses_as_little_as_the_exact_one_of_its_budget(data: st.DataObject) -> None:
    amounts = st.floats(0, 0.3).map(lambda loss: round(loss, 3))
    rows = [
        row(f"{layer}.weight", bits, data.draw(amounts), weights=data.draw(st.integers(8, 200)))
        for layer in range(data.draw(st.integers(1, 4)))
        for bits in (8, 4, 2)
    ]
    weights = {one["layer"]: one["weights"] for one in rows}
    for one in rows:
        count = weights[one["layer"]]
        one |= {"weights": count, "layer_bytes": count * json.loads(one["parameters"])["bits"] // 8}
        one |= {"layer_bytes_before": 4 * count, "model_bytes_before": 4 * sum(weights.values())}
    made = pa.Table.from_pylist(rows, schema=SCHEMA)
    for plan in curve(made, "bytes", higher_is_better=True):
        exact = recommend(made, Budget("bytes", plan.used), higher_is_better=True)
        assert plan.change == pytest.approx(exact.change, abs=1e-6)


def test_many_layers_are_thinned_and_keep_their_ends() -> None:
    rows = [
        row(f"{layer}.weight", bits, 0.001 * bits**0.5 * (layer % 7)) for layer in range(60) for bits in (2, 3, 4, 5)
    ]
    made = pa.Table.from_pylist([{**one, "model_bytes_before": 24_000} for one in rows], schema=SCHEMA)
    plans = curve(made, "bytes", higher_is_better=True)
    assert len(plans) <= 120 and plans[-1].rows == () and plans[0].used == 60 * 25
    assert all(first.used < second.used for first, second in itertools.pairwise(plans))
    middle = plans[len(plans) // 2]
    exact = recommend(made, Budget("bytes", middle.used), higher_is_better=True)
    assert middle.change == pytest.approx(exact.change, abs=1e-3)


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
