from __future__ import annotations

import itertools
import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from compress_compare.errors import InvalidValue
from compress_compare.operations import Quantize
from compress_compare.plans.recommend import Budget, expected_losses, recommend
from compress_compare.plans.sensitivity import SCHEMA

BITS = (8, 4, 2)


def table(losses: list[list[float]], weights: list[int], *, rest: int = 100, macs: bool = False) -> pa.Table:
    """Layers in 32 bits that could have 8, 4 or 2; ``rest`` bytes of the model are in no layer."""
    total = 4 * sum(weights) + rest
    rows = [
        {
            "layer": f"layer{number}.weight",
            "operation": "quantize",
            "parameters": json.dumps({"bits": bits}),
            "value": 0.9 - loss,
            "change": -loss,
            "weights": count,
            "layer_bytes": count * bits // 8,
            "layer_bytes_before": 4 * count,
            "model_bytes_before": total,
            "macs": 1000 - 100 * (number + 1) if macs else None,
            "macs_before": 1000 if macs else None,
            "latency": 0.010 - 0.001 * (number + 1) if macs else None,
            "latency_before": 0.010 if macs else None,
        }
        for number, (count, row) in enumerate(zip(weights, losses, strict=True))
        for bits, loss in zip(BITS, row, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def best_by_trying(losses: list[list[float]], weights: list[int], limit: float, rest: int) -> float | None:
    found = []
    for choice in itertools.product((None, 0, 1, 2), repeat=len(weights)):
        size = rest + sum(4 * n if c is None else n * BITS[c] // 8 for n, c in zip(weights, choice, strict=True))
        if size <= limit:
            found.append(sum(0.0 if c is None else max(row[c], 0.0) for row, c in zip(losses, choice, strict=True)))
    return min(found, default=None)


@settings(max_examples=60)
@given(data=st.data())
def test_exact_is_the_best_of_all_plans(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 4))
    weights = data.draw(st.lists(st.integers(1, 50).map(lambda n: 8 * n), min_size=count, max_size=count))
    loss = st.integers(-20, 200).map(lambda n: n / 1000)
    losses = data.draw(st.lists(st.lists(loss, min_size=3, max_size=3), min_size=count, max_size=count))
    limit = data.draw(st.integers(0, 4 * sum(weights) + 100))
    best = best_by_trying(losses, weights, limit, 100)
    for method in ("exact", "greedy"):
        if best is None:
            with pytest.raises(InvalidValue, match="so few bytes"):
                recommend(table(losses, weights), Budget("bytes", limit), higher_is_better=True, method=method)
            continue
        plan = recommend(table(losses, weights), Budget("bytes", limit), higher_is_better=True, method=method)
        chosen = {t: op.bits for op in plan.operations for t in op.targets}
        size = 100 + sum(n * chosen.get(f"layer{i}.weight", 32) // 8 for i, n in enumerate(weights))
        lost = sum(max(losses[int(t[5])][BITS.index(bits)], 0.0) for t, bits in chosen.items())
        assert plan.used == size <= limit
        assert lost == pytest.approx(best, abs=1e-9) if method == "exact" else lost >= best - 1e-9
        assert len(chosen) + len(plan.untouched) == count


def test_layers_of_equal_treatment_are_one_operation() -> None:
    given_table = table([[0, 0.01, 0.5], [0, 0.01, 0.5], [0, 0.3, 0.5]], [80, 80, 80])
    plan = recommend(given_table, Budget("bits_per_weight", 5.5), higher_is_better=True)
    assert set(plan.operations) == {
        Quantize(4, targets=("layer0.weight", "layer1.weight")),
        Quantize(8, targets=("layer2.weight",)),
    }
    assert plan.used == pytest.approx(16 / 3) and plan.change == pytest.approx(-0.02) and plan.untouched == ()


def test_a_budget_that_is_met_already_changes_nothing() -> None:
    plan = recommend(table([[0.1, 0.2, 0.3]], [80]), Budget("bytes", 1e9), higher_is_better=True)
    assert plan.operations == () and plan.change == 0 and plan.untouched == ("layer0.weight",)


def test_lower_may_be_better() -> None:
    worse = table([[-0.5, -0.1, 0.0], [0.0, 0.0, 0.0]], [80, 80], rest=0)
    plan = recommend(worse, Budget("bytes", 160), higher_is_better=False)
    assert {op.bits for op in plan.operations} <= {8, 4, 2} and plan.used <= 160
    assert plan.change == pytest.approx(0.0)


def test_multiply_accumulates() -> None:
    with_macs = table([[0.1] * 3, [0.05] * 3], [80, 80], macs=True)
    plan = recommend(with_macs, Budget("macs", 850), higher_is_better=True)
    assert plan.used == 800 and plan.untouched == ("layer0.weight",)
    with pytest.raises(InvalidValue) as caught:
        recommend(table([[0.1] * 3], [80]), Budget("macs", 850), higher_is_better=True)
    assert caught.value.code == "recommend.macs"


def test_latency() -> None:
    timed = table([[0.1] * 3, [0.05] * 3, [0.2] * 3], [80, 80, 80], macs=True)
    plan = recommend(timed, Budget("latency", 0.0071), higher_is_better=True)
    assert plan.used == pytest.approx(0.007) and plan.untouched == ("layer2.weight",)
    plan = recommend(timed, Budget("latency", 0.0055), higher_is_better=True)
    assert plan.used == pytest.approx(0.005) and plan.change == pytest.approx(-0.25)
    with pytest.raises(InvalidValue) as caught:
        recommend(table([[0.1] * 3], [80]), Budget("latency", 0.01), higher_is_better=True)
    assert caught.value.code == "recommend.latency"
    with pytest.raises(InvalidValue, match="so few seconds"):
        recommend(timed, Budget("latency", 0.001), higher_is_better=True)


def test_layers_whose_metric_became_nan_stay() -> None:
    broken = table([[float("nan")] * 3, [0.1] * 3], [80, 80])
    plan = recommend(broken, Budget("bytes", 520), higher_is_better=True)
    assert plan.untouched == ("layer0.weight",)


def test_an_impossible_budget_says_what_is_possible() -> None:
    with pytest.raises(InvalidValue, match="No plan of these levels needs so few bits per weight") as caught:
        recommend(table([[0, 0, 0]], [80]), Budget("bits_per_weight", 1.5), higher_is_better=True)
    assert "need 2, the budget is 1.5" in caught.value.detail
    with pytest.raises(InvalidValue, match="has no row"):
        recommend(SCHEMA.empty_table(), Budget("bytes", 1), higher_is_better=True)


@pytest.mark.parametrize(("change", "error"), [(0.0, 0.01), (-0.02, 0.01), (0.02, 0.01), (-0.3, 0.02), (0.5, 0.001)])
def test_an_expected_loss_is_the_mean_of_all_losses_that_could_be(change: float, error: float) -> None:
    row = {"change": change, "standard_error": error}
    (found,) = expected_losses([row], higher_is_better=True)
    mean = -change
    ends = max(0.0, mean - 12 * error), max(0.0, mean) + 12 * error
    expected, _ = quad(lambda loss: loss * norm.pdf(loss, mean, error), *ends, epsabs=1e-13)
    assert found == pytest.approx(expected, abs=1e-9)
    (mirrored,) = expected_losses([{**row, "change": -change}], higher_is_better=False)
    assert mirrored == pytest.approx(found)


def test_without_an_error_a_loss_is_what_was_measured_and_a_gain_none() -> None:
    rows = [{"change": -0.1}, {"change": 0.1, "standard_error": None}, {"change": -0.2, "standard_error": 0.0}]
    assert expected_losses(rows, higher_is_better=True).tolist() == [0.1, 0.0, 0.2]


def test_a_level_that_changes_nothing_goes_before_one_whose_changes_cancel_out() -> None:
    rows = table([[0.0, 0.0, -0.01], [0.0, 0.0, -0.01]], [80, 80]).to_pylist()
    errors = {8: 0.0, 4: 0.001, 2: 0.03}
    for row in rows:
        row |= {"standard_error": errors[json.loads(row["parameters"])["bits"]], "ci_low": -0.06, "ci_high": 0.06}
    # both layers in 8 bits need 260 bytes; one in 2 bits and one untouched would need 440
    plan = recommend(pa.Table.from_pylist(rows, schema=SCHEMA), Budget("bytes", 440), higher_is_better=True)
    assert {operation.bits for operation in plan.operations} == {8} and plan.change == 0
    tight = recommend(pa.Table.from_pylist(rows, schema=SCHEMA), Budget("bytes", 180), higher_is_better=True)
    # both in 4 bits: half of each error above zero is a mean of 0.001 / sqrt(2 pi)
    assert tight.change == pytest.approx(-2 * 0.001 * 0.3989423)
    low, high = tight.change - 0.06 * 2**0.5, tight.change + 0.06 * 2**0.5
    assert tight.low == pytest.approx(low, abs=1e-3) and tight.high == pytest.approx(high, abs=1e-3)
