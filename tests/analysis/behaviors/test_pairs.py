import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from compress_compare.analysis.behaviors import metrics, pairs
from compress_compare.analysis.inference import bootstrap, intervals

from .frames import classified, frame


def pair(given, name, model="m1"):
    return pairs.pair(given, model, name=name, metric=metrics.find(given, name, directions={}))


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(2, 5))
def test_flips_sum_to_disagreements_and_groups_to_the_whole(seed, count, classes):
    labels, probabilities = classified(seed, count, classes=classes)
    given = frame(labels, probabilities)
    of = pair(given, "correct")
    whole = pairs.added_up(of, np.zeros(count, np.int32), size=1)
    parts = pairs.added_up(of, labels.astype(np.int32), size=classes)
    before, after = (one.argmax(1) for one in probabilities[:2])
    flips = sum(whole[name][0] for name in ("right_to_wrong", "wrong_to_right", "wrong_to_wrong"))
    assert flips == (before != after).sum()
    assert whole["agreement"][0] == pytest.approx((before == after).mean())
    for name in ("count", "compared", "right_to_wrong", "wrong_to_right", "wrong_to_wrong"):
        assert parts[name].sum() == whole[name][0]
    net = (whole["wrong_to_right"][0] - whole["right_to_wrong"][0]) / count
    assert whole["difference"][0] == pytest.approx(net)


@pytest.mark.parametrize("name", ["correct", "nll", "ratio"])
def test_means_are_those_of_numpy(name):
    labels, probabilities = classified(count=200)
    of = pair(frame(labels, probabilities), name)
    found = pairs.added_up(of, labels.astype(np.int32), size=4)
    for group in range(4):
        base, model = of.base_values[labels == group], of.model_values[labels == group]
        assert found["count"][group] == len(base)
        assert found["value"][group] == pytest.approx(model.mean())
        assert found["base_value"][group] == pytest.approx(base.mean())
        assert found["difference"][group] == pytest.approx((model - base).mean())
        assert found["ci_low"][group] < found["difference"][group] < found["ci_high"][group]


def test_a_far_away_metric_keeps_the_digits_of_its_spread():
    labels, probabilities = classified(count=100)
    near = pair(frame(labels, probabilities), "nll")
    far = pairs.PairedValues("m1", near.base_values, near.model_values + 1e9, near.compared, near.changes, False)
    zeros = np.zeros(100, np.int32)
    width = {of: pairs.added_up(one, zeros, size=1) for of, one in {"near": near, "far": far}.items()}
    spread = {of: found["ci_high"][0] - found["ci_low"][0] for of, found in width.items()}
    assert spread["far"] == pytest.approx(spread["near"], rel=1e-5)


def test_what_is_not_finite_is_in_no_mean():
    labels, probabilities = classified(count=30)
    of = pair(frame(labels, probabilities), "nll")
    model = of.model_values.copy()
    model[:3] = [np.nan, np.inf, -np.inf]
    broken = pairs.PairedValues("m1", of.base_values, model, of.compared, of.changes, False)
    found = pairs.added_up(broken, np.zeros(30, np.int32), size=1)
    assert found["count"][0] == 27
    assert found["value"][0] == pytest.approx(model[3:].mean())
    assert found["compared"][0] == 30


@pytest.mark.parametrize("labels", [None, [0, 0, 0, 2, -1, 0]])
def test_each_kind_of_change(labels):
    before, after = np.array([0, 0, 1, 1, 0, -1]), np.array([0, 1, 0, 0, 1, 0])
    found = pairs.Changes(before, after, None if labels is None else np.array(labels))
    assert found.flips.tolist() == ([0, 4, 4, 4, 4, 5] if labels is None else [0, 1, 2, 3, 4, 5])
    assert found.answered.tolist() == [True] * 5 + [False]
    assert found.changed.tolist() == [False, True, True, True, True, False]
    assert found.take(np.array([5, 2])).flips.tolist() == ([5, 4] if labels is None else [5, 2])


