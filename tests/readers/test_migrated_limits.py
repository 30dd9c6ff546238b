"""Factors that moved between layers: how clear they must be, and along which chains of layers they are followed."""

import numpy as np
import pytest

from compress_compare.readers import migrated as module
from compress_compare.readers.pair import ModelPair

from .made import weights

WIDTH = 16


@pytest.fixture
def rng():
    return np.random.default_rng(17)


def paired(plain, model):
    def floats(arrays):
        return weights({name: np.asarray(array, np.float32) for name, array in arrays.items()})

    return ModelPair.of(floats(plain), floats(model), buffers=False)


def moved(pair):
    """The tensors that were multiplied."""
    return sorted(name for name, match in pair.matches.items() if match.how == "scales")


def check(pair, plain, rel=1e-4):
    """All numbers are the base's again."""
    for name, match in pair.matches.items():
        values, middle = pair.values(match)[1], slice(plain[name].size // 3, plain[name].size - 1)
        assert values.whole() == pytest.approx(plain[name], rel=rel, abs=1e-5), name
        assert values.numbers(middle.start, middle.stop) == pytest.approx(
            plain[name].reshape(-1)[middle], rel=rel, abs=1e-5
        )


def through_a_norm(rng, factors, *, width=WIDTH, rows=24):
    plain = {"l.0.norm.weight": rng.uniform(0.5, 2, width), "l.0.fc.weight": rng.normal(size=(rows, width))}
    model = {"l.0.norm.weight": plain["l.0.norm.weight"] / factors, "l.0.fc.weight": plain["l.0.fc.weight"] * factors}
    return plain, model


@pytest.mark.parametrize(("factor", "is_moved"), [(0.5, True), (0.98, True), (0.99, False), (1.01, False), (2, True)])
def test_one_factor_of_a_norm_is_taken_back_if_it_is_two_percent_from_one(rng, factor, is_moved):
    plain, model = through_a_norm(rng, factor)
    pair = paired(plain, model)
    assert moved(pair) == (sorted(plain) if is_moved else [])
    if is_moved:
        check(pair, plain)


@pytest.mark.parametrize(("width", "is_moved"), [(7, False), (8, True)])
def test_a_norm_has_at_least_eight_channels(rng, width, is_moved):
    plain, model = through_a_norm(rng, rng.uniform(0.5, 2, width), width=width)
    assert moved(paired(plain, model)) == (sorted(plain) if is_moved else [])


@pytest.mark.parametrize(("rows", "is_moved"), [(3, False), (4, True), (5, True)])
def test_a_layer_has_at_least_four_rows(rng, rows, is_moved):
    plain, model = through_a_norm(rng, rng.uniform(0.5, 2, WIDTH), rows=rows)
    assert moved(paired(plain, model)) == (sorted(plain) if is_moved else [])


@pytest.mark.parametrize("change", ["negative", "zero in the base", "zero in the model"])
def test_factors_that_are_not_above_zero_are_not_believed(rng, change):
    plain, model = through_a_norm(rng, rng.uniform(0.5, 2, WIDTH))
    if "negative" in change:
        model["l.0.norm.weight"][3] *= -1
    else:
        (plain if "base" in change else model)["l.0.norm.weight"][3] = 0
    assert "l.0.norm.weight" not in moved(paired(plain, model))


def test_a_norm_without_a_bias_and_one_of_another_width_beside_wide_layers(rng):
    factors = rng.uniform(0.6, 1.6, 600)
    plain, model = through_a_norm(rng, factors, width=600, rows=96)
    plain["l.0.other_norm.weight"] = rng.uniform(0.5, 2, 64)
    model["l.0.other_norm.weight"] = plain["l.0.other_norm.weight"] * 1.5
    pair = paired(plain, model)
    assert moved(pair) == ["l.0.fc.weight", "l.0.norm.weight"]


@pytest.mark.parametrize(("noise", "is_moved"), [(1.8, True), (2.5, False)])
def test_a_norm_is_believed_though_most_of_the_change_is_something_else(rng, noise, is_moved):
    """Its factor leaves n of a change of 1 + n, in units of what the factor alone changes; 80 % is the most."""
    factors = rng.uniform(0.8, 1.2, 1200)
    plain, model = through_a_norm(rng, factors, width=1200, rows=96)
    model["l.0.fc.weight"] += noise * np.std(factors) * rng.normal(size=(96, 1200))
    pair = paired(plain, model)
    assert moved(pair) == (sorted(plain) if is_moved else [])


def test_the_norm_of_a_block_comes_before_another_that_explains_as_much(rng):
    factors = rng.uniform(0.5, 2, WIDTH)
    plain, model = {}, {}
    for layer in (0, 1):
        plain |= {f"l.{layer}.norm.weight": np.ones(WIDTH), f"l.{layer}.fc.weight": rng.normal(size=(24, WIDTH))}
        model |= {
            f"l.{layer}.norm.weight": 1 / factors,
            f"l.{layer}.fc.weight": plain[f"l.{layer}.fc.weight"] * factors,
        }
    plain["norm.weight"], model["norm.weight"] = np.ones(WIDTH), (1 / factors) * 1.0001
    pair = paired(plain, model)
    assert moved(pair) == ["l.0.fc.weight", "l.0.norm.weight", "l.1.fc.weight", "l.1.norm.weight"]


def test_a_norm_of_no_block_gives_to_layers_of_any(rng):
    factors = rng.uniform(0.5, 2, WIDTH)
    plain = {
        "norm.weight": np.ones(WIDTH),
        "norm.bias": rng.normal(size=WIDTH),
        "l.0.fc.weight": rng.normal(size=(24, WIDTH)),
    }
    model = {
        "norm.weight": 1 / factors,
        "norm.bias": plain["norm.bias"] / factors,
        "l.0.fc.weight": plain["l.0.fc.weight"] * factors,
    }
    pair = paired(plain, model)
    assert moved(pair) == sorted(plain)
    check(pair, plain)


@pytest.mark.parametrize("order", [("c", "b", "a"), ("a", "b", "c"), ("b", "c", "a")])
def test_a_chain_of_layers_is_followed_until_nothing_changes(rng, order):
    """What b gave to c shows in b only once that is taken back which a gave to b."""
    strong, mild = np.exp(rng.uniform(-1.5, 1.5, WIDTH)), np.exp(rng.uniform(-0.15, 0.15, WIDTH))
    plain = {f"{name}.weight": rng.normal(size=(WIDTH, WIDTH)) for name in order}
    model = {
        "a.weight": plain["a.weight"] / strong[:, None],
        "b.weight": plain["b.weight"] * strong / mild[:, None],
        "c.weight": plain["c.weight"] * mild,
    }
    pair = paired(plain, {name: model[name] for name in plain})
    assert moved(pair) == sorted(plain)
    found = {name: pair.values(match)[1].whole() for name, match in pair.matches.items()}
    whole = [each["c.weight"] @ each["b.weight"] @ each["a.weight"] for each in (found, plain)]
    np.testing.assert_allclose(*whole, atol=1e-3)
    for name, numbers in found.items():
        change = [np.linalg.norm(each - plain[name]) / np.linalg.norm(plain[name]) for each in (numbers, model[name])]
        assert change[0] < 0.15 < 0.5 * change[1] or name == "c.weight"


def test_the_bias_of_the_layer_before_is_multiplied_too(rng):
    factors = np.exp(rng.uniform(-1, 1, 40))
    plain = {
        "a.weight": rng.normal(size=(40, WIDTH)),
        "a.bias": rng.normal(size=40),
        "b.weight": rng.normal(size=(12, 40)),
    }
    model = {
        "a.weight": (plain["a.weight"].T / factors).T,
        "a.bias": plain["a.bias"] / factors,
        "b.weight": plain["b.weight"] * factors,
    }
    pair = paired(plain, model)
    assert moved(pair) == sorted(plain)
    check(pair, plain)


def test_factors_between_convolutions(rng):
    factors = np.exp(rng.uniform(-1, 1, 12))
    plain = {"a.weight": rng.normal(size=(12, 3, 3, 3)), "b.weight": rng.normal(size=(10, 12, 3, 3))}
    model = {"a.weight": (plain["a.weight"].T / factors).T, "b.weight": plain["b.weight"] * factors[:, None, None]}
    pair = paired(plain, model)
    assert moved(pair) == ["a.weight", "b.weight"]
    check(pair, plain)
    values = pair.values(pair.matches["b.weight"])[1]
    assert values.numbers(100, 250) == pytest.approx(plain["b.weight"].reshape(-1)[100:250], rel=1e-4)


def test_a_layer_gives_to_one_other_alone(rng):
    """Two layers have the factors of one before them; undone for the first, they are no longer in the one before."""
    factors = np.exp(rng.uniform(-1, 1, WIDTH))
    plain = {
        "a.weight": rng.normal(size=(WIDTH, 9)),
        "b.weight": rng.normal(size=(12, WIDTH)),
        "c.weight": rng.normal(size=(14, WIDTH)),
    }
    model = {
        "a.weight": (plain["a.weight"].T / factors).T,
        "b.weight": plain["b.weight"] * factors,
        "c.weight": plain["c.weight"] * factors,
    }
    assert moved(paired(plain, model)) == ["a.weight", "b.weight"]


@pytest.mark.parametrize(("most", "is_moved"), [(3, True), (2, False)])
def test_in_very_large_blocks_no_layer_before_is_looked_for(rng, monkeypatch, most, is_moved):
    monkeypatch.setattr(module, "MOST", most)
    factors = np.exp(rng.uniform(-1, 1, WIDTH))
    plain = {
        "a.weight": rng.normal(size=(WIDTH, 9)),
        "b.weight": rng.normal(size=(12, WIDTH)),
        "other.bias": rng.normal(size=4),
    }
    model = plain | {"a.weight": (plain["a.weight"].T / factors).T, "b.weight": plain["b.weight"] * factors}
    assert moved(paired(plain, model)) == (["a.weight", "b.weight"] if is_moved else [])


@pytest.mark.parametrize(("miss", "is_moved"), [(1.05, True), (1.08, False)])
def test_the_layer_before_has_the_inverse_within_six_percent(rng, miss, is_moved):
    factors = np.exp(rng.uniform(-1, 1, WIDTH))
    plain = {"a.weight": rng.normal(size=(WIDTH, 9)), "b.weight": rng.normal(size=(12, WIDTH))}
    model = {"a.weight": (plain["a.weight"].T / factors).T * miss, "b.weight": plain["b.weight"] * factors}
    assert moved(paired(plain, model)) == (["a.weight", "b.weight"] if is_moved else [])


def test_of_two_layers_the_one_whose_inverse_is_closer_is_before(rng):
    factors = np.exp(rng.uniform(-1, 1, WIDTH))
    plain = {name: rng.normal(size=(WIDTH, 9)) for name in ("far.weight", "near.weight")} | {
        "b.weight": rng.normal(size=(12, WIDTH))
    }
    model = {
        "far.weight": (plain["far.weight"].T / factors).T * 1.04,
        "near.weight": (plain["near.weight"].T / factors).T * 1.001,
        "b.weight": plain["b.weight"] * factors,
    }
    assert moved(paired(plain, model)) == ["b.weight", "near.weight"]


@pytest.mark.parametrize("what", ["numbers that are not finite", "zeros", "integers", "another shape"])
def test_what_cannot_have_been_multiplied_stays(rng, what):
    plain, model = through_a_norm(rng, rng.uniform(0.5, 2, WIDTH))
    if "finite" in what:
        model["l.0.fc.weight"][1, 2] = np.inf
    elif "zeros" in what:
        plain["l.0.fc.weight"][:] = model["l.0.fc.weight"][:] = 0
    elif "shape" in what:
        model["l.0.fc.weight"] = model["l.0.fc.weight"][:-1]
    if "integers" in what:
        base = weights({name: array.astype(np.float32) for name, array in plain.items()})
        codes = {"l.0.norm.weight": model["l.0.norm.weight"].astype(np.float32)}
        codes["l.0.fc.weight"] = np.round(model["l.0.fc.weight"] * 30).astype(np.int8)
        assert moved(ModelPair.of(base, weights(codes), buffers=False)) == []
    else:
        assert moved(paired(plain, model)) == []


@pytest.mark.parametrize(("close", "is_moved"), [(0, False), (1e-9, True)])
def test_the_inverse_must_be_closer_than_what_it_may_miss(rng, monkeypatch, close, is_moved):
    """Powers of two multiply exactly, so that nothing is missed at all."""
    monkeypatch.setattr(module, "CLOSE", close)
    factors = 2.0 ** rng.integers(-2, 3, WIDTH)
    plain = {"a.weight": rng.normal(size=(WIDTH, 9)), "b.weight": rng.normal(size=(12, WIDTH))}
    plain = {name: array.astype(np.float32) for name, array in plain.items()}
    model = {"a.weight": plain["a.weight"] / factors[:, None], "b.weight": plain["b.weight"] * factors}
    assert moved(paired(plain, model)) == (["a.weight", "b.weight"] if is_moved else [])


@pytest.mark.parametrize(("size", "is_looked_at"), [(4095, True), (4096, False)])
def test_of_large_layers_a_few_rows_say_whether_to_look_at_more(rng, monkeypatch, size, is_looked_at):
    """Eight rows of noise say that there is no factor; fewer numbers than a limit say nothing."""
    monkeypatch.setattr(module, "GUESSED", 8 * 512 + 4096 - size)
    seen = []
    some_rows = module._some_rows
    monkeypatch.setattr(module, "_some_rows", lambda one: seen.append(one.own) or some_rows(one))
    plain = {"a.weight": rng.normal(size=(96, 512))}
    model = {"a.weight": plain["a.weight"] + rng.normal(size=(96, 512))}
    assert moved(paired(plain, model)) == []
    assert bool(seen) == is_looked_at
