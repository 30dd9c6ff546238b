from __future__ import annotations

import json
import random
from itertools import product
from typing import Any

import pytest

from compress_compare.analysis.lineage import Graph
from compress_compare.analysis.selection.variables import Chart, Selection, Variable, selection
from compress_compare.errors import NotFound
from compress_compare.records import Operation
from tests.analysis.experiments import chains, imagenet_graph

BASE = "resnet50trained"
AMOUNTS = (0.5, 0.75, 0.9)
AFTER = {None: "", "calibrate": "-recalibrated", "train": "-retrained"}


def model(method: str, amount: float, after: str | None = None) -> str:
    return f"{BASE}-{method}pruning{round(amount * 100)}_compressed{AFTER[after]}"


def named(result: Selection) -> list[tuple[str, str, tuple[Any, ...]]]:
    return [(variable.name, variable.kind, variable.values) for variable in result.variables]


@pytest.fixture(scope="module")
def resnet() -> Graph:
    return imagenet_graph()


def test_amounts_with_and_without_training(resnet: Graph) -> None:
    result = selection(resnet, [model("magnitude", a, after) for a in AMOUNTS for after in (None, "train")])
    assert named(result) == [("amount", "parameter", AMOUNTS), ("train 2", "presence", (False, True))]
    assert result.chart == Chart(x="amount", color="train 2", facet=None)
    assert result.rows[model("magnitude", 0.75, "train")] == (0.75, True)
    assert result.rows[model("magnitude", 0.9)] == (0.9, False)


def test_amounts_and_one_of_two_operations_or_none(resnet: Graph) -> None:
    result = selection(resnet, [model("magnitude", a, after) for a in AMOUNTS for after in AFTER])
    assert named(result) == [
        ("amount", "parameter", AMOUNTS),
        ("operation", "operation", (None, "calibrate", "train")),
    ]
    assert result.chart == Chart(x="amount", color="operation", facet=None)


def test_a_parameter_that_two_operations_share(resnet: Graph) -> None:
    result = selection(resnet, [model(method, a) for a in AMOUNTS for method in ("magnitude", "gradient")])
    assert named(result) == [
        ("amount", "parameter", AMOUNTS),
        ("operation", "operation", ("gradient prune", "magnitude prune")),
    ]
    assert result.chart == Chart(x="amount", color="operation", facet=None)
    assert result.rows[model("gradient", 0.5)] == (0.5, "gradient prune")


def test_presence_is_implied_by_the_parameter(resnet: Graph) -> None:
    result = selection(resnet, [BASE, *(model("magnitude", a) for a in AMOUNTS)])
    assert named(result) == [("amount", "parameter", (None, *AMOUNTS))]
    assert result.chart == Chart(x="amount", color=None, facet=None)
    assert result.rows[BASE] == (None,)


def test_presence(resnet: Graph) -> None:
    result = selection(resnet, [BASE, "resnet50trained_quantizeint8"])
    assert named(result) == [("quantize", "presence", (False, True))]
    assert result.chart == Chart(x="quantize", color=None, facet=None)


def test_three_variables(resnet: Graph) -> None:
    ids = [model(method, a, after) for a in AMOUNTS for method in ("magnitude", "gradient") for after in AFTER]
    result = selection(resnet, ids)
    assert named(result) == [
        ("amount", "parameter", AMOUNTS),
        ("operation", "operation", ("gradient prune", "magnitude prune")),
        ("operation 2", "operation", (None, "calibrate", "train")),
    ]
    assert result.chart == Chart(x="amount", color="operation 2", facet="operation")


def test_all_twenty_keep_their_own_cell(resnet: Graph) -> None:
    result = selection(resnet, resnet.ids)
    assert len(result.variables) == 3
    assert len(set(result.rows.values())) == 20
    assert result.chart.x == "amount"


def test_nearly_all_random_selections_can_be_charted(resnet: Graph) -> None:
    draw = random.Random(0)
    results = [selection(resnet, draw.sample(resnet.ids, draw.randint(2, 8))) for _ in range(400)]
    assert sum(result.chart.x is not None for result in results) >= 0.95 * len(results)