def test_the_intervals_of_a_group_are_those_of_its_differences_alone():
    random = np.random.default_rng(3)
    base, model = random.normal(1, size=40), random.normal(1.75, size=40)
    base[5], model[30] = np.nan, np.inf
    model[20:] += 6
    everywhere = np.ones(40, bool)
    of = pairs.PairedValues("m1", base, model, everywhere, None, False)
    found = pairs.added_up(of, np.repeat([0, 1, 2], [19, 20, 1]), size=3)
    kept = np.isfinite(base) & np.isfinite(model)
    for group, rows in enumerate((slice(0, 19), slice(19, 39))):
        first, second = base[rows][kept[rows]], model[rows][kept[rows]]
        expected = stats.ttest_rel(second, first).confidence_interval(0.95)
        assert (found["ci_low"][group], found["ci_high"][group]) == pytest.approx((expected.low, expected.high))
        powers = [[((second - first) ** power).sum()] for power in (1, 2, 3, 4)]
        drawn = [limit[0] for limit in bootstrap.expanded(powers, [len(first)])]
        assert (found["bootstrap_low"][group], found["bootstrap_high"][group]) == pytest.approx(drawn)
        assert found["value"][group] - found["base_value"][group] == pytest.approx(found["difference"][group])
    assert (found["count"].tolist(), found["compared"].tolist()) == ([18, 19, 1], [19, 20, 1])
    assert np.isnan([found[name][2] for name in ("ci_low", "ci_high", "bootstrap_low", "bootstrap_high")]).all()


def test_a_proportion_is_counted_from_its_paired_table():
    base = np.array([1.0, 1, 0, 0, 1, np.nan, 1, 1])
    model = np.array([1.0, 0, 1, 0, 0, 1, 1, 1])
    compared = np.array([True] * 7 + [False])
    of = pairs.PairedValues("m1", base, model, compared, None, True)
    assert of.cells.tolist() == [3, 2, 1, 0, 2, 4, 3, 4]
    found = pairs.added_up(of, np.array([0, 0, 0, 0, 0, 0, 1, 1]), size=2)
    assert (found["count"].tolist(), found["value"].tolist()) == ([5, 1], [0.4, 1])
    assert (found["base_value"].tolist(), found["difference"].tolist()) == ([0.6, 1], pytest.approx([-0.2, 0]))
    low, high = intervals.newcombe(1, 2, model_only=1, neither=1)
    assert (found["ci_low"][0], found["ci_high"][0]) == pytest.approx((float(low), float(high)))
    differences = np.array([0, -1, 1, 0, -1])
    drawn = bootstrap.expanded([[(differences**power).sum()] for power in (1, 2, 3, 4)], [5])
    assert (found["bootstrap_low"][0], found["bootstrap_high"][0]) == pytest.approx([limit[0] for limit in drawn])


def test_no_draw_does_what_no_instance_did():
    lost = pairs.PairedValues("m1", np.ones(30), np.repeat([0.0, 1], [1, 29]), np.ones(30, bool), None, True)
    won = pairs.PairedValues("m1", lost.model_values, lost.base_values, lost.compared, None, True)
    one, other = (pairs.added_up(of, np.zeros(30, np.int32), size=1) for of in (lost, won))
    assert one["bootstrap_low"][0] < one["bootstrap_high"][0] <= 0
    assert (other["bootstrap_low"][0], other["bootstrap_high"][0]) == pytest.approx(
        (-one["bootstrap_high"][0], -one["bootstrap_low"][0])
    )


def test_flips_of_each_group_and_their_p():
    before = np.array([0, 0, 0, 0, 1, 1, 0])
    after = np.array([1, 1, 1, 1, 0, 0, 0])
    changes = pairs.Changes(before, after, np.array([0, 0, 0, 1, 2, 0, 0]))
    of = pairs.PairedValues("m1", np.zeros(7), np.zeros(7), np.ones(7, bool), changes, False)
    found = pairs.added_up(of, np.array([0, 0, 0, 0, 0, 1, 1]), size=2)
    assert [found[name].tolist() for name in ("right_to_wrong", "wrong_to_right", "wrong_to_wrong")] == [
        *([3, 0], [1, 1], [1, 0])
    ]
    assert (found["compared"].tolist(), found["agreement"].tolist()) == ([5, 2], [0, 0.5])
    assert found["mcnemar_p"].tolist() == pytest.approx([stats.binomtest(1, 4).pvalue, 1])


@pytest.mark.parametrize(("base_rows", "model_rows"), [([0, 1, 2], [3, 2, 0]), ([2, 3], [0, 1]), ([3, 0], [1, 3, 0])])
def test_instances_that_one_of_both_lacks_are_not_compared(base_rows, model_rows):
    labels, probabilities = classified(count=4, models=1)
    given = frame(labels, probabilities, orders=[np.array(base_rows), np.array(model_rows)])
    both = [row in base_rows and row in model_rows for row in range(4)]
    of = pair(given, "nll")
    assert of.compared.tolist() == of.finite.tolist() == both
    assert pairs.added_up(of, np.zeros(4, np.int32), size=1)["count"].tolist() == [sum(both)]
    assert of.changes.answered.tolist() == both


