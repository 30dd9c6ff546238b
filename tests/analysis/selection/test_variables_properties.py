"""What holds for what differs between models, whatever the graph."""

import json
from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from compress_compare.analysis.lineage import Graph
from compress_compare.analysis.selection.variables import selection
from tests.analysis.experiments import graphs


def lineage_of(graph: Graph, id: str) -> tuple[Any, ...]:
    """Computed without the code under test: null is missing, 1 is 1.0 but not true."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(item) for name, item in value.items() if item is not None}
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    steps = graph.lineage(id)
    shown = [
        (step.operation.name, json.dumps(plain(dict(step.operation.parameters)), sort_keys=True))
        if step.operation
        else None
        for step in steps
    ]
    return (steps[0].model, *shown[1:])


@given(st.data(), graphs())
def test_models_share_a_row_exactly_if_they_share_their_lineage(data: st.DataObject, graph: Graph) -> None:
    ids = data.draw(st.lists(st.sampled_from(graph.ids), unique=True))
    rows = selection(graph, ids).rows
    assert rows.keys() == set(ids)
    for a, b in product(ids, repeat=2):
        assert (rows[a] == rows[b]) == (lineage_of(graph, a) == lineage_of(graph, b))


@given(st.data(), graphs())
def test_the_order_of_models_and_of_the_project_does_not_matter(data: st.DataObject, graph: Graph) -> None:
    ids = data.draw(st.lists(st.sampled_from(graph.ids), unique=True))
    expected = selection(graph, ids)
    nodes = list(zip(graph.ids, [graph.base(id) for id in graph.ids], graph.operations, strict=True))
    shuffled = Graph.from_models(data.draw(st.permutations(nodes)))
    again = selection(shuffled, data.draw(st.permutations(ids)))
    assert again == expected
    assert list(again.rows) == list(expected.rows)


@given(st.data(), graphs())
def test_every_variable_is_well_formed(data: st.DataObject, graph: Graph) -> None:
    result = selection(graph, data.draw(st.lists(st.sampled_from(graph.ids), unique=True)))
    names = [variable.name for variable in result.variables]
    assert len(set(names)) == len(names)
    for i, variable in enumerate(result.variables):
        assert len(variable.values) >= 2
        assert len(set(variable.values)) == len(variable.values)
        assert {row[i] for row in result.rows.values()} == set(variable.values)
    charted = [name for name in (result.chart.x, result.chart.color, result.chart.facet) if name is not None]
    assert sorted(charted) == (sorted(names) if 0 < len(names) <= 3 else [])
    assert (result.reason is None) == bool(charted)


@given(st.data(), graphs())
def test_no_variable_can_be_left_out(data: st.DataObject, graph: Graph) -> None:
    result = selection(graph, data.draw(st.lists(st.sampled_from(graph.ids), unique=True)))
    distinct = len(set(result.rows.values()))
    for i in range(len(result.variables)):
        assert len({row[:i] + row[i + 1 :] for row in result.rows.values()}) < distinct
