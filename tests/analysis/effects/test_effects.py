from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping
from itertools import permutations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_compare.analysis.effects import differences, pairs
from compress_compare.analysis.effects import effects as module
from compress_compare.analysis.effects.effects import effects
from compress_compare.analysis.lineage import Graph
from compress_compare.analysis.selection.distinct import canonical_step
from compress_compare.records import Operation
from tests.analysis.experiments import chains, graphs, imagenet, imagenet_graph

COLUMNS = ["operation", "parameter", "condition", "metric", "pairs", "mean", "median", "ci_low", "ci_high", "models"]


def column(graph: Graph, values: Mapping[str, float]) -> np.ma.MaskedArray[Any, Any]:
    return np.ma.array([values.get(id, 0.0) for id in graph.ids], mask=[id not in values for id in graph.ids])


def row(table: pa.Table, operation: str, parameter: str | None = None, condition: str | None = None) -> dict[str, Any]:
    (found,) = [
        row
        for row in table.to_pylist()
        if (row["operation"], row["parameter"], row["condition"]) == (operation, parameter, condition)
    ]
    return found


@pytest.fixture
def pruned() -> Graph:
    return chains("net/prune 0.5/train", "net/prune 0.75/train", "net/train/prune 0.5", root=Operation("build"))


def test_an_operation_by_hand(pruned: Graph) -> None:
    accuracy = {
        "net": 0.90,
        "net/prune 0.5": 0.80,
        "net/prune 0.75": 0.60,
        "net/prune 0.5/train": 0.85,
        "net/prune 0.75/train": 0.80,
        "net/train": 0.92,
        "net/train/prune 0.5": 0.81,
    }
    table = effects(pruned, {"accuracy": column(pruned, accuracy)})
    assert set(COLUMNS) <= set(table.column_names)
    # train taken out of net/train, both prune/train, and net/train/prune 0.5.
    train = row(table, "train")
    assert sorted(map(tuple, train["models"])) == [
        ("net", "net/train"),
        ("net/prune 0.5", "net/prune 0.5/train"),
        ("net/prune 0.5", "net/train/prune 0.5"),
        ("net/prune 0.75", "net/prune 0.75/train"),
    ]
    # Differences 0.02, 0.05, 0.01, 0.20, whose squared deviations add up to 0.0234. The 97.5% quantile of Student's t
    # with three degrees of freedom is 3.182446 in every table.
    assert train["pairs"] == 4
    assert train["mean"] == pytest.approx(0.07)
    assert train["median"] == pytest.approx(0.035)
    half = 3.182446 * math.sqrt(0.0234 / 3 / 4)
    assert (train["ci_low"], train["ci_high"]) == pytest.approx((0.07 - half, 0.07 + half))
    assert (train["interval"], train["confidence"]) == ("t interval, 95%", 0.95)
    # prune 0.5 and 0.75 of net, 0.5 of net/train, and before train.
    prune = row(table, "prune")
    assert sorted(map(tuple, prune["models"])) == [
        ("net", "net/prune 0.5"),
        ("net", "net/prune 0.75"),
        ("net/train", "net/prune 0.5/train"),
        ("net/train", "net/prune 0.75/train"),
        ("net/train", "net/train/prune 0.5"),
    ]
    assert prune["mean"] == pytest.approx((-0.10 - 0.30 - 0.07 - 0.12 - 0.11) / 5)


def test_a_parameter_by_hand(pruned: Graph) -> None:
    accuracy = {
        "net/prune 0.5": 0.80,
        "net/prune 0.75": 0.60,
        "net/prune 0.5/train": 0.85,
        "net/prune 0.75/train": 0.80,
    }
    table = effects(pruned, {"accuracy": column(pruned, accuracy)})
    change = row(table, "prune", "amount", "0.5 → 0.75")
    assert sorted(map(tuple, change["models"])) == [
        ("net/prune 0.5", "net/prune 0.75"),
        ("net/prune 0.5/train", "net/prune 0.75/train"),
    ]
    # −0.20 and −0.05: of the 4 ways to flip two signs, two are as extreme.
    assert change["mean"] == change["median"] == pytest.approx(-0.125)
    assert (change["ci_low"], change["ci_high"], change["confidence"]) == pytest.approx((-0.20, -0.05, 0.5))
    assert row(table, "train", None, "after prune amount=0.5")["mean"] == pytest.approx(0.05)
    after = row(table, "train", None, "after prune amount=0.75")
    assert after["mean"] == pytest.approx(0.20)
    assert (after["pairs"], after["ci_low"], after["ci_high"], after["interval"]) == (1, None, None, None)


