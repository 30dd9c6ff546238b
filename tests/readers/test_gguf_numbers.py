"""What is taken for the converter's change of a number, and what for a change of the model, at the limits."""

import numpy as np
import pytest

from compress_compare.readers import gguf_conversion
from compress_compare.readers.pair import ModelPair

from .made import RNG, normal, weights

WIDTH = 16
DECAY = "backbone.layers.0.mixer.A_log"


def paired(hf, gguf, architecture="x", **notes):
    said = {"general.architecture": architecture, **{f"x.{key.replace('__', '.')}": n for key, n in notes.items()}}
    return ModelPair.of(weights(hf), weights(gguf, gguf=said), buffers=False)


def only(pair):
    (match,) = pair.matches.values()
    found = pair.values(match)[1]
    return match.how, None if found is None else found.whole()


@pytest.mark.parametrize(
    ("architecture", "how"), [("rwkv6", "unread"), ("rwkv7", "unread"), ("arwkv", "unread"), ("x", "gguf")]
)
@pytest.mark.parametrize(("own", "other"), [("time_mix_key", "attention.key"), ("channel_mix_key", "feed_forward.key")])
def test_what_a_converter_of_rwkv_scales_has_no_numbers(architecture, how, own, other):
    hf = {f"rwkv.blocks.0.{other}.weight": normal(WIDTH, WIDTH + 1)}
    found, _ = only(paired(hf, {f"blk.0.{own}.weight": next(iter(hf.values()))}, architecture))
    assert found == how


def test_the_rest_of_rwkv_has_numbers():
    hf = {"rwkv.blocks.0.ln1.weight": normal(WIDTH)}
    assert only(paired(hf, {"blk.0.attn_norm.weight": next(iter(hf.values()))}, "rwkv6"))[0] == "gguf"


@pytest.mark.parametrize(("steps", "is_same"), [(1, True), (3, True), (4, False), (6, False)])
def test_a_logarithm_is_the_other_number_within_four_parts_in_ten_million(steps, is_same):
    hf = {DECAY: np.zeros((WIDTH, 1), np.float32)}
    stored = np.full((WIDTH, 1), -1 - steps * 2.0**-23, np.float32)  # of 0 the logarithm is steps · 1.19e-7
    how, found = only(paired(hf, {"blk.0.ssm_a": stored}))
    assert how == "gguf values"
    assert found == (pytest.approx(0, abs=0) if is_same else pytest.approx(steps * 2.0**-23, rel=1e-5))


@pytest.mark.parametrize(("difference", "is_same"), [(1.5e-6, True), (3e-6, False)])
def test_larger_numbers_may_differ_by_more(difference, is_same):
    hf = {DECAY: np.full((WIDTH, 1), 4, np.float32)}  # 4e-7 · (1 + 4) = 2e-6
    stored = -np.exp(hf[DECAY].astype(np.float64) + difference).astype(np.float32)
    _, found = only(paired(hf, {"blk.0.ssm_a": stored}))
    assert (found == 4).all() == is_same and found == pytest.approx(4, abs=5e-6)


def test_a_decay_that_changed_is_the_logarithm_of_what_is_stored():
    hf = {DECAY: normal(WIDTH, 4)}
    how, found = only(paired(hf, {"blk.0.ssm_a": -np.exp(hf[DECAY] + 0.25)}))
    assert how == "gguf values" and found == pytest.approx(hf[DECAY] + 0.25, abs=1e-5)


@pytest.mark.parametrize(("noise", "how"), [(0.1, "gguf values"), (0.31, "gguf values"), (0.32, "gguf"), (2.0, "gguf")])
def test_an_addend_is_taken_off_where_this_brings_a_norm_clearly_closer(noise, how):
    """To less than three tenths of the distance: noise² / (1 + noise²) is 0.09 at a noise of 0.3145."""
    hf = {"model.norm.weight": normal(64)}
    stored = (hf["model.norm.weight"] + 1 + noise * np.tile([1, -1], 32)).astype(np.float32)
    found, numbers = only(paired(hf, {"output_norm.weight": stored}))
    assert found == how and numbers == pytest.approx(stored - (1 if how == "gguf values" else 0), abs=1e-6)


def test_only_norms_have_an_addend():
    hf = {"model.layers.0.mlp.up_proj.weight": normal(4, WIDTH), "model.layers.0.mlp.up_proj.bias": normal(WIDTH)}
    gguf = {"blk.0.ffn_up.weight": normal(4, WIDTH), "blk.0.ffn_up.bias": hf["model.layers.0.mlp.up_proj.bias"] + 1}
    pair = paired(hf, gguf)
    assert {match.how for match in pair.matches.values()} == {"gguf"}
    table = {"backbone.layers.0.mixer.norm.weight": normal(2, WIDTH)}  # a norm for each group is no list of channels
    added = {"blk.0.ssm_norm.weight": next(iter(table.values())) + 1}
    assert only(paired(table, added))[0] == "gguf"