def test_a_root_is_named_by_its_model_even_if_the_roots_differ_in_a_parameter() -> None:
    graph = Graph.from_models(
        [
            ("resnet-20", None, Operation("train", epochs=200)),
            ("resnet-44", None, Operation("train", epochs=300)),
            *((f"{r}-{a}", r, Operation("prune", amount=a)) for r in ("resnet-20", "resnet-44") for a in AMOUNTS),
        ]
    )
    assert named(selection(graph, graph.roots)) == [("root", "root", ("resnet-20", "resnet-44"))]
    result = selection(graph, graph.ids)
    assert named(result) == [
        ("amount", "parameter", (None, *AMOUNTS)),
        ("root", "root", ("resnet-20", "resnet-44")),
    ]
    assert result.chart == Chart(x="amount", color="root", facet=None)
    assert result.rows["resnet-44-0.75"] == (0.75, "resnet-44")


def test_roots_without_an_operation_or_of_equal_operation_are_told_apart() -> None:
    graph = Graph.from_models([("a", None, None), ("b", None, None)])
    assert named(selection(graph, "ab")) == [("root", "root", ("a", "b"))]


def test_a_chain_cut_at_every_length_is_a_sequence() -> None:
    graph = chains("net/prune 0.5/train/prune 0.75/train", root=Operation("train"))
    result = selection(graph, graph.ids)
    assert named(result) == [
        (
            "sequence",
            "sequence",
            (None, "prune", "prune → train", "prune → train → prune", "prune → train → prune → train"),
        )
    ]
    assert [row[0] for row in result.rows.values()] == list(result.variables[0].values)


def test_a_chain_at_several_amounts() -> None:
    graph = chains(*(f"net/prune {a}/train/prune {a}/train" for a in AMOUNTS))
    result = selection(graph, [id for id in graph.ids if id != "net"])
    assert [(variable.name, variable.kind) for variable in result.variables] == [
        ("prune · amount", "parameter"),
        ("sequence", "sequence"),
    ]
    assert result.variables[1].values == (None, "train", "train → prune", "train → prune → train")


def test_layer_groups_at_several_amounts() -> None:
    graph = Graph.from_models(
        [
            ("net", None, None),
            *(
                (f"{layers} {a}", "net", Operation("prune", layers=layers, amount=a))
                for layers, a in product(("attention", "feed-forward"), AMOUNTS)
            ),
        ]
    )
    result = selection(graph, graph.ids[1:])
    assert named(result) == [
        ("amount", "parameter", AMOUNTS),
        ("layers", "parameter", ("attention", "feed-forward")),
    ]
    assert result.chart == Chart(x="amount", color="layers", facet=None)


def test_a_parameter_name_in_two_steps_carries_the_operation() -> None:
    graph = Graph.from_models(
        [
            ("net", None, None),
            *((f"{a}", "net", Operation("Magnitude Pruning", sparsity=a)) for a in (0.1, 0.2)),
            *(
                (f"{a} {b}", f"{a}", Operation("Selective Pruning", sparsity=b))
                for a, b in product((0.1, 0.2), (0.3, 0.4))
            ),
        ]
    )
    assert [
        variable.name for variable in selection(graph, [f"{a} {b}" for a in (0.1, 0.2) for b in (0.3, 0.4)]).variables
    ] == [
        "Magnitude Pruning · sparsity",
        "Selective Pruning · sparsity",
    ]
    one = selection(graph, ["0.1 0.3", "0.1 0.4"])
    assert [variable.name for variable in one.variables] == ["Selective Pruning · sparsity"]
    assert {"name": "Magnitude Pruning · sparsity", "value": 0.1} in one.constant


def test_iterative_against_one_shot() -> None:
    graph = chains(*(f"net/{path} {a}" for path in ("prune", "prune 0.25/train/prune") for a in AMOUNTS))
    ends = [f"net/{path} {a}" for path in ("prune", "prune 0.25/train/prune") for a in AMOUNTS]
    result = selection(graph, ends)
    assert named(result) == [
        ("last prune · amount", "parameter", AMOUNTS),
        ("train", "presence", (False, True)),
    ]
    assert named(selection(graph, [ends[0], ends[3]])) == [("train", "presence", (False, True))]