def test_differences_are_zero_and_left_out_where_not_both_are_finite():
    base, model = np.array([1.0, np.nan, 3, np.inf, 5, 2]), np.array([1.5, 2, np.inf, np.inf, 4, 9])
    of = pairs.PairedValues("m1", base, model, np.array([True] * 5 + [False]), None, False)
    assert of.difference.tolist() == [0.5, 0, 0, 0, -1, 0]
    assert of.mean_difference == -0.25
    assert of.centered.tolist() == [0.75, 0.25, 0.25, 0.25, -0.75, 0.25]
    assert of.squares.tolist() == [0.5625, 0.0625, 0.0625, 0.0625, 0.5625, 0.0625]
    assert of.base_finite.tolist() == [1, 0, 0, 0, 5, 0]
    assert (of.population.values.tolist(), of.population.weights.tolist()) == ([-1, 0.5], [0.5, 0.5])
    twice = of.take(np.array([4, 4, 0]))
    assert (twice.difference.tolist(), twice.mean_difference, twice.proportion) == ([-1, -1, 0.5], -0.5, False)
    nothing = of.take(np.array([1, 3]))
    assert np.isnan(nothing.mean_difference) and nothing.difference.tolist() == [0, 0]


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_small_and_large_changes_have_the_interval_of_student(scale):
    change = scale * np.array([1.0, 2, 4, 5, 9])
    of = pairs.PairedValues("m1", np.ones(5), 1 + change, np.ones(5, bool), None, False)
    found = pairs.added_up(of, np.zeros(5, np.int32), size=1)
    low, high = stats.ttest_1samp(change, 0).confidence_interval(0.95)
    assert (found["ci_low"][0], found["ci_high"][0]) == pytest.approx((low, high), rel=1e-6)
    assert found["bootstrap_low"][0] == pytest.approx(expanded_limits(change)[0], rel=1e-6)
    assert found["bootstrap_high"][0] == pytest.approx(expanded_limits(change)[1], rel=1e-6)


def expanded_limits(change):
    return [
        limit[0] for limit in bootstrap.expanded([[(change**power).sum()] for power in (1, 2, 3, 4)], [len(change)])
    ]


@settings(max_examples=60)
@given(st.lists(st.tuples(*[st.sampled_from([0.0, 1.0, np.nan])] * 2), min_size=1, max_size=40))
def test_the_differences_of_a_proportion_are_counted_from_its_four_cells(rows):
    base, model = np.array(rows).T
    of = pairs.PairedValues("m1", base, model, np.ones(len(rows), bool), None, True)
    known = (model - base)[np.isfinite(model - base)]
    if len(known):
        values, counts = np.unique(known + 0.0, return_counts=True)
        assert of.population.values.tolist() == values.tolist()
        np.testing.assert_allclose(of.population.weights, counts / len(known), rtol=1e-15)


@pytest.mark.parametrize("proportion", [True, False])
def test_no_groups_of_no_instances_have_no_numbers(proportion):
    nothing, none = np.zeros(0), np.zeros(0, np.int32)
    changes = pairs.Changes(none, none, none)
    of = pairs.PairedValues("m1", nothing, nothing, np.zeros(0, bool), changes, proportion)
    assert {len(column) for column in pairs.added_up(of, none, size=0).values()} == {0}
    one = pairs.added_up(of, none, size=2)
    assert one["count"].tolist() == one["compared"].tolist() == one["right_to_wrong"].tolist() == [0, 0]


@pytest.mark.parametrize("block", [1, 2, 3, 7, 100])
def test_kinds_are_counted_whatever_the_size_of_a_block(monkeypatch, block):
    monkeypatch.setattr(pairs, "BLOCK", block)
    random = np.random.default_rng(block)
    kind, groups = random.integers(0, 2, 50).astype(np.int8), random.integers(0, 3, 50)
    expected = [[int(((kind == one) & (groups == group)).sum()) for group in range(3)] for one in range(2)]
    assert pairs._table(kind, groups, size=3, kinds=2).tolist() == expected
