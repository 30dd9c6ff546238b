"""Factors that moved between layers: what is compared is the product, and no norm is blamed for them."""

import numpy as np
import pytest

from compress_compare.comparisons.layers.compare import compare
from compress_compare.readers.migrated import migrated
from compress_compare.readers.pair import ModelPair
from tests.counting import at_most

from .made import RNG, normal, weights

WIDTH = 16


def block(bias=False):
    found = {"layers.0.input_layernorm.weight": RNG.uniform(0.5, 2, WIDTH).astype(np.float32)}
    if bias:
        found["layers.0.input_layernorm.bias"] = normal(WIDTH)
    found |= {f"layers.0.self_attn.{each}_proj.weight": normal(24, WIDTH) for each in "qkv"}
    found |= {"layers.0.mlp.up_proj.weight": normal(40, WIDTH), "layers.0.mlp.down_proj.weight": normal(WIDTH, 40)}
    return found


def moved(plain, factors):
    """As AWQ and SmoothQuant do it."""
    found = dict(plain)
    for end in ("weight", "bias"):
        if f"layers.0.input_layernorm.{end}" in found:
            found[f"layers.0.input_layernorm.{end}"] = plain[f"layers.0.input_layernorm.{end}"] / factors
    return found | {name: array * factors for name, array in plain.items() if "self_attn" in name}


def rounded(array, bits):
    scale = np.abs(array).max(1, keepdims=True) / (2 ** (bits - 1) - 1)
    return (np.round(array / scale) * scale).astype(np.float32)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("wrapper", ["", "model."])
def test_what_a_norm_gave_its_layers_is_taken_back(bias, wrapper):
    plain = block(bias)
    model = moved(plain, RNG.uniform(0.5, 2, WIDTH).astype(np.float32))
    pair = ModelPair.of(
        weights(plain), weights({f"{wrapper}{name}": array for name, array in model.items()}), buffers=False
    )
    for name, match in pair.matches.items():
        first, second = pair.values(match)
        assert second.whole() == pytest.approx(first.whole(), rel=1e-5), name
        assert (match.how == "scales") == ("norm" in name or "self_attn" in name)


@pytest.mark.parametrize("bits", [8, 4, 3])
def test_rounding_is_told_apart_from_the_factor(bits):
    plain = block()
    factors = RNG.uniform(0.5, 2, WIDTH).astype(np.float32)
    model = moved(plain, factors)
    model |= {name: rounded(array, bits) for name, array in model.items() if array.ndim == 2}
    found = compare(weights(plain), {"m": weights(model)}, what="weights", base_id="b")
    rows = {f"{row['module']}.{row['parameter']}": row for row in found.table.to_pylist()}
    for name, array in plain.items():
        used = model[name] / factors if "self_attn" in name else array if array.ndim == 1 else model[name]
        expected = np.linalg.norm(used - array) / np.linalg.norm(array)
        assert rows[name]["relative_error"] == pytest.approx(expected, rel=1e-3, abs=1e-6), name
    assert not any("norm" in row["module"] for row in found.suspects.to_pylist())


def test_a_norm_that_was_folded_whole():
    plain = block()
    scale = plain["layers.0.input_layernorm.weight"]
    pair = ModelPair.of(weights(plain), weights(moved(plain, scale)), buffers=False)
    assert pair.matches["layers.0.self_attn.q_proj.weight"].how == "scales"
    first, second = pair.values(pair.matches["layers.0.input_layernorm.weight"])
    assert second.whole() == pytest.approx(first.whole())


def test_factors_between_two_layers():
    plain = block()
    factors = RNG.uniform(0.3, 3, 40).astype(np.float32)
    up, down = "layers.0.mlp.up_proj.weight", "layers.0.mlp.down_proj.weight"
    model = plain | {up: plain[up] / factors[:, None], down: plain[down] * factors}
    pair = ModelPair.of(weights(plain), weights(model), buffers=False)
    for name in (up, down):
        first, second = pair.values(pair.matches[name])
        assert pair.matches[name].how == "scales"
        assert second.whole() == pytest.approx(first.whole(), rel=1e-4)


@pytest.mark.parametrize("kind", ["norm alone", "columns alone", "noise", "training", "pruned"])
def test_a_change_that_nothing_undoes_stays(kind):
    plain = block()
    factors = RNG.uniform(0.5, 2, WIDTH).astype(np.float32)
    whole = moved(plain, factors)
    model = {
        "norm alone": plain | {name: array for name, array in whole.items() if "norm" in name},
        "columns alone": plain | {name: array for name, array in whole.items() if "self_attn" in name},
        "noise": {name: array + 0.3 * normal(*array.shape) for name, array in plain.items()},
        "training": {name: array * 1.3 for name, array in plain.items()},
        "pruned": {name: np.where(np.abs(array) < 0.3, 0, array) for name, array in plain.items()},
    }[kind]
    pair = ModelPair.of(weights(plain), weights(model), buffers=False)
    assert {match.how for match in pair.matches.values()} == {"name"}


