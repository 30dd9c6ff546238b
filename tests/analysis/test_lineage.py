from __future__ import annotations

import pytest

from compress_compare.analysis.lineage import Graph
from compress_compare.errors import Conflict, NotFound
from compress_compare.records import LineageStep, Operation

TRAIN = Operation("train", epochs=90)
PRUNE = Operation("magnitude prune", amount=0.5)


@pytest.fixture
def graph() -> Graph:
    return Graph.from_models(
        [
            ("pruned-trained", "pruned", TRAIN),
            ("cnn", None, TRAIN),
            ("pruned", "cnn", PRUNE),
            ("mlp", None, None),
            ("other", "cnn", PRUNE),
        ]
    )


def test_lineage_runs_from_the_root_to_the_model(graph: Graph) -> None:
    assert graph.lineage("pruned-trained") == (
        LineageStep("cnn", TRAIN),
        LineageStep("pruned", PRUNE),
        LineageStep("pruned-trained", TRAIN),
    )
    assert graph.lineage("mlp") == (LineageStep("mlp", None),)


def test_relatives(graph: Graph) -> None:
    assert graph.roots == ("cnn", "mlp")
    assert graph.root("pruned-trained") == "cnn"
    assert graph.base("pruned") == "cnn"
    assert graph.base("cnn") is None
    assert graph.operation("pruned") == PRUNE
    assert graph.ancestors("pruned-trained") == ("cnn", "pruned")
    assert graph.children("cnn") == ("pruned", "other")
    assert graph.descendants("cnn") == ("pruned", "other", "pruned-trained")
    assert graph.descendants("mlp") == ()
    assert [graph.step(model) for model in graph.ids] == [2, 0, 1, 0, 1]
    assert graph.parents == (2, -1, 1, -1, 1)
    assert graph.depths == (2, 0, 1, 0, 1)
    assert len(graph) == 5
    assert "mlp" in graph
    assert "nobody" not in graph


def test_a_graph_made_of_its_fields_answers_the_same(graph: Graph) -> None:
    again = Graph(graph.ids, graph.parents, graph.operations)
    assert again.positions == graph.positions
    assert again.depths == graph.depths


def test_an_unknown_model_is_named(graph: Graph) -> None:
    with pytest.raises(NotFound, match="'nobody'") as caught:
        graph.lineage("nobody")
    assert caught.value.code == "model.unknown"


def test_an_unknown_base_is_named() -> None:
    with pytest.raises(NotFound, match="'lost'") as caught:
        Graph.from_models([("a", "lost", None)])
    assert caught.value.code == "model.unknown"


def test_a_cycle_is_refused() -> None:
    with pytest.raises(Conflict) as caught:
        Graph.from_models([("a", "b", None), ("b", "a", None)])
    assert caught.value.code == "model.cycle"


def test_a_repeated_id_is_refused() -> None:
    with pytest.raises(Conflict, match="'a'") as caught:
        Graph.from_models([("a", None, None), ("a", None, None)])
    assert caught.value.code == "model.duplicate"


def test_an_empty_graph_has_no_roots() -> None:
    assert Graph.from_models([]).roots == ()


def test_a_chain_of_ten_thousand_steps() -> None:
    ids = [f"m{i}" for i in range(10_000)]
    graph = Graph.from_columns(ids, [None, *ids[:-1]], operations=[TRAIN] * 10_000)
    assert graph.step("m9999") == 9_999
    assert len(graph.lineage("m9999")) == 10_000
    assert len(graph.descendants("m0")) == 9_999
