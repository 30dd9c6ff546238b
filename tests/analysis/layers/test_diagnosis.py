"""The order of suspects, and what is said about them."""

import math

import pytest

from compress_compare.analysis.layers.diagnosis import TensorFinding, suspects, to_arrow


def finding(module, **changes):
    usual = {"num_dimensions": 2, "count": 100, "nonfinite": 0, "new_zeros": 0, "error": 0.01}
    return TensorFinding(module, changes.pop("parameter", "weight"), "m", **usual | changes)


def test_nothing_to_say():
    assert suspects([finding("a"), finding("b"), finding("c", error=0.015)]) == []
    assert suspects([]) == []
    assert to_arrow([]).num_rows == 0


def test_the_layer_with_the_far_larger_error_comes_first():
    found = suspects([finding("a"), finding("b", error=0.4), finding("c", error=0.05), finding("d"), finding("e")])
    assert [suspect.module for suspect in found] == ["b", "c"]
    assert found[0].reason == "weights: relative error 0.4 is 40× this model's typical layer"


def test_norm_scales_before_errors_and_broken_numbers_before_all():
    found = suspects(
        [
            finding("norm", num_dimensions=1, count=128, new_zeros=4),
            finding("big", error=10.0),
            finding("broken", nonfinite=3),
            finding("bias", parameter="bias", num_dimensions=1, new_zeros=50),
            *(finding(str(i)) for i in range(9)),
        ]
    )
    assert [suspect.module for suspect in found] == ["broken", "norm", "big", "bias"]
    assert found[0].reason == "weights: 3 of 100 values are NaN or infinite"
    assert found[1].reason == "norm scales: 4 of 128 values became zero"


def test_a_module_stands_once_with_all_reasons():
    (found,) = suspects([finding("a", error=math.inf, nonfinite=1), finding("b"), finding("c")])
    assert found.reason.startswith("weights: 1 of 100 values are NaN or infinite; weights: relative error inf")


def test_zeros_in_weights_are_what_pruning_is():
    assert suspects([finding("a", new_zeros=90), finding("b", new_zeros=90)]) == []


def test_each_model_has_its_own_median():
    gentle = [TensorFinding(name, "weight", "gentle", 2, 9, 0, 0, 0.001) for name in "abc"]
    harsh = [TensorFinding(name, "weight", "harsh", 2, 9, 0, 0, 0.5) for name in "abc"]
    assert suspects(gentle + harsh) == []


def test_a_range_that_is_too_short():
    found = suspects([finding("a", cut_off=6, reach=2.5), finding("b", cut_off=5, reach=9.0)])
    assert [suspect.module for suspect in found] == ["a"]
    reach = "up to 2.5× the largest code"
    assert found[0].reason == f"weights: 6.0% of the base's values are outside the range, {reach}"


def test_an_outlier_that_stretches_the_steps():
    usual = {"stretch": 40.0, "zeros": 97}
    (found,) = suspects([finding("a", error=0.5, **usual), finding("b", error=0.5, stretch=7.9), finding("c", **usual)])
    assert found.module == "a"
    assert "one value is 40× the root mean square of the others and makes every step coarser" in found.reason
    assert found.reason.endswith("97.0% of the values became zero")


def test_outputs_at_an_end_and_channels_that_make_the_error():
    found = suspects(
        [
            finding("clipped", parameter="local output", clipped=0.2, base_clipped=0.1),
            finding("as before", parameter="local output", clipped=0.2, base_clipped=0.16),
            finding("loud", parameter="local output", error=0.02, loud=[7, 2], loud_share=0.8),
            finding("exact", parameter="local output", error=0.0001, loud=[7], loud_share=0.8),
            finding("one", parameter="local output", error=0.02, loud=[7], loud_share=0.6),
        ]
    )
    assert [(suspect.module, suspect.reason) for suspect in found] == [
        ("clipped", "local output: 20.0% are clipped at an end of the range, 10.0% in the base"),
        ("loud", "local output: outlier channels 7, 2 make 80% of the error"),
        ("one", "local output: outlier channel 7 makes 60% of the error"),
    ]


