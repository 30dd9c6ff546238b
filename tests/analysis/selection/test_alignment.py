from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from compress_compare.analysis.lineage import Graph
from compress_compare.analysis.selection.alignment import align
from compress_compare.analysis.selection.distinct import Lineage, distinct_lineages
from tests.analysis.experiments import chains, graphs


def columns(graph: Graph, *ids: str) -> list[list[int]]:
    lineages, row_of = distinct_lineages(graph, [graph.position(id) for id in ids])
    found = align(lineages)
    return [found[row_of[graph.position(id)]] for id in ids]


def test_a_step_that_others_lack_opens_a_gap() -> None:
    graph = chains("net/prune/train/quantize", "net/prune/quantize")
    assert columns(graph, "net/prune/train/quantize", "net/prune/quantize") == [[0, 1, 2], [0, 2]]


def test_alternatives_share_a_column() -> None:
    graph = chains("net/prune/train", "net/prune/calibrate", "net/cluster/train")
    assert columns(graph, "net/prune/train", "net/prune/calibrate", "net/cluster/train") == [[0, 1], [0, 1], [0, 1]]


def test_steps_that_can_follow_each_other_do_not_share_a_column() -> None:
    paths = ["net/prune/calibrate/train", "net/prune/calibrate", "net/prune/train"]
    assert columns(chains(*paths), *paths) == [[0, 1, 2], [0, 1], [0, 2]]


def test_a_one_shot_step_stands_with_the_iteration_of_equal_parameters() -> None:
    graph = chains("net/prune 0.5/train/prune 0.75", "net/prune 0.75")
    assert columns(graph, "net/prune 0.5/train/prune 0.75", "net/prune 0.75") == [[0, 1, 2], [2]]


@given(st.data(), graphs())
def test_columns_run_along_every_lineage(data: st.DataObject, graph: Graph) -> None:
    lineages, _ = distinct_lineages(graph, range(len(graph)))
    found = align(lineages)
    for lineage, places in zip(lineages, found, strict=True):
        assert len(places) == len(lineage.steps)
        assert places == sorted(set(places))
    shuffled = data.draw(st.permutations(lineages))
    by_key: dict[tuple[str, ...], list[int]] = {_key(x): places for x, places in zip(lineages, found, strict=True)}
    assert align(shuffled) == [by_key[_key(lineage)] for lineage in shuffled]


def _key(lineage: Lineage) -> tuple[str, ...]:
    return lineage.key


@given(graphs())
def test_shared_steps_stand_in_the_same_column(graph: Graph) -> None:
    lineages, _ = distinct_lineages(graph, range(len(graph)))
    column_of: dict[tuple[str, ...], int] = {}
    for lineage, places in zip(lineages, align(lineages), strict=True):
        for end, place in enumerate(places, 2):
            assert column_of.setdefault(lineage.key[:end], place) == place