def test_codes_without_a_scale_are_not_multiplied():
    plain = {"a.weight": normal(64, 32)}
    codes = np.round(plain["a.weight"] * 40).clip(-127, 127).astype(np.int8)
    pair = ModelPair.of(weights(plain), weights({"a.weight": codes}), buffers=False)
    assert pair.matches["a.weight"].how == "unread"


@pytest.mark.parametrize(
    ("through", "change"),
    [
        *((each, change) for each in ("norm", "up") for change in ("nothing else", "4 bits", "first rows dead")),
        *(("norm", change) for change in ("3 bits", "pruned by half")),
    ],
)
def test_a_few_rows_of_wide_layers_do_not_hide_it(through, change):
    before, down = f"layers.0.{through}.weight", "layers.0.down.weight"
    plain = {before: normal(600, 64) if through == "up" else RNG.uniform(0.5, 2, 600), down: normal(96, 600)}
    plain = {name: array.astype(np.float32) for name, array in plain.items()}
    if "dead" in change:
        plain[down][:8] = 0
    factors = RNG.uniform(0.6, 1.6, 600).astype(np.float32)
    model = {before: (plain[before].T / factors).T, down: plain[down] * factors}
    if "bits" in change:
        model[down] = rounded(model[down], int(change[0]))
    if "half" in change:
        model[down][np.abs(model[down]) < 0.6745] = 0
    pair = ModelPair.of(weights(plain), weights(model), buffers=False)
    assert {match.how for match in pair.matches.values()} == {"scales"}
    _, found = pair.values(pair.matches[down])
    assert np.linalg.norm(found.whole() - model[down] / factors) < 0.1 * np.linalg.norm(plain[down])


def test_looking_for_factors_takes_each_block_once():
    plain = {f"blocks.{k}.fc.weight": normal(16, WIDTH) for k in range(400)}
    scaled = {name: array / 2 for name, array in plain.items()}
    with at_most(lines=400 * 400):
        migrated(weights(plain), weights(scaled))


def test_one_factor_for_all_channels_does_not_say_which_layer_has_its_inverse():
    plain = {"a.weight": normal(32, WIDTH), "a.bias": normal(32), "b.weight": normal(20, 32), "c.weight": normal(9, 20)}
    model = {"a.weight": plain["a.weight"] / 1.7, "b.weight": plain["b.weight"] * 1.75, "c.weight": plain["c.weight"]}
    model = {name: array.astype(np.float32) for name, array in {**plain, **model}.items()}
    pair = ModelPair.of(weights(plain), weights(model), buffers=False)
    assert {match.how for match in pair.matches.values()} == {"name"}
    for name, match in pair.matches.items():
        assert np.array_equal(pair.values(match)[1].whole(), model[name])


@pytest.mark.parametrize("bits", [None, 8, 4])
def test_a_layer_that_takes_from_a_norm_and_gives_to_a_layer(bits):
    """AWQ moves factors from the norm to up_proj and v_proj, and from these to down_proj and o_proj."""
    plain = block() | {"layers.0.post_attention_layernorm.weight": RNG.uniform(0.5, 2, WIDTH).astype(np.float32)}
    first, second, third, fourth = (RNG.uniform(0.5, 2, size).astype(np.float32) for size in (WIDTH, 24, WIDTH, 40))
    model = moved(plain, first)
    plain["layers.0.self_attn.o_proj.weight"] = normal(WIDTH, 24)
    model["layers.0.self_attn.v_proj.weight"] /= second[:, None]
    model["layers.0.self_attn.o_proj.weight"] = plain["layers.0.self_attn.o_proj.weight"] * second
    model["layers.0.post_attention_layernorm.weight"] = plain["layers.0.post_attention_layernorm.weight"] / third
    model["layers.0.mlp.up_proj.weight"] = plain["layers.0.mlp.up_proj.weight"] * third / fourth[:, None]
    model["layers.0.mlp.down_proj.weight"] = plain["layers.0.mlp.down_proj.weight"] * fourth
    if bits is not None:
        model |= {name: rounded(array, bits) for name, array in model.items() if array.ndim == 2}
    pair = ModelPair.of(weights(plain), weights(model), buffers=False)
    assert {match.how for match in pair.matches.values()} == {"scales"}
    for name, match in pair.matches.items():
        found = pair.values(match)[1].whole()
        error = np.linalg.norm(found - plain[name]) / np.linalg.norm(plain[name])
        assert error < {None: 1e-5, 8: 0.02, 4: 0.25}[bits], name