def test_the_calibration_of_resnet_50_by_hand() -> None:
    models = {model["id"]: model["metrics"]["Top-1 Accuracy"] for model in imagenet()}
    graph = imagenet_graph()
    table = effects(graph, {"Top-1 Accuracy": column(graph, models)})
    # Read off the file: magnitude 0.5, 0.75, 0.9, then gradient 0.5, 0.75, 0.9.
    before = [0.727665648118366, 0.1351720810550016, 0.00098504342232229]
    before += [0.012865873271148279, 0.00098504342232229, 0.00098504342232229]
    after = [0.7501809263428755, 0.6423287230620779, 0.14154470890961723]
    after += [0.13247828883885493, 0.0011257639112254745, 0.0012061756191701512]
    differences = [b - a for a, b in zip(before, after, strict=True)]
    calibrate = row(table, "calibrate")
    assert calibrate["pairs"] == 6
    assert calibrate["mean"] == pytest.approx(sum(differences) / 6)
    assert calibrate["median"] == pytest.approx(statistics.median(differences))
    # Six pairs: 95% of the 64 ways to flip their signs leave 1.6 at each end, so one: the smallest and the largest.
    assert calibrate["interval"] == "sign-flip test, 96.9%"
    assert calibrate["ci_low"] == pytest.approx(0.0011257639112254745 - 0.00098504342232229)
    assert calibrate["ci_high"] == pytest.approx(0.6423287230620779 - 0.1351720810550016)
    # It helps after pruning 75% by magnitude far more than after 50%.
    assert row(table, "calibrate", None, "after magnitude prune amount=0.75")["mean"] == pytest.approx(differences[1])
    assert row(table, "calibrate", None, "after magnitude prune amount=0.5")["mean"] == pytest.approx(differences[0])


def test_more_gradient_pruning_of_resnet_50_by_hand() -> None:
    graph = imagenet_graph()
    models = {model["id"]: model["metrics"]["Top-1 Accuracy"] for model in imagenet()}
    change = row(effects(graph, {"a": column(graph, models)}), "gradient prune", "amount", "0.5 → 0.75")
    differences = [
        0.00098504342232229 - 0.012865873271148279,
        0.0011257639112254745 - 0.13247828883885493,
        0.052247507237053716 - 0.19109842393052429,
    ]
    assert change["pairs"] == 3
    assert change["mean"] == pytest.approx(sum(differences) / 3)
    assert change["median"] == pytest.approx(differences[1])
    assert change["interval"] == "t interval, 95%"
    half = 4.302653 * statistics.stdev(differences) / math.sqrt(3)
    assert (change["ci_low"], change["ci_high"]) == pytest.approx((change["mean"] - half, change["mean"] + half))


def test_what_is_not_finite_or_missing_is_left_out_and_counted() -> None:
    graph = chains("net/prune 0.1", "net/prune 0.2", "net/prune 0.3", "net/prune 0.4", "net/prune 0.5")
    values = {"net": 1.0, "net/prune 0.1": 3.0, "net/prune 0.2": math.nan, "net/prune 0.3": math.inf}
    values["net/prune 0.5"] = 2.0
    table = effects(graph, {"m": column(graph, values)})
    prune = row(table, "prune")
    assert (prune["pairs"], prune["non_finite"], prune["missing"]) == (2, 2, 1)
    assert prune["mean"] == 1.5
    assert prune["models"] == [["net", "net/prune 0.1"], ["net", "net/prune 0.5"]]
    nan = row(table, "prune", None, "amount=0.2")
    assert (nan["pairs"], nan["mean"], nan["median"], nan["models"]) == (0, None, None, [])
    assert not [r for r in table.to_pylist() if r["condition"] == "amount=0.4"]