def test_the_order_of_steps_is_told_apart() -> None:
    graph = chains("net/prune/quantize", "net/quantize/prune")
    result = selection(graph, ["net/prune/quantize", "net/quantize/prune"])
    assert named(result) == [("sequence", "sequence", ("prune → quantize", "quantize → prune"))]


def test_replicates_share_a_row() -> None:
    graph = Graph.from_models(
        [
            ("net", None, None),
            *((f"{a}-{seed}", "net", Operation("prune", amount=a, seed=seed)) for a in AMOUNTS for seed in range(3)),
            *((f"{a}-{seed}-t", f"{a}-{seed}", Operation("train")) for a in AMOUNTS for seed in range(3)),
        ]
    )
    result = selection(graph, graph.ids[1:])
    assert named(result) == [("amount", "parameter", AMOUNTS), ("train", "presence", (False, True))]
    assert result.rows["0.5-0-t"] == result.rows["0.5-2-t"] == (0.5, True)
    alone = selection(graph, ["0.5-0", "0.5-1"])
    assert alone.variables == ()
    assert alone.rows == {"0.5-0": (), "0.5-1": ()}
    assert alone.reason is not None
    assert "replicates" in alone.reason


def test_roots_that_differ_in_nothing_but_the_seed_are_replicates() -> None:
    roots = [(f"{seed}", None, Operation("train", epochs=3, seed=seed)) for seed in range(3)]
    assert selection(Graph.from_models(roots), ["0", "1", "2"]).variables == ()
    same_seed = [*roots, ("mlp", None, Operation("train", epochs=3, seed=1))]
    assert len(set(selection(Graph.from_models(same_seed), ["0", "1", "mlp"]).rows.values())) == 3


def test_values_are_ordered_as_a_person_would() -> None:
    values: list[Any] = ["int16", 300, "int8", True, 90, "90", "300", [1, 2], False]
    graph = Graph.from_models([("net", None, None), *((f"{v!r}", "net", Operation("q", v=v)) for v in values)])
    result = selection(graph, graph.ids)
    assert result.variables == (
        Variable("v", "parameter", (None, False, True, 90, 300, "90", "300", "int8", "int16", "[1, 2]")),
    )


def test_equal_looking_values_stay_apart_and_equal_ones_together() -> None:
    values: list[Any] = [1, True, "1", [1], "[1]"]
    graph = Graph.from_models([("net", None, None), *((f"{v!r}", "net", Operation("q", v=v)) for v in values)])
    result = selection(graph, graph.ids[1:])
    assert result.variables[0].values == ("true", "1", '"1"', '"[1]"', "[1]")
    pair = Graph.from_models(
        [("net", None, None), ("a", "net", Operation("q", v=1)), ("b", "net", Operation("q", v=1.0))]
    )
    assert selection(pair, "ab").variables == ()


def test_a_null_parameter_is_one_that_was_not_given_and_mappings_are_flat() -> None:
    graph = Graph.from_models(
        [
            ("net", None, None),
            ("a", "net", Operation("q", config={"bits": 4}, layers=None)),
            ("b", "net", Operation("q", config={"bits": 8})),
            ("c", "net", Operation("q", config={"bits": 8}, layers=None)),
        ]
    )
    assert named(selection(graph, "abc")) == [("config.bits", "parameter", (4, 8))]


def test_what_differs_besides_is_said() -> None:
    graph = chains("net/magnitude prune 0.5", "net/magnitude prune 0.75", "net/gradient prune 0.9")
    result = selection(graph, [id for id in graph.ids if id != "net"])
    assert named(result) == [("amount", "parameter", AMOUNTS)]
    assert result.also == ("operation",)
    graph = chains("net/prune 0.5", "net/prune 0.75/train")
    assert selection(graph, ["net/prune 0.5", "net/prune 0.75/train"]).also == ("train",)