def test_ranges_come_after_norms_and_large_errors():
    found = suspects(
        [
            finding("short", cut_off=90, reach=3.0),
            finding("norm", num_dimensions=1, new_zeros=4),
            finding("harsh", error=0.1),
            finding("outlier", error=0.015, stretch=90.0),
            finding("usual"),
        ]
    )
    assert [suspect.module for suspect in found] == ["norm", "harsh", "short"]


def test_a_layer_of_zeros_alone_is_dead_at_any_level_of_pruning():
    pruned = [finding(name, new_zeros=95, zeros=95, error=0.9) for name in "abc"]
    found = suspects([*pruned, finding("d", new_zeros=100, zeros=100, error=1.0)])
    assert [(one.module, one.reason) for one in found] == [
        ("d", "weights: all 100 values are zero, so the layer is dead")
    ]
    assert suspects([finding("a", new_zeros=0, zeros=100, error=0.0), *pruned]) == []


def outputs(module, **changes):
    return finding(module, parameter="local output", new_zeros=None, **changes)


def test_what_takes_the_error_of_the_output_away_is_to_blame_and_not_what_adds_most_itself():
    found = suspects(
        [
            outputs("a", error=0.1, repair=0.3),
            outputs("b", error=0.9, repair=-0.2),
            outputs("c", error=0.1, repair=0.02),
        ]
    )
    assert [one.module for one in found] == ["a"]
    assert found[0].reason == "30% of the error of the network's output goes away when it is put back"


def test_among_many_layers_twice_an_even_share_is_enough():
    many = [outputs(str(at), repair=0.01) for at in range(99)]
    assert [one.module for one in suspects([*many, outputs("x", repair=0.03)])] == ["x"]
    assert suspects([outputs("y", repair=0.05), outputs("z", repair=0.05)]) == []


def test_signs_of_a_range_stand_between_large_errors_and_loud_channels_in_the_order_of_the_harm():
    common = {"error": 0.5, "repair": 0.0}
    found = suspects(
        [
            finding("all loud", **common, loud=[1], loud_share=1.0),
            finding("far off", **common, stretch=1e9),
            finding("off", **common, stretch=40.0),
            finding("just off", **common, stretch=8.01),
            finding("all clipped", **common, clipped=1.0),
            finding("just clipped", **common, clipped=0.051),
            finding("all cut off", count=1000, cut_off=1000, reach=2.0, **common),
            finding("just cut off", count=1000, cut_off=52, reach=2.0, **common),
        ]
    )
    assert [suspect.module for suspect in found] == [
        *("all clipped", "all cut off", "just cut off", "just clipped"),
        *("far off", "off", "just off", "all loud"),
    ]
    scores = {suspect.module: suspect.score for suspect in found}
    assert max(scores.values()) < 10 and all(5 <= scores[name] < 6 for name in ("far off", "off", "just off"))
    assert scores["off"] == 5.8  # a fifth below the next sign, as the outlier is five times what makes one


@pytest.mark.parametrize(
    ("changes", "is_said"),
    [
        ({"stretch": 8.0}, False), ({"stretch": 8.01}, True), ({"stretch": 9.0, "error": 0.1}, False),
        ({"stretch": 9.0, "error": 0.11}, True), ({"stretch": 9.0, "error": None}, False),
        ({"clipped": 0.05}, False), ({"clipped": 0.06}, True), ({"clipped": 0.5, "base_clipped": 0.46}, False),
        ({"loud": [1], "error": 0.01}, False), ({"loud": [1], "error": 0.011}, True),
        ({"loud": [1], "error": None}, False), ({"loud": []}, False),
        ({"cut_off": 5}, False), ({"cut_off": 6}, True), ({"cut_off": 6, "count": 0}, False),
    ],
)  # fmt: skip
def test_from_where_on_a_sign_is_said(changes, is_said):
    assert bool(suspects([finding("a", **{"error": 0.5, "repair": 0.0} | changes)])) is is_said
