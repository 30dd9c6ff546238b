"""Fused projections and experts in one tensor beside checkpoints that have them apart, both ways round."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_compare.analysis.layers.values import Values
from compress_compare.readers.assembled import _in_a_row
from compress_compare.readers.pair import ModelPair
from compress_compare.readers.weights import Weights

from .made import normal, weights

HIDDEN, SMALL = 6, 2


def checkpoint(layers=2):
    found = {}
    for at in range(layers):
        start = f"model.layers.{at}"
        found |= {
            f"{start}.self_attn.{each}_proj.weight": normal(rows, HIDDEN)
            for each, rows in (("q", 6), ("k", 2), ("v", 2))
        }
        found |= {f"{start}.self_attn.{each}_proj.bias": normal(rows) for each, rows in (("q", 6), ("k", 2), ("v", 2))}
        found |= {f"{start}.mlp.{each}_proj.weight": normal(8, HIDDEN) for each in ("gate", "up")}
        found[f"{start}.mlp.down_proj.weight"] = normal(HIDDEN, 8)
    return found


def fused(plain, layers=2):
    found = dict(plain)
    for at in range(layers):
        start = f"model.layers.{at}"
        for end in ("weight", "bias"):
            found[f"{start}.self_attn.qkv_proj.{end}"] = np.concatenate(
                [found.pop(f"{start}.self_attn.{each}_proj.{end}") for each in "qkv"]
            )
        found[f"{start}.mlp.gate_up_proj.weight"] = np.concatenate(
            [found.pop(f"{start}.mlp.{each}_proj.weight") for each in ("gate", "up")]
        )
    return found


def equal(base, model, rule, count):
    """The pair, of which every tensor of the base must be found with the very same numbers."""
    pair = ModelPair.of(base, model, buffers=False)
    assert set(pair.matches) == set(base.tensors)
    for name, match in pair.matches.items():
        first, second = pair.values(match)
        assert np.array_equal(first.whole(), second.whole()), name
        assert np.array_equal(second.numbers(1, second.count - 1), second.whole().reshape(-1)[1:-1])
    assert sum(match.how == rule for match in pair.matches.values()) == count
    assert pair.notes() == []
    return pair


@pytest.mark.parametrize("wrapper", ["", "module."])
def test_projections_fused_in_the_model_or_in_the_base(wrapper):
    apart = checkpoint()
    together = fused(apart)
    renamed = [weights({f"{wrapper}{name}": array for name, array in one.items()}) for one in (apart, together)]
    pair = equal(weights(apart), renamed[1], "projections", 16)
    assert sum(stored.num_bytes for stored in pair.model.tensors.values()) == sum(a.nbytes for a in apart.values())
    equal(weights(together), renamed[0], "projections", 6)


def test_projections_that_stand_the_other_way_round():
    apart = {f"h.attn.{each}_proj.weight": normal(4, 4) for each in "qkv"}
    together = {"h.attn.c_attn.weight": np.concatenate(list(apart.values())).T.copy()}
    equal(weights(apart), weights(together), "projections", 3)
    pair = ModelPair.of(weights(together), weights(apart), buffers=False)
    first, second = pair.values(pair.matches["h.attn.c_attn.weight"])
    assert np.array_equal(first.whole(), second.whole())


def test_rows_that_are_interleaved_by_head_are_undone_only_where_the_configuration_names_the_architecture():
    apart = {f"h.attention.{each}.weight": normal(8, 8) for each in ("query", "key", "value")}
    rows = [part[4 * head : 4 * head + 4] for head in range(2) for part in apart.values()]
    together = {"h.attention.query_key_value.weight": np.concatenate(rows)}
    config = {"model_type": "gpt_neox", "num_attention_heads": 2}
    equal(weights(apart), weights(together, model_config=config), "projections", 3)
    pair = ModelPair.of(weights(apart), weights(together), buffers=False)
    assert {match.how for match in pair.matches.values()} == {"base only", "model only"}
    assert any("config.json" in note for note in pair.notes())


def experts(names, count=3, prefix="model.layers.0.mlp"):
    gate, up, down = names
    shapes = {gate: (4, 6), up: (4, 6), down: (6, 4)}
    return {f"{prefix}.experts.{at}.{each}.weight": normal(*shapes[each]) for at in range(count) for each in names}


def stacked(apart, names, count=3):
    prefix = "model.layers.0.mlp.experts"
    find = {name.split("experts.")[1]: array for name, array in apart.items()}
    gate, up, down = ([find[f"{at}.{each}.weight"] for at in range(count)] for each in names)
    return {
        f"{prefix}.gate_up_proj": np.stack([np.concatenate(pair) for pair in zip(gate, up, strict=True)]),
        f"{prefix}.down_proj": np.stack(down),
    }


@pytest.mark.parametrize(
    ("names", "prefix"),
    [
        (("gate_proj", "up_proj", "down_proj"), "model.layers.0.mlp"),
        (("w1", "w3", "w2"), "model.layers.0.block_sparse_moe"),
    ],
)
def test_experts_in_one_tensor_or_in_many(names, prefix):
    apart = experts(names, prefix=prefix)
    together = stacked(apart, names)
    equal(weights(apart), weights(together), "experts", 9)
    equal(weights(together), weights(apart), "experts", 2)
    turned = {name: np.swapaxes(array, 1, 2).copy() for name, array in together.items()}
    equal(weights(apart), weights(turned), "experts", 9)


def test_gate_and_up_that_alternate_row_by_row():
    names = ("gate_proj", "up_proj", "down_proj")
    apart = experts(names)
    together = stacked(apart, names)
    whole = together["model.layers.0.mlp.experts.gate_up_proj"]
    mixed = whole.reshape(3, 2, 4, 6).swapaxes(1, 2).reshape(3, 8, 6)
    equal(weights(apart), weights({**together, "model.layers.0.mlp.experts.gate_up_proj": mixed}), "experts", 9)


def test_experts_of_a_gguf_file():
    names = ("gate_proj", "up_proj", "down_proj")
    apart = experts(names)
    whole = {
        f"blk.0.ffn_{each}_exps.weight": np.stack(
            [apart[f"model.layers.0.mlp.experts.{at}.{each}_proj.weight"] for at in range(3)]
        )
        for each in ("gate", "up", "down")
    }
    equal(weights(apart), weights(whole, gguf={"general.architecture": "qwen3moe"}), "experts", 9)


def test_what_does_not_fit_stays_as_it_is():
    apart = checkpoint(1)
    together = fused(apart, 1) | {"model.layers.0.self_attn.qkv_proj.weight": normal(9, HIDDEN)}
    pair = ModelPair.of(weights(apart), weights(together), buffers=False)
    assert pair.matches["model.layers.0.self_attn.q_proj.weight"].how == "base only"
    gap = experts(("gate_proj", "up_proj", "down_proj"))
    del gap["model.layers.0.mlp.experts.1.up_proj.weight"]
    kept = ModelPair.of(weights(stacked(experts(("a", "b", "c")), ("a", "b", "c"))), weights(gap), buffers=False)
    assert kept.matches["model.layers.0.mlp.experts.gate_up_proj"].how == "base only"


@given(st.lists(st.sampled_from(["q", "k", "v", "gate", "up", "down", "qkv", "gate_up"]), unique=True, min_size=1),
       st.booleans())  # fmt: skip
def test_no_tensor_is_paired_twice_and_none_is_lost(parts, swap):
    whole = checkpoint(1)
    every = {**whole, **fused(whole, 1)}
    some = {name: array for name, array in every.items() if any(f".{part}_proj" in name for part in parts)}
    sides = (weights(some), weights(every)) if swap else (weights(every), weights(some))
    pair = ModelPair.of(*sides, buffers=False)
    for side, sources in (("base", pair.base), ("model", pair.model)):
        named = [getattr(match, side) for match in pair.matches.values() if getattr(match, side) is not None]
        assert sorted(named) == sorted(sources.tensors)
    assert isinstance(pair.model, Weights)


def compared(base, model, how):
    """Each number of the model stands beside the one of the base that it is."""
    pair = ModelPair.of(base, model, buffers=False)
    assert {match.how for match in pair.matches.values()} == how
    for match in pair.matches.values():
        assert np.array_equal(*(values.whole() for values in pair.values(match))), match
    assert pair.notes() == []


@pytest.mark.parametrize("takes_turns", [False, True])
def test_gate_and_up_of_all_experts_in_one_tensor_each(takes_turns):
    gate, up = normal(4, 6, 10), normal(4, 6, 10)
    name = "model.layers.0.mlp.switch_mlp"
    apart = weights({f"{name}.gate_proj.weight": gate, f"{name}.up_proj.weight": up})
    both = np.stack([gate, up], 2).reshape(4, 12, 10) if takes_turns else np.concatenate([gate, up], 1)
    one = weights({f"{name}.gate_up_proj.weight": both})
    compared(apart, one, {"projections"})
    compared(one, apart, {"projections"})


@pytest.mark.parametrize("takes_turns", [False, True])
def test_experts_of_gpt_oss_and_llama_4_beside_their_gguf_file(takes_turns):
    gate, up, down = normal(4, 6, 10), normal(4, 6, 10), normal(4, 10, 6)
    both = np.stack([gate, up], 2).reshape(4, 12, 10) if takes_turns else np.concatenate([gate, up], 1)
    name = "model.layers.0.mlp.experts"
    one = weights({f"{name}.gate_up_proj": both.swapaxes(1, 2).copy(), f"{name}.down_proj": down.swapaxes(1, 2).copy()})
    parts = {"gate": gate, "up": up, "down": down}
    gguf = weights(
        {f"blk.0.ffn_{part}_exps.weight": array for part, array in parts.items()},
        gguf={"general.architecture": "gpt-oss"},
    )
    compared(one, gguf, {"projections", "transposed"})
    compared(gguf, one, {"projections", "transposed"})


def test_experts_one_by_one_beside_gpt_oss():
    gate, up = normal(4, 6, 10), normal(4, 6, 10)
    name = "model.layers.0.mlp.experts"
    apart = {f"{name}.{at}.gate_proj.weight": gate[at] for at in range(4)}
    apart |= {f"{name}.{at}.up_proj.weight": up[at] for at in range(4)}
    one = {f"{name}.gate_up_proj": np.stack([gate, up], 2).reshape(4, 12, 10).swapaxes(1, 2).copy()}
    compared(weights(one), weights(apart), {"experts"})


def test_experts_under_the_names_that_mixtral_had():
    part = {"w1": normal(6, 10), "w3": normal(6, 10), "w2": normal(10, 6)}
    now = dict(zip(part, ("gate_proj", "up_proj", "down_proj"), strict=True))
    base = {f"model.layers.0.mlp.experts.0.{now[name]}.weight": array for name, array in part.items()}
    model = {f"model.layers.0.block_sparse_moe.experts.0.{name}.weight": array for name, array in part.items()}
    compared(weights(base), weights(model), {"prefix"})


def test_falcon_has_keys_and_values_behind_the_queries_that_use_them():
    heads, groups, size, width = 4, 2, 8, 16
    query, key, value = normal(heads * size, width), normal(groups * size, width), normal(groups * size, width)
    name = "transformer.h.0.self_attention"
    apart = {f"{name}.query.weight": query, f"{name}.key.weight": key, f"{name}.value.weight": value}
    parts = [each.reshape(groups, -1, size, width) for each in (query, key, value)]
    one = {f"{name}.query_key_value.weight": np.concatenate(parts, 1).reshape(-1, width)}
    config = {"model_type": "falcon", "num_attention_heads": heads, "num_kv_heads": groups}
    config["new_decoder_architecture"] = True
    compared(weights(apart), weights(one, model_config=config), {"projections"})
    compared(weights(one, model_config=config), weights(apart), {"projections"})
    unknown = weights(one, model_config={"model_type": "another", "num_attention_heads": heads})
    assert "'another'" in " ".join(ModelPair.of(weights(apart), unknown, buffers=False).notes())


@pytest.mark.parametrize("rows", [(6, 2, 2), (1, 1, 1), (2, 1, 3), (4,)])
def test_of_parts_in_a_row_nothing_is_decoded_but_what_is_asked_for(rows):
    numbers, asked = [normal(each, 4) for each in rows], []

    def part(array, place):
        def decode(first, last):
            assert 0 <= first < last <= len(array)
            asked.append((place, first, last))
            return array[first:last]

        return Values(array.shape, "F32", array[:0], decode=decode, unit=4)

    whole = np.concatenate(numbers)
    made = _in_a_row([part(array, place) for place, array in enumerate(numbers)], whole.shape)
    for start in range(len(whole)):
        for stop in range(start + 1, len(whole) + 1):
            asked.clear()
            assert np.array_equal(made.numbers(4 * start, 4 * stop).reshape(-1, 4), whole[start:stop])
            assert sum(last - first for _, first, last in asked) == stop - start
    assert made.numbers(0, 0).tolist() == []
    assert _in_a_row([part(numbers[0], 0), None], whole.shape) is None