def test_clear_and_large_effects_come_first() -> None:
    graph = chains("net/a 1", "net/a 2", "net/b 1", "net/b 2", "net/c 1", "net/c 2")
    values = {
        "net": 0.0,
        "net/a 1": 1.0,
        "net/a 2": 1.1,
        "net/b 1": 5.0,
        "net/b 2": 5.1,
        "net/c 1": 9.0,
        "net/c 2": -1.0,
    }
    table = effects(graph, {"m": column(graph, values)})
    rows = table.to_pylist()
    assert [r["operation"] for r in rows if r["condition"] is None] == ["b", "a", "c"]
    assert [r["pairs"] for r in rows] == [2, 2, 2] + [1] * 9


def test_huge_values_do_not_overflow() -> None:
    graph = chains("net/a", "net/a 1", "net/a 2")
    values = {"net": -1e308, "net/a": 1e308, "net/a 1": 5e307, "net/a 2": 0.0}
    overall = row(effects(graph, {"m": column(graph, values)}), "a")
    assert overall["non_finite"] == 1
    assert overall["mean"] == pytest.approx(1.25e308)
    assert overall["median"] == pytest.approx(1.25e308)


def test_replicates_are_paired_by_their_seed() -> None:
    nodes: list[Any] = [("net", None, None)]
    nodes += [(f"p{seed}", "net", Operation("prune", amount=0.5, seed=seed)) for seed in range(2)]
    nodes += [(f"t{seed}", f"p{seed}", Operation("train")) for seed in range(2)]
    graph = Graph.from_models(nodes)
    table = effects(graph, {"m": column(graph, dict.fromkeys(graph.ids, 1.0))})
    assert row(table, "train")["models"] == [["p0", "t0"], ["p1", "t1"]]


def test_many_values_are_compared_with_their_neighbors() -> None:
    graph = chains(*(f"net/prune {i}" for i in range(100)))
    table = effects(graph, {"m": column(graph, dict.fromkeys(graph.ids, 1.0))})
    changes = {r["condition"] for r in table.to_pylist() if r["parameter"] == "amount"}
    assert changes == {f"{i} → {i + 1}" for i in range(99)}
    assert [r["condition"] for r in table.to_pylist() if r["parameter"] is None] == [None]


def test_long_lists_of_pairs_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LISTED", 10)
    graph = Graph.from_models(
        [("net", None, None), *((f"{i}", "net", Operation("prune", seed=i)) for i in range(1_500))]
    )
    table = effects(graph, {"m": column(graph, dict.fromkeys(graph.ids, 1.0))}).to_pylist()
    only = next(row for row in table if row["parameter"] is None and row["condition"] is None)
    assert only["pairs"] == 1_500
    assert len(only["models"]) == 1_000


def test_pairs_that_are_listed_are_spread_evenly() -> None:
    graph = Graph.from_models(
        [("net", None, None), *((f"{i}", "net", Operation("prune", seed=[i])) for i in range(10))]
    )
    values = {"m": column(graph, {id: float(i) for i, id in enumerate(graph.ids)})}
    (four,) = [row for row in effects(graph, values, listed=4).to_pylist() if row["pairs"] == 10]
    (all_of_them,) = [row for row in effects(graph, values).to_pylist() if row["pairs"] == 10]
    assert [with_it for _, with_it in four["models"]] == ["0", "3", "5", "8"]
    assert [four[name] for name in COLUMNS[:-1]] == [all_of_them[name] for name in COLUMNS[:-1]]


def test_nothing() -> None:
    graph = chains("net/prune")
    for table in (
        effects(Graph.from_models([]), {}),
        effects(graph, {}),
        effects(chains("net"), {"m": column(graph, {})}),
    ):
        assert len(table) == 0
        assert set(COLUMNS) <= set(table.column_names)


Key = tuple[str, str | None, str | None]


def lineage_of(graph: Graph, id: str) -> tuple[str, list[Operation]]:
    first, *rest = graph.lineage(id)
    return first.model, [step.operation for step in rest if step.operation is not None]


