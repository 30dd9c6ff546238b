"""What llama.cpp's converter makes of numbers and rows, undone beside the checkpoint that it came from.

The expected files are written as that converter describes its steps, with NumPy.
"""

import numpy as np
import pytest

from compress_compare.readers.pair import ModelPair

from .made import normal, weights

HEADS, SIZE, WIDTH = 4, 8, 16


def check(hf, gguf, rules, **notes):
    """Both ways round, every number is the other file's, by these rules."""
    notes = {f"x.{key.replace('__', '.')}": value for key, value in notes.items()} | {
        "general.architecture": notes.get("architecture", "x")
    }
    pair = ModelPair.of(weights(hf), weights(gguf, gguf=notes), buffers=False)
    assert {name: match.how for name, match in pair.matches.items()} == rules
    for name, match in pair.matches.items():
        first, second = pair.values(match)
        assert np.array_equal(first.whole(), hf[name]), name
        assert np.array_equal(second.whole(), hf[name]), name
    back = ModelPair.of(weights(gguf, gguf=notes), weights(hf), buffers=False)
    assert sorted(match.how for match in back.matches.values()) == sorted(rules.values())
    for match in back.matches.values():
        assert np.array_equal(*(values.whole() for values in back.values(match)))


@pytest.mark.parametrize("addend", [1, 1 / 5, 1 / 5**1.5])
def test_a_norm_to_which_the_converter_adds_is_the_same_norm(addend):
    hf = {
        "model.norm.weight": normal(WIDTH) * 0.3,
        "model.layers.0.input_layernorm.weight": normal(WIDTH) * 0.3,
        "model.layers.0.mlp.up_proj.weight": normal(2 * WIDTH, WIDTH),
    }
    gguf = {
        "output_norm.weight": hf["model.norm.weight"] + np.float32(addend),
        "blk.0.attn_norm.weight": hf["model.layers.0.input_layernorm.weight"] + np.float32(addend),
        "blk.0.ffn_up.weight": hf["model.layers.0.mlp.up_proj.weight"],
    }
    check(hf, gguf, dict(zip(hf, ["gguf values", "gguf values", "gguf"], strict=True)))


def test_a_norm_that_only_changed_keeps_its_change():
    hf = {"model.norm.weight": 1 + normal(WIDTH) * 0.1}
    gguf = {"output_norm.weight": hf["model.norm.weight"] + np.float32(0.3)}
    pair = ModelPair.of(weights(hf), weights(gguf, gguf={"general.architecture": "llama"}), buffers=False)
    (match,) = pair.matches.values()
    assert match.how == "gguf"
    assert np.allclose(pair.values(match)[1].whole(), gguf["output_norm.weight"])


@pytest.mark.parametrize("architecture", ["gptneox", "bloom"])
def test_queries_keys_and_values_head_by_head_are_those_one_after_the_other(architecture):
    name = "gpt_neox.layers.0.attention" if architecture == "gptneox" else "transformer.h.0.self_attention"
    weight, bias = normal(3 * HEADS * SIZE, WIDTH), normal(3 * HEADS * SIZE)
    hf = {f"{name}.query_key_value.weight": weight, f"{name}.query_key_value.bias": bias}
    parts = {"weight": weight.reshape(HEADS, 3, SIZE, WIDTH), "bias": bias.reshape(HEADS, 3, SIZE)}
    gguf = {
        f"blk.0.attn_qkv.{end}": np.concatenate([part[:, at].reshape(-1, *part.shape[3:]) for at in range(3)])
        for end, part in parts.items()
    }
    check(hf, gguf, dict.fromkeys(hf, "gguf rows"), architecture=architecture, attention__head_count=HEADS)


