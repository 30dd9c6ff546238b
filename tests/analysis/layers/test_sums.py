"""Many small tensors at once against each by itself, and modules against the sums of their tensors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from compress_compare.analysis.layers import histogram, statistics, tree
from compress_compare.analysis.layers.merged import Order, relative_errors, rows_of
from compress_compare.analysis.layers.sums import EXTREMES, FIELDS, LEAST, OWN, Sums, of_small, zeros_of_small
from compress_compare.analysis.layers.values import Values

FEW = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 0.4, 2.0, 1e-30, -3.5e20])
PAIRS = st.tuples(st.integers(1, 5), st.integers(1, 40)).flatmap(
    lambda shape: st.tuples(*(arrays(np.float64, shape, elements=FEW) for _ in range(2)))
)
WIDE = np.stack([histogram.edges((-2.0, 2.0)), histogram.edges((0.0, 0.5))])


MATRICES = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 7)).flatmap(
    lambda shape: st.tuples(*(arrays(np.float64, shape, elements=FEW) for _ in range(2)))
)


def alone(base, model, edges):
    own, counts = statistics.own(Values.of(model), edges)
    pair = Values.of(base), Values.of(model)
    return Sums.of(own, counts, zeros=statistics.zeros(*pair), change=statistics.change(*pair))


@given(PAIRS)
def test_many_are_as_each_by_itself(pair):
    base, model = pair
    together = of_small(model, base, edges=[WIDE] * len(model))
    for row in range(len(model)):
        one = alone(base[row], model[row], WIDE)
        np.testing.assert_allclose(together.sums[row], one.sums[0], rtol=1e-12, atol=1e-12 * np.abs(one.sums).max())
        np.testing.assert_array_equal(together.extremes[row], one.extremes[0])
        np.testing.assert_array_equal(together.histograms[row], one.histograms[0])


@given(MATRICES)
def test_norms_of_many_are_those_of_each_by_itself(pair):
    base, model = pair
    flat = (part.reshape(len(model), -1) for part in (model, base))
    together = of_small(*flat, edges=[WIDE] * len(model), channels=model.shape[1])
    for row in range(len(model)):
        one = alone(base[row], model[row], WIDE)
        np.testing.assert_allclose(together.extremes[row], one.extremes[0], rtol=1e-12)
        for name in ("num_channels", "num_dead_channels"):
            assert together[name][row] == one[name][0]
        changes = np.abs(np.subtract(*(np.linalg.norm(part[row], axis=1) for part in (model, base))))
        if len(np.unique(changes)) == len(changes):
            assert together.channels[row] == one.channels[0]


def test_without_a_base_nothing_is_compared():
    found = of_small(np.ones((2, 3)), None, edges=[WIDE] * 2)
    assert found["own_squares"].tolist() == [3, 3]
    assert found["own_code_bits"].tolist() == [0, 0]
    assert not found["num_zeros_known"].any()
    assert not found["num_changes_known"].any()


def test_zeros_alone():
    base, model = np.array([[0, 0, 1, 2.0]]), np.array([[0, 3, 0, 2.0]])
    found = zeros_of_small(model, base)
    assert [found[name].tolist() for name in ("own_count", "own_zeros", "zero_both", "zero_model_only")] == [
        [4],
        [2],
        [1],
        [1],
    ]
    assert found["zero_base_only"].tolist() == [1]


def test_an_upper_edge_is_in_the_last_bin():
    edges = np.stack([histogram.edges((0.0, 1.0))])
    counts = of_small(np.array([[0.0, 1.0, np.nextafter(1, 2)]]), None, edges=[edges]).histograms[0][0]
    assert (counts[0], counts[1], counts[-2], counts[-1]) == (0, 1, 1, 1)


NAMES = ["stem.w", "a.x.w", "a.x.b", "a.y.w", "a.b", "top"]


def sums(rng, names):
    depths = [len(tree.path(tree.split(name)[0])) for name in names]
    return Sums(
        rng.integers(0, 9, (len(names), len(FIELDS))).astype(float),
        rng.standard_normal((len(names), len(EXTREMES))),
        [rng.integers(0, 9, (depth + 1, 66)) for depth in depths],
        rng.integers(-1, 9, len(names)),
    )


@pytest.mark.parametrize("missing", [(), (0,), (1, 2), (5,), (0, 1, 2, 3, 4, 5)])
def test_modules_are_the_sums_of_their_tensors(missing):
    order = Order.of(tree.rows(NAMES))
    keys = [order.rows[row] for row in order.tensors.tolist()]
    names = [f"{module}.{parameter}" if module else parameter for module, parameter in keys]
    tensors = np.array([place for place in range(len(names)) if place not in missing], int)
    found = sums(np.random.default_rng(0), [names[place] for place in tensors])
    places, merged = rows_of(found, tensors, order=order)
    seen = {order.rows[place]: row for row, place in enumerate(places.tolist())}
    for module, parameter in order.rows:
        inside = [
            at
            for at, place in enumerate(tensors.tolist())
            if (keys[place] == (module, parameter) if parameter else module in tree.path(keys[place][0]))
        ]
        assert ((module, parameter) in seen) == bool(inside)
        if not inside:
            continue
        row = seen[module, parameter]
        np.testing.assert_array_equal(merged.sums[row], found.sums[inside].sum(0))
        part = found.extremes[inside]
        assert merged.extremes[row].tolist() == [*part[:, : len(LEAST)].min(0), *part[:, len(LEAST) :].max(0)]
        known = [channel for channel in found.channels[inside] if channel >= 0]
        assert merged.channels[row] == (known[0] if len(known) == 1 else -1)
        level = -1 if parameter else len(tree.path(module)) - 1
        np.testing.assert_array_equal(merged.histograms[row][0], sum(found.histograms[at][level] for at in inside))


def test_a_very_deep_tree():
    order = Order.of(tree.rows([".".join("m" * 3000), "top"]))
    assert order.spans[0].tolist() == [0, 2]
    assert order.spans[1].tolist() == [0, 1]


def test_a_row_says_what_was_found():
    own = statistics.Own(*range(1, 11))
    row = Sums.of(own, np.zeros((1, 66)))
    assert [row[f"own_{name}"][0] for name in OWN] == [getattr(own, name) for name in OWN]
    assert row["num_changes_known"][0] == 0


@pytest.mark.parametrize(
    ("base", "model", "error"),
    [
        ([1.0], [1.5], 0.5),
        ([2.0], [3.0], 0.5),
        ([0.0], [3.0], np.inf),
        ([0.0], [0.0], 0.0),
        ([3.0, 4.0], [3.0, 5.0], 0.2),
    ],
)
def test_the_relative_error_is_the_change_s_norm_over_the_base_s(base, model, error):
    found = alone(np.array(base), np.array(model), WIDE)
    assert relative_errors(found) == [pytest.approx(error)]


def test_tensors_that_are_no_matrices_have_no_channel_that_changed_most():
    numbers = np.array([[1.0, 2.0], [3.0, 0.0]])
    for found in (of_small(numbers, None, edges=[WIDE] * 2), zeros_of_small(numbers, numbers)):
        assert found.channels.tolist() == [-1, -1]
        assert found.extremes.shape == (2, len(EXTREMES)) and len(found.histograms) == 2
    with pytest.raises(ValueError, match="zip"):
        of_small(numbers, None, edges=[WIDE])