def test_operations_that_take_many_names_are_named_by_those_with_the_parameter() -> None:
    graph = chains("net/a 1/c 1", "net/a 2/c 2", "net/b/c 1")
    result = selection(graph, ["net/a 1/c 1", "net/a 2/c 2", "net/b/c 1"])
    assert named(result) == [("a · amount", "parameter", (None, 1, 2))]
    assert result.also == ("c · amount", "operation")


def test_what_all_share_is_said() -> None:
    graph = chains("net/prune 0.5/train", "net/cluster 0.5/train")
    assert selection(graph, ["net/prune 0.5/train", "net/cluster 0.5/train"]).constant == (
        {"name": "root", "value": "net"},
        {"name": "cluster | prune · amount", "value": 0.5},
        {"name": "train", "value": True},
    )


def test_a_large_selection_gets_the_largest_part_that_can_be_charted() -> None:
    paths = [
        f"net/{p} {a}/{t}/{q}" for p in "pqr" for a in (1, 2) for t in ("t 1", "t 2", "u 1") for q in ("x 1", "x 2")
    ]
    graph = chains(*paths)
    result = selection(graph, paths)
    assert len(result.variables) > 3
    assert result.suggestion is not None
    assert len(result.suggestion.keep) == 1
    assert selection(graph, result.suggestion.models).chart.x is not None


def test_what_cannot_be_charted_has_a_table_and_a_suggestion() -> None:
    grid = [dict(zip("abcd", values, strict=True)) for values in product((0, 1), repeat=4)]
    nodes = [(f"{cell}", "net", Operation("prune", **cell)) for cell in grid]
    graph = Graph.from_models([("net", None, None), *nodes])
    result = selection(graph, graph.ids[1:])
    assert [variable.name for variable in result.variables] == ["a", "b", "c", "d"]
    assert len(set(result.rows.values())) == 16
    assert result.chart == Chart()
    assert result.suggestion is not None
    assert result.suggestion.keep == (("a", 0),)
    assert result.reason == (
        "4 variables differ and a chart can show 3. Keep those with a = 0 (8 of 16 models) to compare them."
    )
    assert selection(graph, result.suggestion.models).chart == Chart(x="b", color="d", facet="c")


def test_optional_steps_are_joined_where_that_makes_a_chart() -> None:
    steps = ["prune", "quantize", "cluster", "distill"]
    paths = ["/".join(["net", *(s for s, on in zip(steps, on, strict=True) if on)]) for on in product((0, 1), repeat=4)]
    result = selection(chains(*paths), paths)
    assert named(result) == [
        ("sequence", "sequence", (None, "prune", "quantize", "prune → quantize")),
        ("sequence 2", "sequence", (None, "cluster", "distill", "cluster → distill")),
    ]


def test_nothing_and_one() -> None:
    graph = chains("net/prune 0.5", root=Operation("train", epochs=3))
    assert selection(graph, []).variables == ()
    one = selection(graph, ["net/prune 0.5"])
    assert one.variables == ()
    assert one.rows == {"net/prune 0.5": ()}
    assert one.constant == (
        {"name": "root", "value": "net"},
        {"name": "train · epochs", "value": 3},
        {"name": "prune · amount", "value": 0.5},
    )


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(NotFound, match="'nobody'") as caught:
        selection(chains("net/prune"), ["net", "nobody"])
    assert caught.value.code == "model.unknown"


def test_it_is_plain_data() -> None:
    result = selection(chains("net/prune 0.5", "net/prune 0.75"), ["net", "net/prune 0.5", "net/prune 0.75"])
    assert json.loads(json.dumps(result.as_dict()))["chart"] == {"x": "amount", "color": None, "facet": None}


def test_long_chains_are_no_problem() -> None:
    nodes: list[Any] = [("m0", None, None)]
    nodes += [(f"m{i}", f"m{i - 1}", Operation("train")) for i in range(1, 3_000)]
    nodes += [(f"n{i}", f"n{i - 1}" if i else "m0", Operation("tune")) for i in range(600)]
    graph = Graph.from_models(nodes)
    assert len(set(selection(graph, ["m0", "m2000", "m2999", "n599", "n300"]).rows.values())) == 5