def test_falcon_keeps_keys_and_values_behind_the_queries_that_use_them():
    groups = 2
    weight = normal((HEADS + 2 * groups) * SIZE, WIDTH)
    hf = {"transformer.h.0.self_attention.query_key_value.weight": weight}
    part = weight.reshape(groups, HEADS // groups + 2, SIZE, WIDTH)
    whole = [part[:, :-2], part[:, [-2]], part[:, [-1]]]
    gguf = {"blk.0.attn_qkv.weight": np.concatenate([each.reshape(-1, WIDTH) for each in whole])}
    said = {"attention__head_count": HEADS, "attention__head_count_kv": groups}
    check(hf, gguf, dict.fromkeys(hf, "gguf rows"), architecture="falcon", **said)


def test_without_the_number_of_heads_there_are_no_numbers():
    hf = {"gpt_neox.layers.0.attention.query_key_value.weight": normal(3 * HEADS * SIZE, WIDTH)}
    gguf = {"blk.0.attn_qkv.weight": normal(3 * HEADS * SIZE, WIDTH)}
    pair = ModelPair.of(weights(hf), weights(gguf, gguf={"general.architecture": "gptneox"}), buffers=False)
    assert [match.how for match in pair.matches.values()] == ["unread"]
    assert "order of rows" in " ".join(pair.notes())


def test_mamba_stores_the_exponential_of_its_decay_and_a_convolution_without_its_middle():
    start = "backbone.layers.0.mixer"
    hf = {
        f"{start}.A_log": np.log(1 + np.abs(normal(WIDTH, 4))),
        f"{start}.conv1d.weight": normal(WIDTH, 1, 4),
        f"{start}.D": normal(WIDTH),
    }
    gguf = {
        "blk.0.ssm_a": -np.exp(hf[f"{start}.A_log"]),
        "blk.0.ssm_conv1d.weight": hf[f"{start}.conv1d.weight"][:, 0],
        "blk.0.ssm_d": hf[f"{start}.D"],
    }
    pair = ModelPair.of(weights(hf), weights(gguf, gguf={"general.architecture": "mamba"}), buffers=False)
    assert [match.how for match in pair.matches.values()] == ["gguf values", "gguf", "gguf"]
    for name, match in pair.matches.items():
        assert np.array_equal(pair.values(match)[1].whole(), hf[name])
    assert pair.notes() == []


def test_value_heads_of_linear_attention_stand_in_another_order():
    keys, heads, size, inner = 2, 6, 4, 6 * 8
    start, rows = "model.layers.0.linear_attn", 2 * keys * size + inner
    hf = {
        f"{start}.in_proj_qkv.weight": normal(rows, WIDTH),
        f"{start}.in_proj_z.weight": normal(inner, WIDTH),
        f"{start}.A_log": np.log(1 + np.abs(normal(heads))),
        f"{start}.out_proj.weight": normal(WIDTH, inner),
    }

    def tiled(array, axis, width):
        shape = array.shape
        split = array.reshape(*shape[:axis], keys, heads // keys, width, *shape[axis + 1 :])
        return np.ascontiguousarray(split.swapaxes(axis, axis + 1)).reshape(shape)

    whole = hf[f"{start}.in_proj_qkv.weight"]
    gguf = {
        "blk.0.attn_qkv.weight": np.concatenate([whole[:-inner], tiled(whole[-inner:], 0, 8)]),
        "blk.0.attn_gate.weight": tiled(hf[f"{start}.in_proj_z.weight"], 0, 8),
        "blk.0.ssm_a": tiled(-np.exp(hf[f"{start}.A_log"]), 0, 1),
        "blk.0.ssm_out.weight": tiled(hf[f"{start}.out_proj.weight"], 1, 8),
    }
    said = {"ssm.group_count": keys, "ssm.time_step_rank": heads, "ssm.state_size": size, "ssm.inner_size": inner}
    notes = {f"qwen35.{key}": value for key, value in said.items()} | {"general.architecture": "qwen35"}
    pair = ModelPair.of(weights(hf), weights(gguf, gguf=notes), buffers=False)
    assert all(match.how in ("gguf rows", "gguf values") for match in pair.matches.values()), pair.matches
    for name, match in pair.matches.items():
        assert np.allclose(pair.values(match)[1].whole(), hf[name], rtol=1e-6, atol=0), name


def test_the_same_numbers_without_a_dimension_of_one_are_compared():
    base = {"conv.weight": normal(8, 4, 1, 1), "gate.weight": normal(1, 16), "up.weight": normal(8, 16)}
    model = {
        "conv.weight": base["conv.weight"].reshape(8, 4),
        "gate.weight": base["gate.weight"].reshape(16),
        "up.weight": base["up.weight"],
    }
    pair = ModelPair.of(weights(base), weights(model), buffers=False)
    assert {match.how for match in pair.matches.values()} == {"name"}
    for match in pair.matches.values():
        assert np.array_equal(*(values.whole() for values in pair.values(match)))
