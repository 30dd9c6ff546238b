"""One label for a whole lineage, where nothing shorter tells models apart."""

from __future__ import annotations

import pytest
from hypothesis import given

from compress_compare.analysis.lineage import Graph
from compress_compare.analysis.selection.distinct import distinct_lineages
from compress_compare.analysis.selection.occurrences import Aligned
from compress_compare.analysis.selection.sequences import chains, sequences, whole_lineage
from compress_compare.records import Operation
from tests.analysis import experiments


def labels(*operations: Operation) -> list[str]:
    """The label of the model that each operation made of the same root."""
    graph = Graph.from_models([("net", None, None), *((f"m{i}", "net", each) for i, each in enumerate(operations))])
    lineages, row_of = distinct_lineages(graph, [graph.position(f"m{i}") for i in range(len(operations))])
    candidate = whole_lineage(Aligned(lineages))
    rows = (row_of[graph.positions[f"m{i}"]] for i in range(len(operations)))
    return [str(candidate.values[candidate.codes[row]]) for row in rows]


def test_steps_stand_with_their_parameters() -> None:
    first, second = labels(Operation("prune", amount=0.5), Operation("quantize", bits=8, symmetric=True))
    assert first.endswith("prune (amount=0.5)")
    assert second.endswith("quantize (bits=8, symmetric=True)")


def test_what_reads_alike_is_numbered_and_nothing_else() -> None:
    number, text = labels(Operation("prune", x=1), Operation("prune", x="1"))
    assert {number[-4:], text[-4:]} == {" (1)", " (2)"}
    assert number[:-4] == text[:-4]


def aligned(graph: Graph, *ids: str) -> Aligned:
    """The lineages of some models, by default of all."""
    lineages, _ = distinct_lineages(graph, [graph.position(id) for id in ids or graph.ids])
    return Aligned(lineages)


def reached(*paths: str) -> list[tuple[int, tuple[object, ...]]]:
    """The first column and the values of each chain."""
    return [(each.place, each.values) for each in chains(aligned(experiments.chains(*paths)))]


def test_a_chain_has_two_steps_at_least() -> None:
    assert reached("net/prune") == []
    assert reached("net/prune/train") == [(0, (None, "prune", "prune → train"))]
    assert reached("net/prune/train/quantize") == [(0, (None, "prune", "prune → train", "prune → train → quantize"))]


def test_a_step_after_a_gap_begins_another_chain() -> None:
    graph = experiments.chains("net/prune/train/quantize", "net/quantize")
    found = list(chains(aligned(graph, "net", "net/prune", "net/prune/train/quantize", "net/quantize")))
    assert [(each.place, each.values) for each in found] == [(0, (None, "prune", "prune → train"))]
    assert found[0].codes.tolist() == [0, 1, 2, 0]


def test_what_all_pass_through_is_in_no_chain() -> None:
    graph = experiments.chains("net/prune/train/quantize/distill")
    ends = ("net/prune", "net/prune/train", "net/prune/train/quantize")
    (found,) = chains(aligned(graph, *ends))
    assert (found.place, found.values) == (1, (None, "train", "train → quantize"))


@given(experiments.graphs())
def test_chains_are_the_longest_runs_of_columns_of_which_no_lineage_skips_one(graph: Graph) -> None:
    given = aligned(graph)
    rows = [{occurrence.place for occurrence in row} for row in given.rows]
    optional = [place for place in sorted(set().union(*rows)) if not all(place in row for row in rows)]
    runs = [
        optional[start:stop]
        for start in range(len(optional))
        for stop in range(start + 2, len(optional) + 1)
        if all(
            [place in row for place in optional[start:stop]]
            == sorted((place in row for place in optional[start:stop]), reverse=True)
            for row in rows
        )
    ]
    longest = [run for run in runs if not any(set(run) < set(other) for other in runs)]
    found = list(chains(given))
    assert [each.place for each in found] == [run[0] for run in longest]
    for each, run in zip(found, longest, strict=True):
        lengths = [sum(place in row for place in run) for row in rows]
        assert [sorted(set(lengths))[code] for code in each.codes.tolist()] == lengths
        assert len(each.values) == len(set(lengths))


@pytest.mark.parametrize(("left_out", "count"), [(0, None), (1, 5), (2, 4), (4, None)])
def test_what_stands_between_two_columns_has_five_labels_at_most(left_out: int, count: int | None) -> None:
    paths = [f"net/{first}/{second}" for second in "de" for first in "abc"][: 6 - left_out]
    graph = experiments.chains(*paths)
    found = list(sequences(aligned(graph, *paths)))
    if count is None:
        assert found == []  # six are too many, and two that differ in one column have no second edge
    else:
        (one,) = found
        assert one.values == tuple(sorted(f"{path[4]} → {path[6]}" for path in paths))
        assert (one.rank, one.place, one.kind) == (12 + count, 0, "sequence")
        assert sorted(one.codes.tolist()) == list(range(count))
