"""One label for a whole lineage, where nothing shorter tells models apart."""

from __future__ import annotations

from compress_compare.analysis.lineage import Graph
from compress_compare.analysis.selection.distinct import distinct_lineages
from compress_compare.analysis.selection.occurrences import Aligned
from compress_compare.analysis.selection.sequences import whole_lineage
from compress_compare.records import Operation


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