def expected_pairs(graph: Graph) -> Iterator[tuple[str, str | None, str, str]]:
    """By comparing all models with all others, step by step; of those that were made alike only the first."""
    lineages: dict[str, tuple[str, list[Operation]]] = {}
    for id in graph.ids:
        if lineage_of(graph, id) not in lineages.values():
            lineages[id] = lineage_of(graph, id)
    for a, b in permutations(lineages, 2):
        (root_a, steps_a), (root_b, steps_b) = lineages[a], lineages[b]
        if root_a != root_b:
            continue
        for i, step in enumerate(steps_b):
            if steps_b[:i] + steps_b[i + 1 :] == steps_a:
                yield step.name, None, a, b
                break
        if len(steps_a) != len(steps_b):
            continue
        differing = [(s, t) for s, t in zip(steps_a, steps_b, strict=True) if s != t]
        if len(differing) == 1 and differing[0][0].name == differing[0][1].name:
            low, high = (step.parameters for step in differing[0])
            names = [name for name in low.keys() | high.keys() if low.get(name) != high.get(name)]
            if len(names) == 1 and (low.get(names[0]) or 0) < (high.get(names[0]) or 0):
                yield differing[0][0].name, names[0], a, b


@st.composite
def experiments(draw: st.DrawFn) -> Graph:
    nodes: list[tuple[str, str | None, Operation | None]] = []
    for i in range(draw(st.integers(1, 14))):
        base = draw(st.none() | st.integers(0, i - 1)) if i else None
        parameters = draw(st.dictionaries(st.sampled_from("xy"), st.integers(1, 3)))
        operation = Operation(draw(st.sampled_from(["prune", "train"])), **parameters)
        nodes.append((f"m{i}", None if base is None else f"m{base}", operation))
    return Graph.from_models(nodes)


@given(experiments())
def test_the_pairs_are_those_that_comparing_all_models_gives(graph: Graph) -> None:
    table = effects(graph, {"m": column(graph, {id: float(i) for i, id in enumerate(graph.ids)})})
    found = [
        (r["operation"], r["parameter"], *pair)
        for r in table.to_pylist()
        if r["parameter"] is not None or r["condition"] is None
        for pair in r["models"]
    ]
    assert sorted(found, key=str) == sorted(expected_pairs(graph), key=str)


@given(graphs())
def test_any_graph_has_effects(graph: Graph) -> None:
    made = [[graph.root(id), *(step.operation or step.model for step in graph.lineage(id)[1:])] for id in graph.ids]
    values = {id: float(made.index(lineage)) for id, lineage in zip(graph.ids, made, strict=True)}
    for r in effects(graph, {"m": column(graph, values)}).to_pylist():
        assert r["pairs"] == len(r["models"])
        differences = [float(graph.position(b) - graph.position(a)) for a, b in r["models"]]
        assert r["mean"] == pytest.approx(statistics.fmean(differences))
        assert r["median"] == pytest.approx(statistics.median(differences))
        if r["condition"] is not None and r["parameter"] is None:
            assert r["pairs"] < row(effects_all(graph), r["operation"])["pairs"]


def effects_all(graph: Graph) -> pa.Table:
    return effects(graph, {"m": column(graph, dict.fromkeys(graph.ids, 0.0))})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        (True, "true"),
        (4, "4"),
        (0.5, "0.5"),
        ("int8", "int8"),
        ("4", '"4"'),
        ("0", '"0"'),
        ("true", '"true"'),
        ("none", '"none"'),
        (["a", 1], '["a", 1]'),
    ],
)
def test_values_of_parameters_as_text(value, text):
    assert pairs.text(value) == text


@pytest.mark.parametrize(("values", "compared"), [(2, 1), (32, 32 * 31 // 2), (33, 32), (40, 39)])
def test_of_many_values_only_neighbors_are_compared(values, compared):
    steps = [canonical_step(Operation("prune", amount=amount)) for amount in reversed(range(values))]
    found = pairs._lower_steps(steps)
    assert sum(map(len, found)) == compared
    assert found[-1] == []
    assert {change.condition for _, change in found[-2]} == {"0 → 1"}


def test_ranks_count_the_usable_pairs_before_each_in_its_group():
    groups: Any = SimpleNamespace(starts=np.array([0, 3, 5]), of_pair=np.array([0, 0, 0, 1, 1, 2]))
    usable = np.array([False, True, True, True, False, True])
    assert differences._ranks(groups, usable).tolist() == [0, 0, 1, 0, 1, 0]
