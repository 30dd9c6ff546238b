from __future__ import annotations

import pytest

from compress_compare.analysis.lineage import Graph
from compress_compare.analysis.selection.distinct import canonical_step, distinct_lineages
from compress_compare.records import Operation


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Operation("q", x=1), Operation("q", x=1.0)),
        (Operation("q", x=1e300), Operation("q", x=int(1e300))),
        (Operation("q", x=None), Operation("q")),
        (Operation("q", x=1, y=2), Operation("q", y=2, x=1)),
        (Operation("q", x={"a": 1, "b": None}), Operation("q", x={"a": 1.0})),
        (Operation("q", seed=1), Operation("q", seed=2)),
        (Operation("q", x=[1, 2]), Operation("q", x=[1.0, 2])),
    ],
)
def test_the_same_step(one: Operation, other: Operation) -> None:
    assert canonical_step(one) == canonical_step(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Operation("q", x=1), Operation("q", x=True)),
        (Operation("q", x=1), Operation("q", x="1")),
        (Operation("q", x=[1]), Operation("q", x="[1]")),
        (Operation("q", x={}), Operation("q")),
        (Operation("q"), Operation("p")),
        (Operation("q", x=0.1), Operation("q", x=0.2)),
        (Operation("q"), None),
    ],
)
def test_another_step(one: Operation, other: Operation | None) -> None:
    assert canonical_step(one).key != canonical_step(other).key


def test_the_seed_counts_where_it_is_asked_for() -> None:
    one, other = (canonical_step(Operation("q", seed=seed), without=()) for seed in (1, 2))
    assert one.key != other.key
    assert one.parameters == {"seed": 1}


def test_mappings_are_flat() -> None:
    assert canonical_step(Operation("q", x={"a": {"b": 1}, "c": []})).parameters == {"x.a.b": 1, "x.c": []}


def lineages(*roots: tuple[str, Operation | None], of: list[str] | None = None) -> list[str]:
    """The root of each model's lineage."""
    graph = Graph.from_models([(id, None, operation) for id, operation in roots])
    positions = [graph.position(id) for id in of or graph.ids]
    found, row_of = distinct_lineages(graph, positions)
    return [found[row_of[position]].root for position in positions]


def test_two_roots_that_differ_in_nothing_but_the_seed_are_one() -> None:
    assert lineages(("b", Operation("train", seed=1)), ("a", Operation("train", seed=2))) == ["a", "a"]
    assert lineages(("b", Operation("train", seed=1)), ("a", Operation("train", seed=1.0))) == ["b", "a"]
    assert lineages(("b", Operation("train", seed=1)), ("a", Operation("train"))) == ["b", "a"]
    assert lineages(("b", Operation("train", seed=1, x=1)), ("a", Operation("train", seed=2, x=2))) == ["b", "a"]
    assert lineages(("b", None), ("a", None)) == ["b", "a"]


def test_a_root_is_named_alike_whichever_of_its_replicates_are_looked_at() -> None:
    seeds = [(name, Operation("train", seed=seed)) for seed, name in enumerate("dcba")]
    assert lineages(*seeds) == ["a"] * 4
    assert lineages(*seeds, of=["d", "c"]) == ["a", "a"]
    assert lineages(*seeds, of=["c"]) == ["c"]


def test_lineages_stand_in_the_order_of_their_keys_and_each_stands_once() -> None:
    graph = Graph.from_models(
        [
            ("net", None, Operation("train")),
            ("z", "net", Operation("prune", amount=0.5, seed=1)),
            ("a", "net", Operation("prune", amount=0.5, seed=2)),
            ("b", "z", Operation("quantize")),
            ("alone", None, None),
        ]
    )
    found, row_of = distinct_lineages(graph, range(5))
    assert [(each.root, each.start.operation, [step.operation for step in each.steps]) for each in found] == [
        *(("alone", "", []), ("net", "train", []), ("net", "train", ["prune"])),
        ("net", "train", ["prune", "quantize"]),
    ]
    assert row_of == {0: 1, 1: 2, 2: 2, 3: 3, 4: 0}