def test_a_norm_of_groups_in_one_row_is_that_in_several():
    hf = {"backbone.layers.0.mixer.norm.weight": normal(2 * WIDTH)}
    stored = {"blk.0.ssm_norm.weight": hf["backbone.layers.0.mixer.norm.weight"].reshape(2, WIDTH)}
    how, found = only(paired(hf, stored))
    assert how == "gguf" and np.array_equal(found, next(iter(hf.values())))


def test_rows_stay_where_another_order_is_not_clearly_closer():
    hf = {"transformer.h.0.self_attention.query_key_value.weight": normal(48, WIDTH)}
    how, found = only(paired(hf, {"blk.0.attn_qkv.weight": normal(48, WIDTH)}, "bloom", attention__head_count=4))
    assert how == "gguf"
    how, _ = only(paired(hf, {"blk.0.attn_qkv.weight": next(iter(hf.values()))}, "bloom", attention__head_count=4))
    assert how == "gguf" and found.shape == (48, WIDTH)


@pytest.mark.parametrize("architecture", ["bloom", "falcon", "gptneox", "x"])
@pytest.mark.parametrize("heads", [None, 5, 0, "4"])
def test_rows_of_heads_that_are_not_said_are_known_only_of_other_architectures(architecture, heads):
    hf = {"transformer.h.0.self_attention.query_key_value.weight": normal(48, WIDTH)}
    notes = {} if heads is None else {"attention__head_count": heads}
    how, _ = only(paired(hf, {"blk.0.attn_qkv.weight": next(iter(hf.values()))}, architecture, **notes))
    assert how == ("gguf" if architecture == "x" else "unread")


SAID = {"group_count": 2, "time_step_rank": 6, "state_size": 4, "inner_size": 48}


@pytest.mark.parametrize(
    "wrong",
    [
        {}, {"group_count": 6}, {"time_step_rank": 5}, {"inner_size": 49}, {"state_size": 0}, {"group_count": 0},
        {"inner_size": 0}, {"time_step_rank": 0}, {"inner_size": 96},
    ],
)  # fmt: skip
def test_value_heads_are_put_in_order_where_all_sizes_are_said(wrong):
    start = "model.layers.0.linear_attn"
    hf = {f"{start}.in_proj_z.weight": normal(48, WIDTH)}
    order = np.arange(48).reshape(2, 3, 8).swapaxes(0, 1).reshape(-1)  # two keys with three heads of eight rows each
    gguf = {"blk.0.attn_gate.weight": hf[f"{start}.in_proj_z.weight"][order]}
    how, found = only(paired(hf, gguf, **{f"ssm__{key}": size for key, size in (SAID | wrong).items()}))
    assert how == ("gguf" if wrong else "gguf rows")
    assert np.array_equal(found, next(iter((gguf if wrong else hf).values())))


def test_a_row_for_each_head_and_columns_are_put_in_order_too():
    start = "model.layers.0.linear_attn"
    heads = np.arange(6).reshape(2, 3).T.reshape(-1)
    columns = np.arange(48).reshape(2, 3, 8).swapaxes(0, 1).reshape(-1)
    rows = np.concatenate([np.arange(16), 16 + columns])  # 2 · 2 keys of state size 4 come before
    hf = {
        f"{start}.in_proj_a.weight": normal(6, WIDTH),
        f"{start}.out_proj.weight": normal(WIDTH, 48),
        f"{start}.conv1d.weight": normal(64, 4),
    }
    gguf = {
        "blk.0.ssm_alpha.weight": hf[f"{start}.in_proj_a.weight"][heads],
        "blk.0.ssm_out.weight": hf[f"{start}.out_proj.weight"][:, columns],
        "blk.0.ssm_conv1d.weight": hf[f"{start}.conv1d.weight"][rows],
    }
    pair = paired(hf, gguf, **{f"ssm__{key}": size for key, size in SAID.items()})
    for name, match in pair.matches.items():
        values = pair.values(match)[1]
        assert match.how == "gguf rows" and np.array_equal(values.whole(), hf[name])
        assert np.array_equal(values.numbers(7, 23), hf[name].reshape(-1)[7:23])


def test_both_of_gguf_or_neither_stay_as_they_are():
    one, other = weights({"a.weight": normal(4, 4)}), weights({"b.weight": normal(4, 4)})
    assert gguf_conversion.undone(one, other) == (one, other)
    both = [weights({"output_norm.weight": RNG.normal(size=8).astype(np.float32)}, gguf={}) for _ in range(2)]
    assert gguf_conversion.undone(*both) == tuple(both)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("is_stored", [True, False])
def test_nothing_is_taken_off_a_norm_whose_distance_is_not_known(number, is_stored):
    weight, stored = normal(64), normal(64)
    (stored if is_stored else weight)[3] = number
    how, found = only(paired({"model.norm.weight": weight}, {"output_norm.weight": stored}))
    assert how == "gguf" and np.array_equal(found, stored, equal_nan=True)
